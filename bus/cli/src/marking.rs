//! What was said in a sharing group, as it is told here: its marking and the group's local name beside it, and its place in
//! the log by that name.

use entente_correlator::Place;
use entente_journal::Audiences;
use entente_schemas::subject::{AUDIENCE_ALL, log_stream};
use serde_json::Value;

use crate::folder::Folder;
use crate::line::text;

/// The names of the sharing groups.
#[derive(Clone, Debug, Default)]
pub struct Names(Audiences);

impl Names {
    /// Those of a data folder; none if it does not tell them.
    pub fn of(folder: &Folder) -> Self {
        Self(folder.groups().unwrap_or_else(|failure| {
            tracing::warn!("{failure}");
            Audiences::default()
        }))
    }

    /// What a group is called here: its local name, or else its id.
    pub fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.name(id).unwrap_or(id)
    }

    /// Whether there is any sharing group.
    pub fn has_groups(&self) -> bool {
        !self.0.is_empty()
    }

    /// The local names, in their order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The local name of a group that is named by it or by its id.
    pub fn known(&self, key: &str) -> Option<&str> {
        self.0.id(key).and_then(|id| self.0.name(id))
    }

    /// `TLP:AMBER banks` of what has an audience; empty for what everybody may read.
    pub fn mark(&self, said: &Value) -> String {
        let audience = text(said, "audience");
        if audience.is_empty() {
            return String::new();
        }
        format!("TLP:{} {}", text(said, "tlp").to_uppercase(), self.name(&audience))
    }

    /// `in sharing group banks` of what stands there in the log; empty for what everybody may read.
    pub fn group_at(&self, position: &str) -> String {
        let place = position.parse::<Place>().ok();
        let stream = place.map(|place| place.stream).filter(|stream| !stream.is_empty());
        let prefix = log_stream("actual", "");
        let group = stream.as_ref().and_then(|stream| stream.strip_prefix(&prefix)).filter(|id| *id != AUDIENCE_ALL);
        group.map(|id| format!("in sharing group {}", self.name(id))).unwrap_or_default()
    }

    /// A place or a position as it is short to type: `banks:7` for `A_actual_g...:7`, `120` for `A_actual_all:120`.
    pub fn place(&self, position: &str) -> String {
        position.split(',').map(|part| self.short(part)).collect::<Vec<_>>().join(",")
    }

    fn short(&self, part: &str) -> String {
        let Ok(Place { stream, sequence }) = part.parse() else { return part.to_owned() };
        if stream.is_empty() || *stream == *log_stream("actual", AUDIENCE_ALL) {
            return sequence.to_string();
        }
        let group = self.0.iter().find(|(_, id)| log_stream("actual", id) == *stream);
        group.map_or_else(|| part.to_owned(), |(name, _)| format!("{name}:{sequence}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BANKS: &str = "gbbbbbbbbbbbbbbbb";

    impl Names {
        /// One group.
        pub fn with(name: &str, id: &str) -> Self {
            Self(Audiences::default().with(name, id).unwrap())
        }
    }

    #[test]
    fn a_group_is_told_by_its_local_name() {
        let names = Names::with("banks", BANKS);
        assert_eq!(names.mark(&json!({ "audience": BANKS, "tlp": "amber+strict" })), "TLP:AMBER+STRICT banks");
        assert_eq!(names.mark(&json!({ "position": 7 })), "");
        assert_eq!(Names::default().mark(&json!({ "audience": BANKS, "tlp": "red" })), format!("TLP:RED {BANKS}"));
        let position = format!("A_actual_all:120,A_actual_{BANKS}:7");
        assert_eq!((names.place(&position).as_str(), names.place("120").as_str()), ("120,banks:7", "120"));
        assert_eq!(Names::default().place(&position), format!("120,A_actual_{BANKS}:7"));
        assert_eq!(names.group_at(&format!("A_actual_{BANKS}:7")), "in sharing group banks");
        assert_eq!([names.group_at("7"), names.group_at("A_actual_all:7"), names.group_at("")], ["", "", ""]);
    }
}
