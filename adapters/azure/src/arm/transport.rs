//! What carries requests: no redirects are followed, and what is meant for Azure's hosts goes to the addresses that the
//! settings name in their place. Azure's pipeline signs only requests to https, so they keep Azure's address until here.

use std::time::Duration;

use azure_core::http::{AsyncRawResponse, HttpClient, Request, Url};
use entente_sidecar::account::{Endpoint, OpenError};

const CONNECT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Rerouted {
    client: reqwest::Client,
    /// Origin as it is asked for, and address that is called.
    routes: Vec<(Url, Url)>,
}

impl Rerouted {
    pub(super) fn new<'a>(
        routes: impl IntoIterator<Item = (&'a str, &'a Option<Endpoint>)>,
    ) -> Result<Self, OpenError> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT);
        let client = client.build().map_err(|error| {
            OpenError(format!("Azure cannot be asked over HTTPS: {error}; install the system's CA certificates"))
        })?;
        let set =
            routes.into_iter().filter_map(|(from, to)| Some((Url::parse(from).ok()?, to.as_ref()?.url().clone())));
        Ok(Self { client, routes: set.collect() })
    }

    fn rerouted(&self, url: &Url) -> Option<Url> {
        let (_, to) = self.routes.iter().find(|(from, _)| from.origin() == url.origin())?;
        let mut there = to.clone();
        there.set_path(&format!("{}{}", to.path().trim_end_matches('/'), url.path()));
        there.set_query(url.query());
        Some(there)
    }
}

#[async_trait::async_trait]
impl HttpClient for Rerouted {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let Some(there) = self.rerouted(request.url()) else { return self.client.execute_request(request).await };
        let mut request = request.clone();
        *request.url_mut() = there;
        self.client.execute_request(&request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_for_the_named_host_goes_elsewhere() {
        let endpoint = Some("http://127.0.0.1:8080/azure/".parse().unwrap());
        let way =
            Rerouted::new([("https://management.azure.com", &endpoint), ("https://login.example", &None)]).unwrap();
        let goes = |url: &str| way.rerouted(&url.parse().unwrap()).map(String::from);
        let there = goes("https://management.azure.com/subscriptions?api-version=1&$skipToken=a%2Fb");
        assert_eq!(there.as_deref(), Some("http://127.0.0.1:8080/azure/subscriptions?api-version=1&$skipToken=a%2Fb"));
        assert_eq!(goes("https://management.azure.com:444/"), None);
        assert_eq!(goes("http://management.azure.com/"), None);
        assert_eq!(goes("https://login.example/x"), None);
    }
}
