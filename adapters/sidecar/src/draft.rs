//! Items into drafts of events: which of them are news, which revision each gets, and that each fits its limits. What a
//! reader would refuse is refused here, so that nothing enters the outbox that cannot be taken.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::block::BlockState;
use entente_schemas::digest::{SHORT, base32, hex, length_prefixed, sha256};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, machine_id};
use entente_schemas::family::{Advisory, Body, Claim, Family, Feed, Impact, Notice, Outcome, Phase, Rejected};
use entente_schemas::header::{Certainty, Header, Native, Ref, Times};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use entente_schemas::trim::fit;

use crate::item::{FeedProfile, Item, Refusal, Statement};
use crate::memory::{Judgement, Memory, VANISHED, Version};
use crate::stamp::{only_observed, orders};

const TITLE_MAX: usize = 500;
const SUMMARY_MAX: usize = 4_000;
const NOTICE_MAX: usize = 32_000;
const REASON_MAX: usize = 500;

/// Makes the drafts of one feed.
#[derive(Clone, Debug)]
pub struct Drafter {
    source: Source,
    universe: String,
    audience: String,
    tlp: Tlp,
    profile: FeedProfile,
}

/// When and on which occasion drafts are made.
#[derive(Clone, Copy, Debug)]
pub struct Occasion {
    /// The player's clock.
    pub now: DateTime<Utc>,
    /// Whether this is the feed's first good poll: what is closed already is backfill.
    pub first_good: bool,
}

/// What came of an answer's items.
#[derive(Clone, Debug, Default)]
pub struct Drafted {
    /// The news, each item before what goes with it.
    pub drafts: Vec<Draft>,
    /// Items, and statements of items, that readers of the bus would not take.
    pub refused: Vec<Refusal>,
    /// What was said before and is said again only if the next good answer holds it too.
    pub again: BTreeSet<Version>,
}

/// What a claim is made of beside its revision.
struct Saying {
    object_id: String,
    rev: u64,
    speaker: Speaker,
    times: Times,
    certainty: Certainty,
    native: Native,
    backfill: bool,
    refs: Vec<Ref>,
    trimmed: Vec<String>,
    cause: Option<String>,
    /// Where it is not marked as the feed is.
    tlp: Option<Tlp>,
    body: Body,
}

impl Drafter {
    /// A drafter for the events that this source transmits. What everybody may read is marked clear, what a sharing group
    /// reads amber, unless another marking is set.
    #[must_use]
    pub fn new(source: Source, universe: &str, audience: &str, profile: FeedProfile) -> Self {
        let tlp = if audience == AUDIENCE_ALL { Tlp::Clear } else { Tlp::Amber };
        Self { source, universe: universe.to_owned(), audience: audience.to_owned(), tlp, profile }
    }

    /// Sets the marking of what is drafted.
    pub fn mark(&mut self, tlp: Tlp) {
        self.tlp = tlp;
    }

    /// The news among the items of an answer: one revision per changed digest of an item or a statement.
    #[must_use]
    pub fn items(&self, items: Vec<Item>, memory: &Memory, occasion: Occasion) -> Drafted {
        let mut drafted = Drafted::default();
        for item in newest_of_each(items, occasion.now) {
            self.item(&item, memory, occasion, &mut drafted);
        }
        drafted
    }

    fn item(&self, item: &Item, memory: &Memory, occasion: Occasion, drafted: &mut Drafted) {
        let backfill = backfilled(item, memory, occasion);
        let family = item.body.family();
        let fresh = match memory.judge(family, &item.object_id, item.stamp(), &item.native.digest, occasion.now) {
            Judgement::Stale => return,
            Judgement::Again => {
                drafted.again.insert((family, item.object_id.clone(), item.native.digest.clone()));
                return;
            }
            Judgement::Same => false,
            Judgement::News { rev } => match self.draft(self.item_said(item, rev, backfill), occasion.now) {
                Ok(draft) => {
                    drafted.drafts.push(draft);
                    true
                }
                // Statements about what is not on the bus would belong to nothing.
                Err(refusal) => return drafted.refused.push(refusal),
            },
        };
        for statement in told_apart(&item.also) {
            let Some(rev) = news(&statement, memory, (fresh, occasion.now), &mut drafted.again) else { continue };
            match self.draft(self.statement_said(statement, (rev, item.tlp), backfill), occasion.now) {
                Ok(draft) => drafted.drafts.push(draft),
                Err(refusal) => drafted.refused.push(refusal),
            }
        }
    }

