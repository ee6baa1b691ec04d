//! Which documents were read, and what was advised in each: kept in the data folder, so that a restart asks only for what
//! changed, and a remedy that is withdrawn while the sidecar is away is still known. Losing it costs asking again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::claims::Given;

/// What was read of one provider.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    path: Option<PathBuf>,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// By address.
    read: BTreeMap<String, Read>,
    /// By tracking id.
    given: BTreeMap<String, Vec<Given>>,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Read {
    /// What the list said of its last change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated: Option<DateTime<Utc>>,
    /// When it was released, by its own word; none of one that was passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) released: Option<DateTime<Utc>>,
    /// When it was last asked for.
    pub(crate) asked: DateTime<Utc>,
}

impl Shelf {
    /// What a file tells of the documents that were read. One that is not there is empty, one that cannot be read is left
    /// where it is until it is written anew.
    pub(crate) fn open(path: Option<PathBuf>) -> Self {
        let kept = path.as_deref().and_then(|path| match fs::read(path) {
            Ok(bytes) => parse(path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "which documents were read cannot be told; all are read again");
                None
            }
        });
        Self { path, kept: kept.unwrap_or_default() }
    }

    pub(crate) fn read(&self, url: &str) -> Option<&Read> {
        self.kept.read.get(url)
    }

    /// The remedies that were said of a document.
    pub(crate) fn given(&self, id: &str) -> &[Given] {
        self.kept.given.get(id).map_or(&[], Vec::as_slice)
    }

    /// Takes note of documents that were read, and writes all of it anew. What changed before `since` and is listed no more
    /// is forgotten.
    pub(crate) fn put(&mut self, news: Vec<News>, since: DateTime<Utc>) {
        for news in news {
            self.kept.read.insert(news.url, news.read);
            if let Some((id, given)) = news.given.filter(|(_, given)| !given.is_empty()) {
                self.kept.given.insert(id, given);
            }
        }
        self.kept.read.retain(|_, read| read.updated.is_none_or(|updated| updated >= since));
        if let Some(path) = &self.path
            && let Err(error) = write(path, &self.kept)
        {
            tracing::warn!(path = %path.display(), %error, "which documents were read cannot be kept; after a restart all are read again");
        }
    }
}

/// A document that was read, and what it advised.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) url: String,
    pub(crate) read: Read,
    /// Its tracking id, and every remedy that was said of it.
    pub(crate) given: Option<(String, Vec<Given>)>,
}

fn parse(path: &Path, bytes: &[u8]) -> Option<Kept> {
    let kept = serde_json::from_slice(bytes);
    kept.inspect_err(|error| {
        tracing::warn!(path = %path.display(), %error, "which documents were read cannot be told; all are read again");
    })
    .ok()
}

/// Whole or not at all.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(&serde_json::to_vec(kept)?)?;
    file.sync_data()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn news(url: &str, updated: &str) -> News {
        let asked = time("2024-07-20T00:00:00Z");
        let given = Given { category: "workaround".into(), name: "Wait.".into(), done: true };
        let read = Read { updated: Some(time(updated)), released: None, asked };
        News { url: url.into(), read, given: Some((url.to_uppercase(), vec![given])) }
    }

    #[test]
    fn what_was_read_is_known_after_a_restart_and_the_old_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below").join("acme.json");
        let mut shelf = Shelf::open(Some(path.clone()));
        let since = time("2024-07-01T00:00:00Z");
        shelf.put(vec![news("a", "2024-07-19T00:00:00Z"), news("b", "2024-06-19T00:00:00Z")], since);
        let again = Shelf::open(Some(path.clone()));
        assert_eq!(again.read("a").and_then(|read| read.updated), Some(time("2024-07-19T00:00:00Z")));
        assert_eq!((again.read("b"), again.given("B").len()), (None, 1));
        fs::write(&path, b"{\"read\":").unwrap();
        assert_eq!(Shelf::open(Some(path)).read("a"), None);
    }
}
