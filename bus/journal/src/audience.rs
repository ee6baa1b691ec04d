//! Sharing groups as one data folder knows them: local names, each for an opaque id that alone travels on the bus. A small
//! TOML file; members and their rights stand elsewhere.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use entente_schemas::digest::base32;
use entente_schemas::subject::{is_audience, is_slug};

use crate::replace::replace;

/// Characters of an id after its `g`: 80 bits.
const LENGTH: usize = 16;

/// What the file says of itself.
const HEAD: &str = "\
# The sharing groups that this data folder reads: local name = opaque id. The name stays on this machine.
# `entente audience create NAME` makes one; a line with the id that another machine has made may be added by hand.
";

/// The sharing groups of a data folder: local names and opaque ids, each of both once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audiences(BTreeMap<String, String>);

/// Why the groups of a data folder cannot be read or added to.
#[derive(Debug, thiserror::Error)]
pub enum AudienceError {
    /// The file cannot be read, or says something else.
    #[error("{path} does not tell the sharing groups: {reason}; mend it, each line is `name = \"g...\"`")]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file cannot be written.
    #[error("{path} cannot be written: {reason}; free the disk, or mend the permissions of the data folder")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// No name of a group.
    #[error(
        "`{0}` is no name of a sharing group; expected a-z, 0-9 and -, with a letter, at most 24 characters, not `all` and not an id"
    )]
    Name(String),
    /// The name stands for a group already.
    #[error("`{name}` is the sharing group {id} already; use that, or choose another name")]
    Taken {
        /// The name.
        name: String,
        /// The id that it has.
        id: String,
    },
    /// The group has a name already.
    #[error("{id} is called `{name}` already; use that name, or change it in the file of sharing groups")]
    Named {
        /// The id.
        id: String,
        /// Its name.
        name: String,
    },
}

/// The id of a new group.
#[must_use]
pub fn audience_id(random: [u8; 10]) -> String {
    format!("g{}", base32(&random, LENGTH))
}

impl Audiences {
    /// The name of the file in a data folder.
    pub const FILE: &str = "audiences.toml";

