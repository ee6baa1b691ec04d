//! One event of AWS Health, whichever way it came, API or queue: into an impact with its text as a notice, or into an
//! advisory. Pure. What names an account or its resources is counted or cut here.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use entente_schemas::block::{Block, BlockState, Severity};
use entente_schemas::family::{Advisory, AdvisoryCategory, Body, Impact, ImpactKind, Notice, Phase};
use entente_schemas::header::{Certainty, Fidelity, Native, Times};
use entente_schemas::speaker::Role;
use entente_sidecar::account::Secret;
use entente_sidecar::item::{Item, Refusal, Statement, incident};
use entente_sidecar::mapping::{Lookup, Mapping, MappingError, Meaning, Member};
use entente_sidecar::stamp::only_observed;

use super::affected::Affected;
use crate::account::scrub;

/// The native system.
pub(crate) const SYSTEM: &str = "aws.health";
/// The page that people see; the same for every event, so it is shown and is never evidence.
const PAGE: &str = "https://health.aws.amazon.com/health/home";
/// The greatest number of characters in an event's name.
const NAME_MAX: usize = 400;
/// The greatest number of characters in any other word of AWS that is no text.
const WORD_MAX: usize = 200;

/// An event as AWS tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HealthEvent {
    /// Its name, which is not one account's alone.
    pub(crate) arn: String,
    pub(crate) service: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) start: Option<DateTime<Utc>>,
    pub(crate) end: Option<DateTime<Utc>>,
    /// When it was last written.
    pub(crate) updated: Option<DateTime<Utc>>,
    pub(crate) text: Option<String>,
    pub(crate) affected: Affected,
    /// Members that could not be read; the event stands without them.
    pub(crate) unread: Vec<String>,
}

/// Which events are told, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling<'a> {
    /// Hides what must not be told.
    pub(crate) secret: &'a Secret,
    /// Whether planned work is told.
    pub(crate) scheduled: bool,
    /// Whether notifications of an account are told.
    pub(crate) notifications: bool,
    /// When the event was seen.
    pub(crate) observed: DateTime<Utc>,
}

impl Telling<'_> {
    /// Whether an event is to be told, by its category.
    pub(crate) fn wants(&self, event: &HealthEvent, mapping: &Mapping) -> bool {
        let category = mapping.word("eventTypeCategory", event.category.as_deref().unwrap_or_default());
        let planned = category.is_some_and(|meaning| meaning.kind == Some(ImpactKind::Maintenance));
        (self.notifications || !is_notification(event)) && (self.scheduled || !planned)
    }
}

fn is_notification(event: &HealthEvent) -> bool {
    event.category.as_deref() == Some("accountNotification")
}

/// A word that is not known is told of, so it is cut like all that is told.
fn category(event: &HealthEvent, lookup: &mut Lookup<'_>) -> Meaning {
    lookup.word("eventTypeCategory", told(event.category.as_deref()).as_deref(), "incident")
}

/// A word of AWS that is no text: within its length, and without names.
fn told(word: Option<&str>) -> Option<String> {
    let word = word.map(str::trim).filter(|word| !word.is_empty())?;
    let word: String = word.chars().filter(|c| !c.is_control()).take(WORD_MAX).collect();
    Some(scrub::text(&word, &BTreeSet::new()))
}

/// What an event lacks.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the event has no ARN: it cannot be told from others")]
    Nameless,
    #[error("the event's ARN has over {NAME_MAX} characters; no event has such a name")]
    LongName,
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// What is said of an event; nothing of one that is not to be told.
pub(crate) fn item(
    event: &HealthEvent,
    telling: &Telling<'_>,
    lookup: &mut Lookup<'_>,
) -> Result<Option<Item>, Refusal> {
    let reader = Reader { event, telling, name: scrub::name(event.arn.trim(), telling.secret) };
    reader.item(lookup).map_err(|fault| Refusal {
        reason: fault.to_string(),
        position: Some(reader.name.chars().take(NAME_MAX).collect()).filter(|name: &String| !name.is_empty()),
        // Equal from poll to poll, and without a word that names a resource.
        input: reader.name.clone().into_bytes(),
    })
}

