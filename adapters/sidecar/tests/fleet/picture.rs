//! What the correlator makes of it: one incident a fleet, affected by place, arms that rise, and unknown where nobody sees.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::{Cell, Incident, Picture};
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_schemas::block::{BlockState, ServiceClass};
use entente_schemas::count::{Quantity, Unit};
use entente_schemas::event::{CHAIN_START, Event, Place, Source, chain_hash};
use entente_schemas::record::{Position, Record, Verdict};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::subject::log_stream;
use entente_sidecar::edge::Edge;
use entente_sidecar::fleet::{Os, Progress, Seen};
use entente_sidecar::item::{FeedProfile, Item, Reading, Vanishing};

use crate::stage::*;

const AUDIENCE: &str = "gaaaaaaaaaaaaaaaa";
const UNIVERSE: &str = "test";

/// One feed of an account, and what it said into the log.
pub struct Log {
    edge: Edge,
    source: Source,
    prevhash: String,
    pub payloads: Vec<(DateTime<Utc>, String, Vec<u8>)>,
    trimmed: Vec<Vec<String>>,
}

impl Log {
    pub fn new(org: &str, feed: &str) -> Self {
        let source = Source { org: org.into(), feed: feed.into(), instance: "01J3ABCDEFGHJKMNPQRSTVWXYZ".into() };
        let profile = FeedProfile {
            slug: feed.into(),
            system: "aws.ec2".into(),
            speaker: Speaker { org: org.into(), role: Role::Customer, channel: None, relay: Relay::Own },
            address: "https://ec2.example".into(),
            vanishing: Vanishing::Nothing,
            covers: vec![ServiceClass::Compute],
            mapping_version: 1,
        };
        Self {
            edge: Edge::new(profile, source.clone(), UNIVERSE, AUDIENCE, "https://ec2.example"),
            source,
            prevhash: CHAIN_START.to_owned(),
            payloads: Vec::new(),
            trimmed: Vec::new(),
        }
    }

    /// Says what is news among the items.
    pub fn say(&mut self, items: Vec<Item>, now: DateTime<Utc>) {
        let outcome = self.edge.answered(Ok(Reading { items, ..Reading::default() }), now);
        for draft in &outcome.drafts {
            let sequence = self.payloads.len() as u64 + 1;
            let (prevhash, source) = (self.prevhash.clone(), self.source.clone());
            let place =
                Place { source: &source, universe: UNIVERSE, audience: AUDIENCE, sequence, prevhash: &prevhash };
            let payload = draft.seal(place).unwrap();
            self.prevhash = chain_hash(&payload);
            self.trimmed.push(draft.claim.header.trimmed.clone());
            self.payloads.push((now, draft.subject(place).unwrap().to_string(), payload));
        }
        self.edge.taken(&outcome.drafts);
    }

    /// Bytes of each event, and what was left out of it.
    pub fn sizes(&self) -> Vec<(usize, Vec<String>)> {
        self.payloads.iter().map(|(_, _, payload)| payload.len()).zip(self.trimmed.iter().cloned()).collect()
    }

    pub fn events(&self) -> Vec<Event> {
        self.payloads.iter().map(|(_, _, payload)| Event::read(payload).unwrap()).collect()
    }
}

/// The picture of what several feeds said, in the order of the time.
pub fn picture(logs: &[&Log], at: DateTime<Utc>) -> Picture {
    let mut all: Vec<_> = logs.iter().flat_map(|log| &log.payloads).collect();
    all.sort_by_key(|(logged, ..)| *logged);
    let mut state = State::new(UNIVERSE, Arc::new(Model::v1().unwrap()));
    let (count, stream) = (all.len() as u64, log_stream(UNIVERSE, AUDIENCE));
    for (sequence, (logged, subject, payload)) in (1..).zip(all) {
        state.offer(Record {
            stream: stream.as_str().into(),
            sequence,
            logged: *logged,
            subject: subject.clone(),
            key: "UKEY".into(),
            signature: "signature".into(),
            payload: payload.clone().into(),
            verdict: Verdict::Signed,
        });
    }
    state.complete(&Position::of(&stream, count));
    let picture = state.picture(at, &Select::default());
    assert_eq!((picture.held_back.as_slice(), picture.totals.rejected), (&[][..], 0));
    picture
}

fn group(incident: &Incident, quantity: Quantity) -> (String, Option<u64>, Option<u64>, usize) {
    let found = incident.counts.iter().find(|group| (group.quantity, group.unit) == (quantity, Unit::Vm));
    found
        .map_or((String::new(), None, None, 0), |group| (group.regime.clone(), group.lo, group.hi, group.figures.len()))
}

