//! Where a feed is read: from the web, from a file, or from a folder of recorded answers.

use std::path::{Path, PathBuf};

use url::Url;

/// Where a feed is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Asked over HTTP.
    Url(Url),
    /// A file; of one whose name ends in `.jsonl` each line is a poll.
    File(PathBuf),
    /// A folder; its files, in the order of their names, are successive polls.
    Dir(PathBuf),
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing was given.
    #[error("an empty address; expected https://…, a file or a folder")]
    Empty,
    /// Not an address on the web.
    #[error("`{text}` is no address: {reason}; expected https://host/path")]
    Url {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not a way in which feeds are read.
    #[error("`{0}:` is no way to read a feed; expected http:, https:, a file or a folder")]
    Scheme(String),
}

impl Address {
    /// Reads an address as people give it. A path that does not exist yet is a file, unless it ends in a slash.
    ///
    /// # Errors
    /// If it is empty, or looks like an address on the web and is none.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Self::of_path(text)) };
        let url =
            Url::parse(text).map_err(|error| AddressError::Url { text: text.to_owned(), reason: error.to_string() })?;
        match url.scheme() {
            "http" | "https" => Ok(Self::Url(url)),
            "file" => Ok(url.to_file_path().map_or_else(|()| Self::of_path(url.path()), Self::of_path)),
            _ => Err(AddressError::Scheme(scheme.to_owned())),
        }
    }

    fn of_path(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let folder = path.is_dir() || path.to_string_lossy().ends_with('/');
        if folder { Self::Dir(path.to_owned()) } else { Self::File(path.to_owned()) }
    }

    /// What others may see of it: no user, no query, and of a path only the last part.
    #[must_use]
    pub fn shown(&self) -> String {
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match self {
            Self::Url(url) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            Self::File(path) => format!("file {}", name(path)),
            Self::Dir(path) => format!("folder {}", name(path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_s_words_become_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(Address::parse(path), Ok(Address::Dir(folder.path().to_owned())));
        assert_eq!(Address::parse("polls/"), Ok(Address::Dir("polls/".into())));
        assert_eq!(Address::parse(" a.jsonl "), Ok(Address::File("a.jsonl".into())));
        assert_eq!(Address::parse(&format!("file://{path}/x.json")), Ok(Address::File(folder.path().join("x.json"))));
        assert!(matches!(Address::parse("https://x.example/a?b"), Ok(Address::Url(_))));
        assert!(matches!(Address::parse("ftp://x.example/"), Err(AddressError::Scheme(_))));
        assert!(matches!(Address::parse("https://"), Err(AddressError::Url { .. })));
        assert_eq!(Address::parse("  "), Err(AddressError::Empty));
    }

    #[test]
    fn what_is_shown_gives_nothing_away() {
        let shown = |text| Address::parse(text).unwrap().shown();
        assert_eq!(shown("https://me:secret@x.example:8443/a/b?token=1#c"), "https://x.example:8443/a/b");
        assert_eq!(shown("/home/somebody/feed.json"), "file feed.json");
    }
}
