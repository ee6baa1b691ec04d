//! What is alike in every syndicated feed: how an entry is named, when it was published, and the one statement that it
//! carries, which its author rewrites in place.

use chrono::{DateTime, Utc};
use entente_schemas::check::OBJECT_ID_MAX;
use entente_schemas::family::{Body, Notice};
use entente_schemas::header::{Native, Times};

use crate::decode::refuse_item;
use crate::item::{FeedProfile, Item, Reading, Refusal, Statement};
use crate::mapping::{Mapping, MappingError, Member};
use crate::reading::{address, gather};
use crate::stamp::{MemberError, fidelity, only_observed, utc_seconds};
use crate::syndication::{Entry, date, entries};

/// An entry with its name and dates read.
#[derive(Clone, Debug)]
pub struct Post<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// `<guid>@<pubDate>`, the date in UTC to the second: feeds use one guid again for another matter. `<guid>` alone
    /// where no date is given. A link stands for a guid that is not given, and a title for both.
    pub native_id: String,
    /// When it was published.
    pub published: Option<DateTime<Utc>>,
    /// When this version was, as far as the feed tells.
    pub stamp: Option<DateTime<Utc>>,
    /// The title, or the id where there is none.
    pub title: &'a str,
    /// The provider's word for the status, where the feed has one.
    pub status: Option<String>,
}

/// Why an entry is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Nothing to call it by.
    #[error("the entry has neither a guid nor a link, nor a title with a date, so it cannot be told from others")]
    Nameless,
    /// A name that no object can have.
    #[error("the entry's guid has over {OBJECT_ID_MAX} characters with its date")]
    LongName,
    /// A date that is none.
    #[error(transparent)]
    Date(#[from] MemberError),
    /// No date where the feed's guids are used again.
    #[error("the entry has no pubDate, without which this feed's guids name nothing")]
    Undated,
    /// The mapping table does not say what makes a change.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

impl<'a> Post<'a> {
    /// Reads the name and the dates of an entry.
    ///
    /// # Errors
    /// If it has no name, or a date that is none.
    pub fn of(entry: &'a Entry, observed: DateTime<Utc>) -> Result<Self, PostError> {
        let titled = entry.title.as_deref().filter(|_| entry.published.is_some());
        let name = entry.id.as_deref().or(entry.link.as_deref()).or(titled).ok_or(PostError::Nameless)?;
        let read = |member, text: &Option<String>| {
            let time = text.as_deref().map(|text| date(text, observed)).transpose();
            time.map_err(|error| MemberError { member, error })
        };
        let published = read("pubDate", &entry.published)?;
        let updated = read("updated", &entry.updated)?;
        Ok(Self {
            entry,
            native_id: published.map_or_else(|| name.to_owned(), |time| format!("{name}@{}", utc_seconds(time))),
            published,
            stamp: updated.max(published),
            title: entry.title.as_deref().unwrap_or(name),
            status: None,
        })
    }

    /// The object that the entry is, in a native system.
    ///
    /// # Errors
    /// If no object can have such a name.
    pub fn object_id(&self, system: &str) -> Result<String, PostError> {
        let id = format!("{system}:{}", self.native_id);
        // Room for the name of the statement.
        if id.chars().count() + "/text".len() > OBJECT_ID_MAX { Err(PostError::LongName) } else { Ok(id) }
    }

    /// A member of the entry, as it enters a digest.
    #[must_use]
    pub fn member(&self, name: &str) -> Member {
        match name {
            "title" => self.title.into(),
            "text" => self.entry.text().into(),
            "categories" => self.entry.categories.clone().into(),
            "when" => self.entry.published.as_deref().into(),
            "status" => self.status.as_deref().into(),
            _ => Member::Absent,
        }
    }

    /// The entry's native part.
    ///
    /// # Errors
    /// If the mapping has no such digest.
    pub fn native(&self, profile: &FeedProfile, mapping: &Mapping, list: &str) -> Result<Native, PostError> {
        let categories = &self.entry.categories;
        Ok(Native {
            status: self.status.clone(),
            category: (!categories.is_empty()).then(|| categories.join(", ")),
            digest: mapping.digest(list, |name| self.member(name))?,
            ..mapping.native(&profile.system, self.native_id.clone(), self.entry.link.as_deref().and_then(address))
        })
    }

    /// The clocks of the entry. A feed dates what was said, not what happened: no start is stated.
    #[must_use]
    pub fn times(&self, observed: DateTime<Utc>) -> Times {
        Times { published_at: self.stamp, ..only_observed(observed) }
    }

    /// The statement that the entry carries; none without a text.
    ///
    /// # Errors
    /// If the mapping has no digest for statements.
    pub fn statement(
        &self,
        about: &str,
        profile: &FeedProfile,
        mapping: &Mapping,
        observed: DateTime<Utc>,
    ) -> Result<Option<Statement>, PostError> {
        let Some(text) = self.entry.text() else { return Ok(None) };
        let native = self.native(profile, mapping, "notice")?;
        Ok(Some(Statement {
            object_id: format!("{about}/text"),
            times: Times {
                occurred_at: self.published,
                fidelity: self.published.map(fidelity),
                ..self.times(observed)
            },
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about: about.to_owned(),
                channel: profile.speaker.channel.clone().unwrap_or_else(|| profile.system.clone()),
                url: native.url.clone(),
                audience_told: "public".to_owned(),
                native_status: self.status.clone(),
                text: text.to_owned(),
            }),
            native: Native { id: format!("{}/text", self.native_id), category: None, ..native },
        }))
    }
}

/// Reads a whole feed, entry by entry.
///
/// # Errors
/// If the answer is no feed.
pub fn read(body: &[u8], mut item: impl FnMut(&Entry) -> Result<Item, PostError>) -> Result<Reading, Refusal> {
    let entries = entries(body)?;
    let read = |(index, entry)| item(entry).map_err(|error| refused(entry, index, error));
    Ok(gather(entries.iter().enumerate().map(read)))
}

/// A refusal of one entry; `index` counts from 0.
fn refused(entry: &Entry, index: usize, reason: impl std::fmt::Display) -> Refusal {
    let name = entry.id.as_deref().or(entry.title.as_deref()).unwrap_or_default();
    let name: String = name.chars().take(80).collect();
    refuse_item(reason, format!("item {} {name}", index + 1).trim_end(), entry.source.as_bytes())
}