struct Reader<'a> {
    event: &'a HealthEvent,
    telling: &'a Telling<'a>,
    /// The event's name without an account in it.
    name: String,
}

impl Reader<'_> {
    fn item(&self, lookup: &mut Lookup<'_>) -> Result<Option<Item>, Fault> {
        if self.name.is_empty() {
            return Err(Fault::Nameless);
        }
        if self.name.chars().count() > NAME_MAX {
            return Err(Fault::LongName);
        }
        if !self.telling.wants(self.event, lookup.mapping()) {
            return Ok(None);
        }
        let (category, advice) = (category(self.event, lookup), is_notification(self.event));
        let kind = category.kind.unwrap_or(ImpactKind::Incident);
        let body = if advice { Body::Advisory(self.advisory()) } else { Body::Impact(self.impact(kind, lookup)) };
        let also = if advice { Vec::new() } else { self.notice(lookup)?.into_iter().collect() };
        Ok(Some(Item {
            object_id: format!("{SYSTEM}:{}", self.name),
            native: Native {
                status: told(self.event.status.as_deref()),
                category: told(self.event.category.as_deref()),
                digest: lookup.mapping().digest("health_event", |name| self.member(name))?,
                ..lookup.mapping().native(SYSTEM, self.name.clone(), Some(PAGE))
            },
            times: self.times(),
            refs: Vec::new(),
            certainty: category.certainty.unwrap_or(Certainty::Observed),
            tlp: None,
            body,
            also,
            refused: self.event.unread.iter().map(|what| self.unread(what)).collect(),
        }))
    }

    fn unread(&self, what: &str) -> Refusal {
        let reason = told(Some(what)).unwrap_or_default();
        Refusal { input: format!("{}\n{reason}", self.name).into_bytes(), reason, position: Some(self.name.clone()) }
    }

    fn times(&self) -> Times {
        Times {
            published_at: self.event.updated,
            occurred_at: self.event.start,
            occurred_end: self.event.end.filter(|end| *end <= self.telling.observed || self.is_planned()),
            fidelity: self.event.start.map(|_| Fidelity::Second),
            ..only_observed(self.telling.observed)
        }
    }

    fn is_planned(&self) -> bool {
        self.event.category.as_deref() == Some("scheduledChange")
    }

    fn impact(&self, kind: ImpactKind, lookup: &mut Lookup<'_>) -> Impact {
        let phase = self.phase(kind, lookup);
        Impact {
            kind,
            phase,
            outcome: (phase == Phase::Resolved).then_some(entente_schemas::family::Outcome::Restored),
            severity: Severity::NotStated,
            blocks: vec![self.block(kind, phase, lookup)],
            summary: self.text(),
            counts: self.event.affected.counts(self.event.updated.unwrap_or(self.telling.observed)),
            ..incident(self.title())
        }
    }

    /// The word for the status; older deliveries have none, and say it by their times.
    fn phase(&self, kind: ImpactKind, lookup: &mut Lookup<'_>) -> Phase {
        let field = if kind == ImpactKind::Maintenance { "planned statusCode" } else { "statusCode" };
        let word = told(self.event.status.as_deref());
        let stated = lookup.word(field, word.as_deref(), "the event's times").phase;
        let past = |time: Option<DateTime<Utc>>| time.is_some_and(|time| time <= self.telling.observed);
        stated.unwrap_or(match kind {
            _ if past(self.event.end) && self.event.end != self.event.start => Phase::Resolved,
            ImpactKind::Maintenance if !past(self.event.start) => Phase::Scheduled,
            ImpactKind::Maintenance => Phase::InProgress,
            _ => Phase::Investigating,
        })
    }

    fn block(&self, kind: ImpactKind, phase: Phase, lookup: &mut Lookup<'_>) -> Block {
        let service = told(self.event.service.as_deref()).unwrap_or_default();
        let global = lookup.mapping().is_global(&service);
        let region = told(self.event.region.as_deref()).filter(|region| region != "global" || global);
        Block {
            provider: "aws".to_owned(),
            service_class: if service.is_empty() {
                entente_schemas::block::ServiceClass::Other
            } else {
                lookup.class(&service)
            },
            services: Some(service).filter(|service| !service.is_empty()).into_iter().collect(),
            regions: region.into_iter().collect(),
            zones: told(self.event.zone.as_deref()).into_iter().collect(),
            state: self.state(kind, phase, lookup),
            severity: Severity::NotStated,
            layer: None,
            asset: None,
        }
    }

    /// The worst state of what is hit; where AWS states none, that of the event. What is in a state that is not known is no
    /// better than unknown.
    fn state(&self, kind: ImpactKind, phase: Phase, lookup: &mut Lookup<'_>) -> BlockState {
        let states = self.states(lookup);
        if kind == ImpactKind::Maintenance {
            return BlockState::Excluded;
        }
        if !phase.is_open() {
            return BlockState::Restored;
        }
        let worst = [
            BlockState::AffectedDegraded,
            BlockState::Restoring,
            BlockState::Unknown,
            BlockState::Restored,
            BlockState::NotAffected,
        ];
        let stated = worst.into_iter().find(|state| states.contains(state));
        stated.or(category(self.event, lookup).state).unwrap_or(BlockState::Unknown)
    }

    /// The states of what is hit; none where AWS states none of any.
    fn states(&self, lookup: &mut Lookup<'_>) -> Vec<BlockState> {
        let mut state = |word: &String| {
            let meaning = lookup.word("entity statusCode", told(Some(word)).as_deref(), "unknown");
            meaning.state.unwrap_or(BlockState::Unknown)
        };
        let words = &self.event.affected.resources;
        if words.keys().all(|word| word.trim().is_empty()) {
            Vec::new()
        } else {
            words.keys().map(&mut state).collect()
        }
    }

    fn advisory(&self) -> Advisory {
        Advisory {
            issuer_role: Role::Provider,
            category: AdvisoryCategory::Statement,
            title: self.title(),
            text: self.text(),
            vendor: Some("aws".to_owned()),
            products: told(self.event.service.as_deref()).into_iter().collect(),
            artifacts: Vec::new(),
            restart_required: None,
            preconditions: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// The text, which AWS overwrites: each version is a revision.
    fn notice(&self, lookup: &Lookup<'_>) -> Result<Option<Statement>, MappingError> {
        let Some(text) = self.text() else { return Ok(None) };
        let id = format!("{}/text", self.name);
        let status = told(self.event.status.as_deref());
        let digest = lookup.mapping().digest("health_notice", |name| self.member(name))?;
        Ok(Some(Statement {
            object_id: format!("{SYSTEM}:{id}"),
            native: Native { status: status.clone(), digest, ..lookup.mapping().native(SYSTEM, id, Some(PAGE)) },
            times: Times {
                published_at: self.event.updated,
                occurred_at: self.event.updated,
                ..only_observed(self.telling.observed)
            },
            refs: Vec::new(),
            body: Body::Notice(Notice {
                about: format!("{SYSTEM}:{}", self.name),
                channel: PAGE.to_owned(),
                url: Some(PAGE.to_owned()),
                audience_told: if self.event.scope.as_deref() == Some("PUBLIC") { "public" } else { "customers" }
                    .to_owned(),
                native_status: status,
                text,
            }),
        }))
    }

    /// `AWS_EC2_OPERATIONAL_ISSUE` in words: `EC2 operational issue`.
    fn title(&self) -> String {
        let service = told(self.event.service.as_deref()).unwrap_or_default();
        let code = told(self.event.code.as_deref()).unwrap_or_default();
        let bare = code.strip_prefix("AWS_").unwrap_or(&code);
        let bare = bare.strip_prefix(&format!("{service}_")).unwrap_or(bare).replace('_', " ").to_lowercase();
        let title = format!("{service} {bare}").trim().to_owned();
        if title.is_empty() { self.name.clone() } else { title }
    }

    fn text(&self) -> Option<String> {
        let text = self.event.text.as_deref().filter(|text| !text.trim().is_empty())?;
        Some(scrub::text(text, &self.event.affected.names))
    }

    fn member(&self, name: &str) -> Member {
        let event = self.event;
        let time = |time: Option<DateTime<Utc>>| time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
        let counted = |counts: &BTreeMap<String, u64>| {
            counts
                .iter()
                .filter(|_| event.affected.whole)
                .map(|(word, count)| format!("{word} {count}"))
                .collect::<Vec<_>>()
        };
        match name {
            "service" => event.service.as_deref().into(),
            "eventTypeCode" => event.code.as_deref().into(),
            "eventTypeCategory" => event.category.as_deref().into(),
            "statusCode" => event.status.as_deref().into(),
            "region" => event.region.as_deref().into(),
            "availabilityZone" => event.zone.as_deref().into(),
            "startTime" => time(event.start).as_deref().into(),
            "endTime" => time(event.end).as_deref().into(),
            "lastUpdatedTime" => time(event.updated).as_deref().into(),
            "latestDescription" => self.text().as_deref().into(),
            "entities" => counted(&event.affected.resources).into(),
            "accounts" => event.affected.accounts.map(|accounts| accounts.to_string()).as_deref().into(),
            _ => Member::Absent,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item_of(event: &HealthEvent) -> Result<Option<Item>, Refusal> {
        told_with_words(event).0
    }

    /// What is said, and the words that were not known.
    fn told_with_words(event: &HealthEvent) -> (Result<Option<Item>, Refusal>, String) {
        let folder = tempfile::tempdir().unwrap();
        let secret = Secret::in_file(&folder.path().join("secret")).unwrap();
        let observed = "2026-01-02T00:00:00Z".parse().unwrap();
        let mapping = Mapping::parse(include_str!("../../../mapping.toml")).unwrap();
        let telling = Telling { secret: &secret, scheduled: true, notifications: true, observed };
        let mut lookup = Lookup::new(&mapping);
        (item(event, &telling, &mut lookup), format!("{:?}", lookup.into_unmapped()))
    }

    fn event(category: &str, status: Option<&str>) -> HealthEvent {
        HealthEvent {
            arn: "arn:aws:health:us-east-1::event/EC2/X".to_owned(),
            service: Some("EC2".to_owned()),
            code: Some("AWS_EC2_OPERATIONAL_ISSUE".to_owned()),
            category: Some(category.to_owned()),
            region: Some("us-east-1".to_owned()),
            status: status.map(str::to_owned),
            start: "2026-01-01T00:00:00Z".parse().ok(),
            updated: "2026-01-01T01:00:00Z".parse().ok(),
            ..HealthEvent::default()
        }
    }

    fn impact(event: &HealthEvent) -> Impact {
        item_of(event).unwrap().unwrap().impact().unwrap().clone()
    }

    #[test]
    fn words_and_else_times_say_how_an_event_stands() {
        let later = "2026-02-01T00:00:00Z".parse().ok();
        let over = "2026-01-01T12:00:00Z".parse().ok();
        let of = |category, status| event(category, status);
        for (event, expected) in [
            (of("issue", Some("open")), (Phase::Investigating, BlockState::AffectedDegraded)),
            (of("issue", Some("closed")), (Phase::Resolved, BlockState::Restored)),
            (of("issue", None), (Phase::Investigating, BlockState::AffectedDegraded)),
            (HealthEvent { end: over, ..of("issue", None) }, (Phase::Resolved, BlockState::Restored)),
            (of("investigation", Some("open")), (Phase::Investigating, BlockState::Unknown)),
            (of("scheduledChange", Some("upcoming")), (Phase::Scheduled, BlockState::Excluded)),
            (HealthEvent { start: later, ..of("scheduledChange", None) }, (Phase::Scheduled, BlockState::Excluded)),
            (of("scheduledChange", None), (Phase::InProgress, BlockState::Excluded)),
            (of("premonition", Some("foreseen")), (Phase::Investigating, BlockState::Unknown)),
        ] {
            let impact = impact(&event);
            assert_eq!((impact.phase, impact.blocks[0].state), expected, "{event:?}");
        }
    }

    #[test]
    fn the_worst_of_what_is_hit_is_the_state_of_all() {
        for (words, expected) in [
            (&["UNIMPAIRED", "RESOLVED"][..], BlockState::Restored),
            (&["RESOLVED", "UNKNOWN"], BlockState::Unknown),
            (&["PENDING", "UNKNOWN"], BlockState::Restoring),
            (&["IMPAIRED", "RESOLVED"], BlockState::AffectedDegraded),
            (&["RESOLVED", "WIBBLE"], BlockState::Unknown),
            (&["RESOLVED", ""], BlockState::Unknown),
            (&["UNIMPAIRED", "WIBBLE"], BlockState::Unknown),
            (&[""], BlockState::AffectedDegraded),
        ] {
            let mut event = event("issue", Some("open"));
            words.iter().for_each(|word| event.affected.add("vol-1", Some(word)));
            assert_eq!(impact(&event).blocks[0].state, expected, "{words:?}");
        }
    }

    #[test]
    fn a_word_of_tomorrow_for_what_is_hit_is_told_of_whether_the_event_is_over_or_not() {
        for status in ["open", "closed"] {
            let mut event = event("issue", Some(status));
            event.affected.add("vol-1", Some("WIBBLE"));
            let unknown = told_with_words(&event).1;
            assert!(unknown.contains("WIBBLE"), "{status}: {unknown}");
        }
    }

    #[test]
    fn a_service_of_one_region_is_never_global() {
        let of = |service: &str| {
            let (service, region) = (Some(service.to_owned()), Some("global".to_owned()));
            impact(&HealthEvent { service, region, ..event("issue", Some("open")) }).blocks[0].regions.clone()
        };
        assert_eq!((of("IAM"), of("EC2")), (vec!["global".to_owned()], Vec::new()));
    }

    #[test]
    fn an_event_without_a_name_is_refused_and_a_member_that_was_not_read_costs_itself() {
        assert!(item_of(&HealthEvent { arn: " ".to_owned(), ..event("issue", None) }).is_err());
        assert!(item_of(&HealthEvent { arn: "a".repeat(500), ..event("issue", None) }).is_err());
        let unread = HealthEvent { unread: vec!["member `endTime` is no time".to_owned()], ..event("issue", None) };
        let item = item_of(&unread).unwrap().unwrap();
        assert_eq!((item.refused.len(), item.refused[0].reason.as_str()), (1, "member `endTime` is no time"));
    }

    #[test]
    fn only_what_is_new_makes_another_digest() {
        let digest = |event: &HealthEvent| item_of(event).unwrap().unwrap().native.digest;
        let mut one = event("issue", Some("open"));
        one.affected.whole = true;
        one.affected.add("i-0aaaaaaaaaaaaaaa1", Some("IMPAIRED"));
        let written_again = HealthEvent { updated: "2026-01-01T02:00:00Z".parse().ok(), ..one.clone() };
        assert_eq!(digest(&one), digest(&written_again));
        let mut another = one.clone();
        another.affected.add("i-0aaaaaaaaaaaaaaa2", Some("IMPAIRED"));
        assert_ne!(digest(&one), digest(&another));
        assert_ne!(digest(&one), digest(&HealthEvent { text: Some("new".to_owned()), ..one.clone() }));
    }

    proptest! {
        /// AWS may put a name into any of its words.
        #[test]
        fn no_name_is_told_wherever_it_stands(
            words in proptest::collection::vec("[ -~]{0,12}", 9),
            account in "[0-9]{12}",
            id in "[0-9a-f]{17}",
            place in 0_usize..9,
        ) {
            let machine = format!("i-{id}");
            let mut words = words;
            words[place] = format!("{} {account} {machine} {}", words[place], words[(place + 1) % 9]);
            let word = |index: usize| Some(words[index].clone());
            let mut event = HealthEvent {
                arn: format!("arn:aws:health:us-east-1:{account}:event/{}", words[0]),
                service: word(1),
                code: word(2),
                category: word(3),
                scope: word(4),
                region: word(5),
                zone: word(6),
                status: word(7),
                text: word(8),
                ..event("issue", None)
            };
            event.affected.add(&machine, Some(&words[place]));
            event.affected.names.insert(account.clone());
            let (told, unknown) = told_with_words(&event);
            let said = match told {
                Ok(item) => format!("{item:?}{unknown}"),
                Err(refusal) => format!("{}{:?}{unknown}", refusal.reason, refusal.position),
            };
            prop_assert!(!said.contains(&account) && !said.contains(&id), "{said}");
        }
    }
}