#[test]
fn a_fleet_is_one_incident_with_its_places_and_arms_that_rise() {
    let mut stage = Stage::aws();
    let mut log = Log::new("acme", "aws-ec2");
    let regions = ["us-east-1", "eu-west-1", "ap-south-1"];
    let see = |stage: &Stage, numbers: std::ops::Range<usize>, seen: Seen<'_>| {
        numbers.for_each(|number| stage.see(&device(number), regions[number % 3], seen));
    };
    see(&stage, 0..120, Seen::Well);
    log.say(stage.items(), stage.now);
    see(&stage, 0..90, DOWN);
    log.say(stage.later(), stage.now);
    let mut rising = Vec::new();
    for done in [0, 30, 60, 88] {
        stage.repair_all(0..done + 2, "aws-ssm-start-ec2-rescue", Progress::Running);
        stage.repair_all(0..done, "aws-ssm-start-ec2-rescue", Progress::Ended);
        see(&stage, 0..done, Seen::Well);
        log.say(stage.later(), stage.now);
        let picture = picture(&[&log], stage.now);
        assert_eq!((picture.totals.incidents, picture.totals.open), (1, 1));
        let incident = &picture.incidents[0];
        let [approach] = incident.approaches.as_slice() else { panic!("{:?}", incident.approaches) };
        assert!(approach.name.contains("StartEC2Rescue") && approach.data_loss == Some(true));
        rising.push((approach.runs[0].success.n, approach.runs[0].success.succeeded));
        assert_eq!(group(incident, Quantity::Affected), ("disjoint".into(), Some(90), Some(90), 3));
        let remaining = 90 - done as u64;
        assert_eq!(group(incident, Quantity::Remaining), ("disjoint".into(), Some(remaining), Some(remaining), 3));
        let cause = &incident.causes[0];
        assert_eq!(cause.class.as_deref(), Some("correlated_guest_failure"));
    }
    assert_eq!(rising, [(0, 0), (30, 30), (60, 60), (88, 88)]);
    // One revision of the impact a change, and the approach once.
    let events = log.events();
    let of = |object: &str| events.iter().filter(|event| event.claim.header.object_id == object).count();
    assert_eq!(of("aws.ec2:main/guest"), 5);
    assert_eq!(of("aws.ec2:main/repair/aws-ssm-start-ec2-rescue"), 4);
    assert_eq!(of("acme:aws-ssm-start-ec2-rescue"), 1);
    see(&stage, 0..90, Seen::Well);
    log.say(stage.later(), stage.now);
    stage.now += TimeDelta::hours(1);
    log.say(stage.items(), stage.now);
    assert_eq!(picture(&[&log], stage.now).totals.open, 0);
}

#[test]
fn in_three_clouds_one_sees_one_is_told_and_one_knows_nothing() {
    let mut stages =
        [Stage::new(profile("aws", true)), Stage::new(profile("azure", false)), Stage::new(profile("gcp", false))];
    let mut logs = [Log::new("acme", "aws-ec2"), Log::new("bravo", "azure-vm"), Log::new("charlie", "gcp-compute")];
    for (index, stage) in stages.iter_mut().enumerate() {
        for number in 0..40 {
            let zone = format!("r-{}", number % 3);
            let seen = if index == 0 { Seen::Well } else { Seen::Unknown };
            stage.see_as(&device(number), ("r", Some(&zone)), Os::Windows, seen);
            if index == 0 {
                stage.see_as(&device(number), ("r", Some(&zone)), Os::Windows, DOWN);
            }
        }
    }
    // A tool in the second cloud reports one.
    stages[1].see(&device(7), "r", Seen::Affected(entente_sidecar::fleet::Hint::Unstated));
    for (stage, log) in stages.iter_mut().zip(&mut logs) {
        log.say(stage.later(), stage.now);
    }
    let now = stages[0].now;
    let picture = picture(&logs.each_ref(), now);
    let states: Vec<(String, BlockState)> = picture
        .matrix
        .rows
        .iter()
        .flat_map(|row| row.cells.iter().map(move |cell| (row, cell)))
        .filter_map(|(row, cell)| match cell {
            Cell::Claim(claim) => Some((row.speaker.clone(), claim.state)),
            _ => None,
        })
        .collect();
    assert_eq!(
        states,
        [
            ("acme".to_owned(), BlockState::AffectedUnavailable),
            ("bravo".to_owned(), BlockState::AffectedPartial),
            ("charlie".to_owned(), BlockState::Unknown),
        ]
    );
    for incident in &picture.incidents {
        let affected = group(incident, Quantity::Affected);
        assert_ne!((affected.1, affected.2), (Some(0), Some(0)), "nobody says that none is");
        let speaker = &incident.lanes[0].speaker;
        match speaker.as_str() {
            "acme" => assert_eq!((affected.1, affected.2), (Some(40), Some(40))),
            "bravo" => assert_eq!((affected.1, affected.2), (Some(1), Some(40))),
            _ => assert_eq!((affected.3, group(incident, Quantity::Unknown).1), (0, Some(40))),
        }
    }
}
