//! A vendor's status feed in RSS or Atom. The format has no place for a status, but most status pages begin each text with
//! their word for it; entries roll out of the feed, which says nothing.

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::family::{Body, Impact, ImpactKind, Outcome, Phase};
use entente_schemas::header::Certainty;
use entente_sidecar::item::{FeedProfile, Item, Normalize, Reading, Refusal, incident};
use entente_sidecar::post::{self, Post, PostError};
use entente_sidecar::syndication::Entry;

use crate::words::mapping;

/// An entry without a word for its status that is older than this when it is first seen is taken as over: feeds keep their
/// last weeks, and fifty old entries are not fifty open incidents.
const OPEN_FOR: TimeDelta = TimeDelta::days(3);

/// One vendor's RSS or Atom feed.
#[derive(Clone, Debug)]
pub(crate) struct Rss {
    pub(crate) profile: FeedProfile,
    /// The class of what the vendor sells.
    pub(crate) class: ServiceClass,
}

impl Normalize for Rss {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn read(&self, body: &[u8], observed: DateTime<Utc>) -> Result<Reading, Refusal> {
        post::read(body, |entry| self.item(entry, observed))
    }
}

impl Rss {
    fn item(&self, entry: &Entry, observed: DateTime<Utc>) -> Result<Item, PostError> {
        let mut post = Post::of(entry, observed)?;
        post.status = status(&post);
        let object_id = post.object_id(&self.profile.system)?;
        let (kind, phase, outcome) = reading(&post, observed);
        let statement = post.statement(&object_id, &self.profile, mapping(), observed)?;
        Ok(Item {
            native: post.native(&self.profile, mapping(), "post")?,
            times: post.times(observed),
            refs: Vec::new(),
            certainty: Certainty::Observed,
            tlp: None,
            body: Body::Impact(Impact {
                kind,
                phase,
                outcome,
                blocks: vec![self.block(kind, outcome)],
                summary: entry.text().map(str::to_owned),
                ..incident(post.title.to_owned())
            }),
            also: statement.into_iter().collect(),
            refused: Vec::new(),
            object_id,
        })
    }

    fn block(&self, kind: ImpactKind, outcome: Option<Outcome>) -> Block {
        let state = match (kind, outcome) {
            (ImpactKind::Maintenance, _) => BlockState::Excluded,
            (_, Some(Outcome::Restored)) => BlockState::Restored,
            _ => BlockState::Unknown,
        };
        Block {
            provider: self.profile.speaker.org.clone(),
            service_class: self.class,
            services: Vec::new(),
            regions: Vec::new(),
            zones: Vec::new(),
            state,
            severity: Severity::NotStated,
            layer: None,
            asset: None,
        }
    }
}

/// What the entry's word for the status says, else what its age does.
fn reading(post: &Post<'_>, observed: DateTime<Utc>) -> (ImpactKind, Phase, Option<Outcome>) {
    let word = post.status.as_deref().map(str::to_lowercase);
    let meaning = word.and_then(|word| mapping().word("status", &word)).cloned().unwrap_or_default();
    let kind = meaning.kind.unwrap_or(ImpactKind::Incident);
    match meaning.phase {
        Some(phase) => (kind, phase, meaning.outcome),
        None if post.stamp.is_some_and(|stamp| stamp < observed - OPEN_FOR) => {
            (kind, Phase::Resolved, Some(Outcome::AutoClosed))
        }
        None => (kind, Phase::Suspected, None),
    }
}

/// The newest word for the status: `[RESOLVED] ...` before the title, or the first run of text between two tags that is
/// nothing but such a word, alone or after `Status:`.
fn status(post: &Post<'_>) -> Option<String> {
    let bracketed = post.title.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(word, _)| word);
    let text = post.entry.text().unwrap_or_default();
    bracketed.into_iter().chain(text.split(['<', '>'])).find_map(listed)
}

fn listed(run: &str) -> Option<String> {
    let run = run.trim();
    let word = match run.split_once(':') {
        Some((label, word)) if label.trim().eq_ignore_ascii_case("status") => word.trim(),
        _ => run,
    };
    mapping().word("status", &word.to_lowercase()).is_some().then(|| word.to_owned())
}
