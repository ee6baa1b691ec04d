//! Reading one document: its bytes, the hash beside it, and what it claims.

use chrono::{DateTime, Utc};
use entente_sidecar::decode::{ANSWER_MAX, refuse_item};
use entente_sidecar::fetch::Validators;
use entente_sidecar::item::{FeedProfile, Refusal};
use entente_sidecar::poll::Failure;
use url::Url;

use super::checksum::{Algorithm, ChecksumError, FILE_MAX, sha256};
use super::claims::{Claimed, Origin, claims};
use super::listing::{Checks, Listed};
use super::shelf::{News, Read, Shelf};
use super::web::{Got, Web, is_closed};

/// What came of asking for a document.
#[derive(Debug)]
pub(crate) enum Came {
    /// It claims something.
    Claimed(Box<Claimed>, News),
    /// It is old, or is as it was; there is nothing to say.
    Nothing(News),
    /// It cannot be taken; the bytes that were had count.
    Refused(Refusal),
}

/// For whom documents are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) profile: &'a FeedProfile,
    pub(crate) open_to_all: bool,
    pub(crate) shelf: &'a Shelf,
    /// What was released earlier, and is of a list without times, is passed over.
    pub(crate) since: DateTime<Utc>,
    pub(crate) now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Asks for a document and reads it; `label` is the marking of its list.
    ///
    /// # Errors
    /// If it, or the hash beside it, is not answered.
    pub(crate) async fn read(
        &self,
        web: &mut Web,
        listed: &Listed,
        label: Option<&str>,
        known: &mut Validators,
    ) -> Result<Came, Failure> {
        let body = match web.get(&listed.url, known, ANSWER_MAX).await? {
            Got::Whole(body, validators) => {
                *known = validators;
                body
            }
            Got::Unchanged => return Ok(self.same(listed)),
            Got::Absent => return Ok(Came::Refused(refusal(listed, "the document that the list names is not there"))),
            Got::TooLarge => return Ok(Came::Refused(refusal(listed, too_large()))),
        };
        let came = match check(web, listed, &body).await? {
            Err(error) => Came::Refused(refuse_item(error, file_name(&listed.url), &body)),
            Ok(()) => self.claimed(listed, label, &body),
        };
        // What could not be taken is to be had whole again.
        if matches!(came, Came::Refused(_)) {
            *known = Validators::default();
        }
        Ok(came)
    }

    fn claimed(&self, listed: &Listed, label: Option<&str>, body: &[u8]) -> Came {
        let origin = Origin {
            profile: self.profile,
            url: listed.url.as_str(),
            sha256: &sha256(body),
            label,
            open_to_all: self.open_to_all,
            observed: self.now,
        };
        match claims(body, origin, |id| self.shelf.given(id)) {
            Err(refusal) => Came::Refused(refusal),
            Ok(claimed) => {
                let released = claimed.item.times.published_at;
                if listed.updated.is_none() && released < Some(self.since) {
                    return Came::Nothing(self.news(listed, None, None));
                }
                let given = (claimed.item.native.id.clone(), claimed.given.clone());
                Came::Claimed(Box::new(claimed), self.news(listed, released, Some(given)))
            }
        }
    }

    fn same(&self, listed: &Listed) -> Came {
        let released = self.shelf.read(listed.url.as_str()).and_then(|read| read.released);
        Came::Nothing(self.news(listed, released, None))
    }

    fn news(
        &self,
        listed: &Listed,
        released: Option<DateTime<Utc>>,
        given: Option<(String, Vec<super::claims::Given>)>,
    ) -> News {
        News { url: listed.url.to_string(), read: Read { updated: listed.updated, released, asked: self.now }, given }
    }
}

fn too_large() -> String {
    format!("the document has more than {ANSWER_MAX} bytes; larger ones are not taken")
}

/// Compares a document with the strongest hash that stands beside it. A list that names one must have it; a folder need not.
async fn check(web: &mut Web, listed: &Listed, body: &[u8]) -> Result<Result<(), ChecksumError>, Failure> {
    let (files, must) = match &listed.checks {
        Checks::Named(files) => (files.clone(), true),
        Checks::Beside => (beside(&listed.url), false),
    };
    for (algorithm, url) in files {
        let got = match web.get(&url, &Validators::default(), FILE_MAX).await {
            Err(failure) if !must && is_closed(&failure) => Got::Absent,
            got => got?,
        };
        match got {
            // A web page in the place of a file that need not be there says that it is not there.
            Got::Whole(file, _) if !must && file.trim_ascii_start().starts_with(b"<") => {}
            Got::TooLarge if !must => {}
            Got::Whole(file, _) => return Ok(algorithm.check(body, &file)),
            Got::TooLarge => return Ok(Err(ChecksumError::Form(algorithm.ending()))),
            Got::Absent | Got::Unchanged if must => return Ok(Err(ChecksumError::Missing(algorithm.ending()))),
            Got::Absent | Got::Unchanged => {}
        }
    }
    Ok(Ok(()))
}

fn beside(url: &Url) -> Vec<(Algorithm, Url)> {
    let file = |algorithm: Algorithm| {
        let mut file = url.clone();
        file.set_path(&format!("{}.{}", url.path(), algorithm.ending()));
        (algorithm, file)
    };
    [Algorithm::Sha512, Algorithm::Sha256].map(file).to_vec()
}

/// A document of which there are no bytes; the version that the list tells of is what is refused.
pub(crate) fn refusal(listed: &Listed, reason: impl std::fmt::Display) -> Refusal {
    let updated = listed.updated.map(|time| time.to_rfc3339()).unwrap_or_default();
    refuse_item(reason, file_name(&listed.url), format!("{}\n{updated}", listed.url).as_bytes())
}

fn file_name(url: &Url) -> String {
    url.path_segments().and_then(Iterator::last).unwrap_or_default().chars().take(200).collect()
}