    fn item_said(&self, item: &Item, rev: u64, backfill: bool) -> Saying {
        let (body, trimmed) = shortened_body(item.body.clone());
        Saying {
            object_id: item.object_id.clone(),
            rev,
            speaker: self.profile.speaker.clone(),
            times: item.times.clone(),
            certainty: item.certainty,
            native: item.native.clone(),
            backfill,
            refs: item.refs.clone(),
            trimmed,
            cause: None,
            tlp: item.tlp,
            body,
        }
    }

    fn statement_said(&self, statement: Statement, (rev, tlp): (u64, Option<Tlp>), backfill: bool) -> Saying {
        let (body, trimmed) = shortened_body(statement.body);
        Saying {
            object_id: statement.object_id,
            rev,
            speaker: self.profile.speaker.clone(),
            times: statement.times,
            certainty: Certainty::Observed,
            native: statement.native,
            backfill,
            refs: statement.refs,
            trimmed,
            cause: None,
            tlp,
            body,
        }
    }

    /// The revision that closes an item which left its feed. Its digest is that of no members, so that an unchanged return
    /// is a new revision.
    ///
    /// # Errors
    /// If readers of the bus would not take it.
    pub fn vanished(&self, claim: &Claim, memory: &Memory, now: DateTime<Utc>) -> Result<Draft, Refusal> {
        let header = &claim.header;
        let mut body = claim.body.clone();
        if let Body::Impact(impact) = &mut body {
            (impact.phase, impact.outcome) = (Phase::Resolved, Some(Outcome::Vanished));
            impact.next_update_by = None;
            impact.blocks.iter_mut().for_each(|block| block.state = ended(block.state));
        }
        let native = header.native.clone().unwrap_or_else(|| self.own_native(&header.object_id, String::new()));
        self.draft(
            Saying {
                object_id: header.object_id.clone(),
                rev: memory.next_rev(Family::Impact, &header.object_id),
                speaker: header.speaker.clone(),
                times: Times { observed_at: now, ..header.times.clone() },
                certainty: Certainty::Likely,
                native: Native { digest: of_nothing(), mapping_version: self.profile.mapping_version, ..native },
                backfill: false,
                refs: header.refs.clone(),
                trimmed: header.trimmed.clone(),
                cause: Some(VANISHED.to_owned()),
                tlp: None,
                body,
            },
            now,
        )
    }

    /// The event that tells of a change of this feed's state.
    ///
    /// # Errors
    /// If readers of the bus would not take it.
    pub fn feed(&self, feed: Feed, memory: &Memory, now: DateTime<Utc>) -> Result<Draft, Refusal> {
        let object_id = self.feed_object();
        let digest = hex(&length_prefixed([feed.state.as_str(), &feed.reason, &feed.since.to_rfc3339()]));
        let rev = memory.next_rev(Family::Feed, &object_id);
        let native = self.own_native(&self.profile.slug, digest);
        self.draft(self.own_saying(object_id, rev, native, now, Body::Feed(feed)), now)
    }

    /// The object that this feed's states are said of.
    #[must_use]
    pub fn feed_object(&self) -> String {
        format!("feed:{}", self.source.org_feed())
    }

    /// The event that tells of an input that could not be taken; none if it was told already.
    ///
    /// # Errors
    /// If readers of the bus would not take it.
    pub fn rejected(&self, refusal: &Refusal, memory: &Memory, now: DateTime<Utc>) -> Result<Option<Draft>, Refusal> {
        let digest = sha256(&refusal.input);
        let object_id = format!("{}:rejected/{}", self.profile.system, base32(&digest, SHORT));
        if memory.last(Family::Rejected, &object_id).is_some() {
            return Ok(None);
        }
        let rejected = Rejected {
            feed: self.profile.slug.clone(),
            reason: shortened(&refusal.reason),
            position: refusal.position.as_deref().map(shortened),
            digest: hex(&digest),
            bytes: refusal.input.len() as u64,
        };
        let native = self.own_native(&base32(&digest, SHORT), rejected.digest.clone());
        let saying = self.own_saying(object_id, 1, native, now, Body::Rejected(rejected));
        self.draft(saying, now).map(Some)
    }

