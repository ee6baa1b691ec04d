//! A double of a provider of advisories in CSAF: its metadata, its lists as ROLIE feeds or as folders, its documents with
//! the hashes beside them, conditional requests, and faults. Documents are given to it as bytes, whatever they are.

mod answer;
mod lists;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::get;
use chrono::{DateTime, Utc};

use crate::fault::Faults;
use crate::served::Served;

/// Where the metadata stand.
pub const METADATA: &str = "/.well-known/csaf/provider-metadata.json";

/// Where they stand too.
pub const ASIDE: &str = "/csaf/provider-metadata.json";
/// Where a host says how to reach its people.
const SECURITY: &str = "/.well-known/security.txt";

/// How a provider lists its documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// A ROLIE feed for each marking.
    #[default]
    Rolie,
    /// A folder for each marking, with `changes.csv` and `index.txt`.
    Folder,
    /// A folder for each marking, with `index.txt` alone.
    Index,
}

/// What stands beside a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashes {
    /// Both hashes, as they are.
    #[default]
    Both,
    /// The shorter one alone.
    Sha256,
    /// Hashes of other bytes.
    Wrong,
    /// The lists name them, and they are not there.
    Missing,
    /// None, and none is named.
    None,
}

/// What stands in the usual place of the metadata.
#[derive(Clone, Debug, Default)]
enum Place {
    #[default]
    Metadata,
    /// They are at `/csaf/provider-metadata.json` alone.
    Nothing,
    /// They have moved to this address.
    Moved(String),
}

#[derive(Clone, Debug)]
struct Document {
    bytes: Vec<u8>,
    updated: DateTime<Utc>,
    hashes: Hashes,
}

#[derive(Debug, Default)]
struct Shelf {
    layout: Layout,
    /// By path below the provider's folder: `white/2024/acme-2024-001.json`. Its first part is the marking.
    documents: BTreeMap<String, Document>,
    /// Metadata in the place of the provider's own.
    metadata: Option<Vec<u8>>,
    /// What stands in the usual place of the metadata.
    place: Place,
    /// What the host's `security.txt` says; absent if it has none.
    security: Option<Vec<u8>>,
    /// Where a path is sent on to.
    moved: BTreeMap<String, String>,
    /// Links of other hosts, which stand in the white list.
    foreign: Vec<String>,
    /// What else stands on the host, by path below `/pages/`.
    pages: BTreeMap<String, Vec<u8>>,
}

/// A provider. Clones are one provider.
#[derive(Clone, Debug, Default)]
pub struct Provider {
    shelf: Arc<Mutex<Shelf>>,
    faults: Faults,
}

impl Provider {
    /// A provider without documents, that lists them in a way.
    #[must_use]
    pub fn new(layout: Layout) -> Self {
        let provider = Self::default();
        provider.shelf().layout = layout;
        provider
    }

    /// Publishes a document, or its next version, with its hashes; `path` begins with its marking in small letters.
    pub fn publish(&self, path: &str, bytes: impl Into<Vec<u8>>, updated: DateTime<Utc>) {
        self.publish_with(path, bytes, updated, Hashes::Both);
    }

    /// Publishes a document with other hashes beside it.
    pub fn publish_with(&self, path: &str, bytes: impl Into<Vec<u8>>, updated: DateTime<Utc>, hashes: Hashes) {
        let document = Document { bytes: bytes.into(), updated, hashes };
        self.shelf().documents.insert(path.to_owned(), document);
    }

    /// Puts these bytes in the place of the metadata.
    pub fn set_metadata(&self, bytes: impl Into<Vec<u8>>) {
        self.shelf().metadata = Some(bytes.into());
    }

    /// Leaves the usual place of the metadata empty: they are at [`ASIDE`] alone.
    pub fn put_metadata_aside(&self) {
        self.shelf().place = Place::Nothing;
    }

    /// Sends whoever asks for the metadata in their usual place on to an address.
    pub fn move_metadata(&self, to: &str) {
        self.shelf().place = Place::Moved(to.to_owned());
    }

    /// Says this in `/.well-known/security.txt`.
    pub fn set_security(&self, text: &str) {
        self.shelf().security = Some(text.as_bytes().to_vec());
    }

    /// Sends whoever asks for a path, below the provider's folder, on to an address.
    pub fn redirect(&self, path: &str, to: &str) {
        self.shelf().moved.insert(path.to_owned(), to.to_owned());
    }

    /// Lists a document that stands on another's host.
    pub fn list_foreign(&self, url: &str) {
        self.shelf().foreign.push(url.to_owned());
    }

    /// Puts a page that is no advisory at `/pages/PATH`: a status page, say, that the provider has beside them.
    pub fn post(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.shelf().pages.insert(path.to_owned(), bytes.into());
    }