    /// Reads a file; one that is not there names no group.
    ///
    /// # Errors
    /// If it is there and is not as it should be.
    pub fn read(path: &Path) -> Result<Self, AudienceError> {
        let failed = |reason: String| AudienceError::Read { path: path.to_owned(), reason };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error.to_string())),
        };
        let named: BTreeMap<String, String> =
            toml::from_str(&text).map_err(|error| failed(error.to_string().trim_end().to_owned()))?;
        let mut groups = Self::default();
        for (name, id) in named {
            if id == "all" || !is_audience(&id) {
                return Err(failed(format!("{name}: `{id}` is no id of a group")));
            }
            groups = groups.with(&name, &id).map_err(|error| failed(error.to_string()))?;
        }
        Ok(groups)
    }

    /// Adds a group to a file, which is written whole or not at all. Who adds at the same time waits.
    ///
    /// # Errors
    /// If the name or the id is taken, or the file cannot be read or written.
    pub fn add(path: &Path, name: &str, id: &str) -> Result<(), AudienceError> {
        let failed = |reason| AudienceError::Write { path: path.to_owned(), reason };
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o600);
        let lock = options.open(path.with_extension("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let added = Self::read(path)?.with(name, id)?;
        let written = added.write(path).map_err(failed);
        lock.unlock().map_err(failed)?;
        written
    }

    /// With one group more.
    ///
    /// # Errors
    /// If the name is none, or name or id are taken.
    pub fn with(mut self, name: &str, id: &str) -> Result<Self, AudienceError> {
        let is_word = name.bytes().any(|byte| byte.is_ascii_lowercase());
        if !is_slug(name) || !is_word || is_audience(name) {
            return Err(AudienceError::Name(name.to_owned()));
        }
        if let Some(id) = self.0.get(name) {
            return Err(AudienceError::Taken { name: name.to_owned(), id: id.clone() });
        }
        if let Some(name) = self.name(id) {
            return Err(AudienceError::Named { id: id.to_owned(), name: name.to_owned() });
        }
        self.0.insert(name.to_owned(), id.to_owned());
        Ok(self)
    }

    /// The id that a local name, or the id itself, stands for.
    #[must_use]
    pub fn id(&self, key: &str) -> Option<&str> {
        self.0.get(key).or_else(|| self.0.values().find(|id| *id == key)).map(String::as_str)
    }

    /// The local name of an id.
    #[must_use]
    pub fn name(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|(_, known)| *known == id).map(|(name, _)| name.as_str())
    }

    /// Names and ids, in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, id)| (name.as_str(), id.as_str()))
    }

    /// Whether there is no group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let lines = self.0.iter().map(|(name, id)| format!("{name} = \"{id}\"\n"));
        replace(path, std::iter::once(HEAD.to_owned()).chain(lines).collect::<String>().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(Audiences::FILE);
        (folder, path)
    }

    #[test]
    fn an_id_tells_nothing_and_fits_the_grammar_of_subjects() {
        assert_eq!(audience_id([0; 10]), "gaaaaaaaaaaaaaaaa");
        assert!(is_audience(&audience_id([255; 10])) && is_audience(&audience_id([7; 10])));
        assert_ne!(audience_id([1; 10]), audience_id([2; 10]));
    }

    #[test]
    fn names_and_ids_are_found_by_either_and_each_stands_once() {
        let (_folder, path) = file();
        assert!(Audiences::read(&path).unwrap().is_empty());
        let (one, two) = (audience_id([1; 10]), audience_id([2; 10]));
        Audiences::add(&path, "banks", &one).unwrap();
        Audiences::add(&path, "1st-aid", &two).unwrap();
        let groups = Audiences::read(&path).unwrap();
        assert_eq!(groups.iter().collect::<Vec<_>>(), [("1st-aid", two.as_str()), ("banks", one.as_str())]);
        assert_eq!((groups.id("banks"), groups.id(&one)), (Some(one.as_str()), Some(one.as_str())));
        assert_eq!((groups.name(&two), groups.id("all"), groups.name("all")), (Some("1st-aid"), None, None));
        let before = fs::read(&path).unwrap();
        let taken = Audiences::add(&path, "banks", &audience_id([3; 10])).unwrap_err();
        assert!(matches!(&taken, AudienceError::Taken { id, .. } if *id == one), "{taken}");
        assert!(matches!(Audiences::add(&path, "bank", &one), Err(AudienceError::Named { .. })));
        for name in ["", "04", "Banks", "all", "-a", one.as_str(), "a.b", "of twenty-five characters"] {
            assert!(
                matches!(Audiences::add(&path, name, &audience_id([4; 10])), Err(AudienceError::Name(_))),
                "{name}"
            );
        }
        assert_eq!(fs::read(&path).unwrap(), before, "what is refused changes nothing");
    }

    #[test]
    fn a_file_that_says_something_else_is_told_and_left_as_it_is() {
        let (_folder, path) = file();
        let id = audience_id([1; 10]);
        for text in [
            "banks = 3",
            "banks = \"all\"",
            "banks = \"g1\"",
            "= x",
            "[banks]\na = \"b\"",
            &format!("ALL = \"{id}\""),
            &format!("a = \"{id}\"\nb = \"{id}\""),
        ] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Audiences::read(&path), Err(AudienceError::Read { .. })), "{text}");
            assert!(matches!(Audiences::add(&path, "b2", &id), Err(AudienceError::Read { .. })), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn who_adds_at_the_same_time_loses_nothing() {
        let (_folder, path) = file();
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let path = &path;
                scope.spawn(move || {
                    Audiences::add(path, &format!("group-{number}"), &audience_id([number; 10])).unwrap()
                });
            }
        });
        assert_eq!(Audiences::read(&path).unwrap().iter().count(), 8);
    }
}