    /// The refusal of a draft that the outbox will never take.
    #[must_use]
    pub fn left_out(draft: &Draft, reason: &str) -> Refusal {
        refusal(&draft.claim, format!("the outbox would not take it: {reason}"))
    }

    fn own_native(&self, id: &str, digest: String) -> Native {
        Native {
            system: self.profile.system.clone(),
            id: id.to_owned(),
            url: None,
            status: None,
            severity: None,
            category: None,
            mapping_version: self.profile.mapping_version,
            digest,
        }
    }

    /// A claim of the adapter itself: its organisation looks on and says so in its own name.
    fn own_saying(&self, object_id: String, rev: u64, native: Native, now: DateTime<Utc>, body: Body) -> Saying {
        Saying {
            object_id,
            rev,
            speaker: Speaker { org: self.source.org.clone(), role: Role::Observer, channel: None, relay: Relay::Own },
            times: only_observed(now),
            certainty: Certainty::Observed,
            native,
            backfill: false,
            refs: Vec::new(),
            trimmed: Vec::new(),
            cause: None,
            tlp: None,
            body,
        }
    }

    fn draft(&self, saying: Saying, now: DateTime<Utc>) -> Result<Draft, Refusal> {
        let (object, digest, family) = (&saying.object_id, &saying.native.digest, saying.body.family());
        let mut draft = Draft {
            id: machine_id(&self.universe, &self.source.org_feed(), family, object, saying.rev, digest),
            recorded: now,
            causation: None,
            traceparent: None,
            tlp: saying.tlp.map_or(self.tlp, |tlp| tlp.max(self.tlp)),
            claim: saying.into_claim(),
        };
        if draft.tlp.fits_all() != (self.audience == AUDIENCE_ALL) {
            return Err(misplaced(&draft));
        }
        let checked = draft.claim.check_strict();
        checked.map_err(|problems| refusal(&draft.claim, format!("the bus would not take it: {problems}")))?;
        fit(&mut draft, self.greatest_place()).map_err(|error| refusal(&draft.claim, error.to_string()))?;
        Ok(draft)
    }

    /// The place whose attributes take most bytes; all that vary have a fixed length.
    fn greatest_place(&self) -> Place<'_> {
        Place {
            source: &self.source,
            universe: &self.universe,
            audience: &self.audience,
            sequence: entente_schemas::count::COUNT_MAX,
            prevhash: CHAIN_START,
        }
    }
}

impl Saying {
    fn into_claim(self) -> Claim {
        let header = Header {
            object_id: self.object_id,
            rev: self.rev,
            speaker: self.speaker,
            author: None,
            headline: None,
            invented: false,
            times: self.times,
            certainty: self.certainty,
            native: Some(self.native),
            backfill: self.backfill,
            refs: self.refs,
            trimmed: self.trimmed,
            cause: self.cause,
        };
        Claim { header, body: self.body }
    }
}

/// What is refused is named by its object and digest, which stay equal from poll to poll.
fn refusal(claim: &Claim, reason: String) -> Refusal {
    let (family, object) = (claim.family(), &claim.header.object_id);
    let digest = claim.header.native.as_ref().map_or("", |native| &native.digest);
    Refusal { reason, position: Some(object.clone()), input: format!("{family}\n{object}\n{digest}").into_bytes() }
}

/// The refusal of what this audience may not read: it does not give away what there is.
fn misplaced(draft: &Draft) -> Refusal {
    let reason =
        format!("an item is marked TLP {}, which this audience may not read; read it into a sharing group", draft.tlp);
    Refusal { position: None, ..refusal(&draft.claim, reason) }
}