    /// The faults that it plays.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Starts listening.
    ///
    /// # Errors
    /// If no port of loopback is free.
    pub async fn serve(&self) -> io::Result<Served> {
        let routes = Router::new()
            .route(METADATA, get(answer::usual))
            .route(ASIDE, get(answer::metadata))
            .route(SECURITY, get(answer::security))
            .route("/csaf/{*path}", get(answer::file))
            .route("/pages/{*path}", get(answer::page))
            .layer(axum::middleware::from_fn_with_state(self.clone(), answer::faulty))
            .with_state(self.clone());
        Served::start(routes).await
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::header::{ETAG, IF_NONE_MATCH, RETRY_AFTER};
    use serde_json::Value;

    use super::*;
    use crate::fault::Fault;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn stocked(layout: Layout) -> Provider {
        let provider = Provider::new(layout);
        provider.publish("white/2024/a.json", "{}", at("2024-07-19T06:00:00Z"));
        provider.publish("amber/2024/b.json", "[]", at("2024-07-18T06:00:00Z"));
        provider
    }

    async fn text(url: String) -> String {
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }

    #[tokio::test]
    async fn the_metadata_lead_to_lists_and_lists_to_documents_and_hashes() {
        let served = stocked(Layout::Rolie).serve().await.unwrap();
        let metadata: Value = serde_json::from_str(&text(served.url() + METADATA).await).unwrap();
        let feeds = metadata["distributions"][0]["rolie"]["feeds"].as_array().unwrap();
        assert_eq!((feeds.len(), feeds[1]["tlp_label"].as_str()), (2, Some("WHITE")));
        let feed: Value = serde_json::from_str(&text(feeds[1]["url"].as_str().unwrap().to_owned()).await).unwrap();
        let entry = &feed["feed"]["entry"][0];
        assert_eq!(entry["updated"], "2024-07-19T06:00:00Z");
        let document = entry["content"]["src"].as_str().unwrap();
        assert_eq!(text(document.to_owned()).await, "{}");
        let hash = text(format!("{document}.sha256")).await;
        assert_eq!(hash, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a  a.json\n");
    }

    #[tokio::test]
    async fn metadata_may_stand_elsewhere_and_the_host_says_where() {
        let provider = stocked(Layout::Rolie);
        provider.put_metadata_aside();
        let served = provider.serve().await.unwrap();
        let status = |path: &str| {
            let url = served.url() + path;
            async move { reqwest::get(url).await.unwrap().status().as_u16() }
        };
        assert_eq!((status(METADATA).await, status(ASIDE).await, status(SECURITY).await), (404, 200, 404));
        provider.move_metadata(&(served.url() + ASIDE));
        provider.set_security("CSAF: x\n");
        assert_eq!((status(METADATA).await, status(SECURITY).await), (200, 200));
    }

    #[tokio::test]
    async fn a_folder_lists_what_changed_and_an_index_only_what_there_is() {
        let served = stocked(Layout::Folder).serve().await.unwrap();
        let changes = text(served.url() + "/csaf/white/changes.csv").await;
        assert_eq!(changes, "\"2024/a.json\",\"2024-07-19T06:00:00Z\"\n");
        let served = stocked(Layout::Index).serve().await.unwrap();
        assert_eq!(text(served.url() + "/csaf/white/index.txt").await, "2024/a.json\n");
        let absent = reqwest::get(served.url() + "/csaf/white/changes.csv").await.unwrap();
        assert_eq!(absent.status().as_u16(), 404);
    }

    #[tokio::test]
    async fn what_is_known_is_not_sent_again_and_faults_are_played() {
        let provider = stocked(Layout::Rolie);
        let served = provider.serve().await.unwrap();
        let url = served.url() + "/csaf/white/2024/a.json";
        let first = reqwest::get(&url).await.unwrap();
        let tag = first.headers()[ETAG].clone();
        let again = reqwest::Client::new().get(&url).header(IF_NONE_MATCH, tag).send().await.unwrap();
        assert_eq!(again.status().as_u16(), 304);
        provider.faults().play("a.json", Fault::Throttled { retry_after: Some(Duration::from_secs(7)) }, 1);
        let throttled = reqwest::get(&url).await.unwrap();
        assert_eq!((throttled.status().as_u16(), throttled.headers()[RETRY_AFTER].to_str().unwrap()), (429, "7"));
        provider.faults().play("a.json", Fault::Truncated, 1);
        assert!(reqwest::get(&url).await.unwrap().bytes().await.is_err());
        provider.redirect("white/2024/a.json", "https://evil.example/a.json");
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        assert_eq!(client.get(&url).send().await.unwrap().status().as_u16(), 307);
    }
}
