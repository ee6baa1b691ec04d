//! What a provider says of itself and of its documents.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{Document, Hashes, Layout, Shelf};

impl Shelf {
    /// The markings under which there are documents, in small letters.
    fn labels(&self) -> BTreeSet<&str> {
        self.documents.keys().filter_map(|path| path.split('/').next()).collect()
    }

    /// The documents of a marking, by their paths within its folder, the newest first.
    fn of(&self, label: &str) -> Vec<(&str, &Document)> {
        let within = |path: &'_ String| path.strip_prefix(label).is_some_and(|rest| rest.starts_with('/'));
        let documents = self.documents.iter().filter(|(path, _)| within(path));
        let mut list: Vec<_> =
            documents.map(|(path, one)| (path.get(label.len() + 1..).unwrap_or_default(), one)).collect();
        list.sort_by(|a, b| b.1.updated.cmp(&a.1.updated).then_with(|| a.0.cmp(b.0)));
        list
    }

    /// The metadata, as they stand at `home`.
    pub(super) fn provider(&self, home: &str) -> Vec<u8> {
        if let Some(bytes) = &self.metadata {
            return bytes.clone();
        }
        let labels = self.labels();
        let distributions: Vec<Value> = if self.layout == Layout::Rolie {
            let feed = |label: &&str| {
                let url = format!("{home}/csaf/{label}/feed.json");
                json!({ "summary": format!("what is marked {label}"), "tlp_label": label.to_uppercase(), "url": url })
            };
            vec![json!({ "rolie": { "feeds": labels.iter().map(feed).collect::<Vec<_>>() } })]
        } else {
            labels.iter().map(|label| json!({ "directory_url": format!("{home}/csaf/{label}") })).collect()
        };
        bytes(&json!({
            "canonical_url": format!("{home}{}", super::METADATA),
            "distributions": distributions,
            "last_updated": "2024-07-19T00:00:00Z",
            "list_on_CSAF_aggregators": true,
            "metadata_version": "2.0",
            "mirror_on_CSAF_aggregators": true,
            "public_openpgp_keys": [],
            "publisher": { "category": "vendor", "name": "Acme", "namespace": "https://acme.example" },
            "role": "csaf_trusted_provider",
        }))
    }

    /// A list, if the path is that of one.
    pub(super) fn list(&self, path: &str, home: &str) -> Option<Vec<u8>> {
        let (label, name) = path.split_once('/')?;
        let documents = self.of(label);
        match (name, self.layout) {
            ("feed.json", Layout::Rolie) => Some(self.rolie(label, &documents, home)),
            ("changes.csv", Layout::Folder) => {
                let line = |(path, one): &(&str, &Document)| format!("\"{path}\",\"{}\"\n", stamp(one.updated));
                Some(documents.iter().map(line).collect::<String>().into_bytes())
            }
            ("index.txt", Layout::Folder | Layout::Index) => {
                Some(documents.iter().map(|(path, _)| format!("{path}\n")).collect::<String>().into_bytes())
            }
            _ => None,
        }
    }

    fn rolie(&self, label: &str, documents: &[(&str, &Document)], home: &str) -> Vec<u8> {
        let mut entries: Vec<Value> = documents.iter().map(|(path, one)| entry(path, one, label, home)).collect();
        if label == "white" {
            let foreign =
                |url: &String| json!({ "id": url, "updated": "2100-01-01T00:00:00Z", "content": { "src": url } });
            entries.extend(self.foreign.iter().map(foreign));
        }
        bytes(&json!({ "feed": {
            "id": format!("csaf-feed-tlp-{label}"),
            "title": format!("what is marked {label}"),
            "link": [{ "rel": "self", "href": format!("{home}/csaf/{label}/feed.json") }],
            "category": [{ "scheme": "urn:ietf:params:rolie:category:information-type", "term": "csaf" }],
            "updated": documents.first().map(|(_, one)| stamp(one.updated)).unwrap_or_default(),
            "entry": entries,
        }}))
    }
}

fn entry(path: &str, one: &Document, label: &str, home: &str) -> Value {
    let url = format!("{home}/csaf/{label}/{path}");
    let endings: &[&str] = match one.hashes {
        Hashes::None => &[],
        Hashes::Sha256 => &["sha256"],
        Hashes::Both | Hashes::Wrong | Hashes::Missing => &["sha256", "sha512"],
    };
    let hashes = endings.iter().map(|ending| json!({ "rel": "hash", "href": format!("{url}.{ending}") }));
    json!({
        "id": path,
        "title": path,
        "link": std::iter::once(json!({ "rel": "self", "href": url })).chain(hashes).collect::<Vec<_>>(),
        "published": stamp(one.updated),
        "updated": stamp(one.updated),
        "content": { "type": "application/json", "src": url },
        "format": { "schema": "https://docs.oasis-open.org/csaf/csaf/v2.0/csaf_json_schema.json", "version": "2.0" },
    })
}

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