/// The digest of no members.
fn of_nothing() -> String {
    hex(&length_prefixed::<&str>([]))
}

fn ended(state: BlockState) -> BlockState {
    match state {
        BlockState::NotAffected | BlockState::Excluded => state,
        _ => BlockState::Restored,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(REASON_MAX).collect()
}

/// What is said within the limits of its family, and a note of each cut.
fn shortened_body(body: Body) -> (Body, Vec<String>) {
    let mut trimmed = Vec::new();
    let body = match body {
        Body::Impact(impact) => {
            let title = cut("title", &impact.title, TITLE_MAX, &mut trimmed);
            // The whole of the summary stands in its notice, so a cut of it is no loss worth a note.
            let summary = impact.summary.as_ref().map(|text| text.chars().take(SUMMARY_MAX).collect());
            Body::Impact(Impact { title, summary, ..impact })
        }
        Body::Notice(notice) => {
            Body::Notice(Notice { text: cut("text", &notice.text, NOTICE_MAX, &mut trimmed), ..notice })
        }
        Body::Advisory(advisory) => {
            let title = cut("title", &advisory.title, TITLE_MAX, &mut trimmed);
            let text = advisory.text.as_ref().map(|text| cut("text", text, NOTICE_MAX, &mut trimmed));
            Body::Advisory(Advisory { title, text, ..advisory })
        }
        other => other,
    };
    (body, trimmed)
}

fn cut(what: &str, text: &str, max: usize, trimmed: &mut Vec<String>) -> String {
    let length = text.chars().count();
    if length > max {
        trimmed.push(format!("{what}: {max} of {length} characters"));
    }
    text.chars().take(max).collect()
}

/// Closed when the feed was first read, and closed ever since.
fn backfilled(item: &Item, memory: &Memory, occasion: Occasion) -> bool {
    let closed = item.impact().is_some_and(|impact| !impact.phase.is_open());
    let last = memory.last(item.body.family(), &item.object_id);
    closed && last.map_or(occasion.first_good, |last| last.backfill)
}

/// The revision that a statement gets if it is news `now`; `fresh` is what it stands in.
fn news(
    statement: &Statement,
    memory: &Memory,
    (fresh, now): (bool, DateTime<Utc>),
    again: &mut BTreeSet<Version>,
) -> Option<u64> {
    let (family, id, digest) = (statement.body.family(), &statement.object_id, &statement.native.digest);
    match memory.judge(family, id, statement.times.published_at, digest, now) {
        Judgement::News { rev } => Some(rev),
        // What is new beside it shows that the copy is no old one.
        Judgement::Again if fresh => Some(memory.next_rev(family, id)),
        Judgement::Again => {
            again.insert((family, id.clone(), digest.clone()));
            None
        }
        Judgement::Same | Judgement::Stale => None,
    }
}

/// One item of each family and object: of several copies in one answer the newest, else the last.
fn newest_of_each(items: Vec<Item>, now: DateTime<Utc>) -> Vec<Item> {
    let mut newest: BTreeMap<(Family, &str), usize> = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        let kept = newest.entry((item.body.family(), &item.object_id)).or_insert(index);
        if items.get(*kept).is_some_and(|kept| orders(item.stamp(), now) >= orders(kept.stamp(), now)) {
            *kept = index;
        }
    }
    let kept: BTreeSet<usize> = newest.into_values().collect();
    items.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, item)| item).collect()
}

/// Statements of one item and family with ids of their own: providers put two under one second, or one twice.
fn told_apart(statements: &[Statement]) -> Vec<Statement> {
    let mut digests: BTreeMap<(Family, &str), BTreeSet<&str>> = BTreeMap::new();
    let mut apart = Vec::new();
    for statement in statements {
        let known = digests.entry((statement.body.family(), &statement.object_id)).or_default();
        if !known.insert(&statement.native.digest) {
            continue;
        }
        let mut statement = statement.clone();
        if known.len() > 1 {
            statement.object_id = format!("{}~{}", statement.object_id, known.len());
            statement.native.id = format!("{}~{}", statement.native.id, known.len());
        }
        apart.push(statement);
    }
    apart
}
