//! The pages of one list, turned one after the other. A list that would never end is told as that: one whose tokens come
//! again, and one with more pages than any has.

use std::collections::BTreeSet;

use entente_sidecar::poll::Failure;
use futures::FutureExt as _;
use google_cloud_compute_v1::model as compute;
use google_cloud_gax::error::Error;
use google_cloud_osconfig_v1::model as osconfig;
use google_cloud_servicehealth_v1::model as servicehealth;

use super::api::Api;
use super::google::Google;

/// The code of a list that does not end.
const ENDLESS: &str = "too-many";

/// A page, as far as it names the next.
pub(crate) trait Page {
    /// By what the next page is asked for; empty at the end.
    fn token(&self) -> &str;
}

macro_rules! pages {
    ($($page:ty),*; $token:ident => $text:expr) => {
        $(impl Page for $page {
            fn token(&self) -> &str {
                let $token = &self.next_page_token;
                $text
            }
        })*
    };
}

pages! {
    compute::InstanceAggregatedList,
    compute::InstanceList,
    compute::InstanceGroupManagerAggregatedList,
    compute::InstanceGroupManagersListManagedInstancesResponse,
    compute::RegionInstanceGroupManagersListInstancesResponse,
    compute::OperationList;
    token => token.as_deref().unwrap_or_default()
}

pages! {
    servicehealth::ListEventsResponse,
    servicehealth::ListOrganizationEventsResponse,
    servicehealth::ListOrganizationImpactsResponse,
    osconfig::ListInventoriesResponse,
    osconfig::ListPatchJobsResponse,
    osconfig::ListPatchJobInstanceDetailsResponse;
    token => token
}

/// How far a list was read.
pub(crate) struct Pages {
    api: &'static Api,
    /// Pages that are read at most.
    most: usize,
    read: usize,
    tokens: BTreeSet<String>,
    ended: bool,
}

impl Pages {
    /// A list of which nothing was read yet, and of which so many pages are read at most.
    pub(crate) fn of(api: &'static Api, most: usize) -> Self {
        Self { api, most, read: 0, tokens: BTreeSet::new(), ended: false }
    }

    /// The next page; none after the last, for which nothing is asked. `owner` is whose quota it is.
    ///
    /// # Errors
    /// If Google gives no page, or the list does not end.
    pub(crate) async fn turn<T: Page>(
        &mut self,
        (google, owner): (&Google, &str),
        next: impl Future<Output = Option<Result<T, Error>>> + Send,
    ) -> Result<Option<T>, Failure> {
        if self.ended {
            return Ok(None);
        }
        if self.read >= self.most {
            return Err(self.endless("there are more"));
        }
        let page = google.call(self.api, owner, next.map(Option::transpose)).await?;
        self.note(page.as_ref().map_or("", Page::token))?;
        Ok(page)
    }

    /// Takes note of by what the page after this one is asked for.
    fn note(&mut self, token: &str) -> Result<(), Failure> {
        self.read += 1;
        self.ended = token.is_empty();
        let is_new = self.ended || self.tokens.insert(token.to_owned());
        if is_new { Ok(()) } else { Err(self.endless("a page token came again")) }
    }

    fn endless(&self, why: &str) -> Failure {
        let (api, read) = (self.api.name, self.read);
        let next = "look at the endpoint in the settings, or at a shorter time back";
        Failure::new(ENDLESS, format!("{api}: the list of pages never ends: {why} after {read} pages; {next}"))
    }
}
