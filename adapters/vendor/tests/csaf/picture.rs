//! What the correlator makes of a vendor's document: its remedies stand among the approaches of the incident that names the
//! product, and the advice beside them.

use std::sync::Arc;

use chrono::TimeDelta;
use entente_correlator::picture::Picture;
use entente_correlator::select::Select;
use entente_correlator::{Model, State};
use entente_exercise::csaf::{Layout, Provider};
use entente_schemas::block::{Asset, Block, BlockState, ServiceClass, Severity};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash};
use entente_schemas::family::{AdvisoryCategory, ApproachKind, Body, Impact};
use entente_schemas::header::{Certainty, Native};
use entente_schemas::record::{Position, Record, Verdict};
use entente_schemas::speaker::{Relay, Role, Speaker};
use entente_schemas::subject::log_stream;
use entente_sidecar::edge::Edge;
use entente_sidecar::item::{FeedProfile, Item, Reading, Vanishing, incident};
use entente_sidecar::stamp::only_observed;

use crate::support::{Bench, at, now, options};

/// Machines of a cloud that stand still with the vendor's product on them.
fn trouble() -> Vec<Draft> {
    let profile = FeedProfile {
        slug: "bank-desk".into(),
        system: "bank".into(),
        speaker: Speaker { org: "bank".into(), role: Role::Customer, channel: None, relay: Relay::Own },
        address: "x".into(),
        vanishing: Vanishing::Nothing,
        covers: Vec::new(),
        mapping_version: 1,
    };
    let asset = Asset { vendor: Some("acme".into()), product: Some("Agent".into()), ..Asset::default() };
    let block = Block {
        provider: "aws".into(),
        service_class: ServiceClass::Compute,
        services: Vec::new(),
        regions: vec!["us-east-1".into()],
        zones: Vec::new(),
        state: BlockState::AffectedUnavailable,
        severity: Severity::Critical,
        layer: None,
        asset: Some(asset),
    };
    let native = Native {
        system: "bank".into(),
        id: "1".into(),
        url: None,
        status: None,
        severity: None,
        category: None,
        mapping_version: 1,
        digest: "0".repeat(64),
    };
    let item = Item {
        object_id: "bank:1".into(),
        native,
        times: only_observed(now()),
        refs: Vec::new(),
        certainty: Certainty::Observed,
        tlp: None,
        body: Body::Impact(Impact { blocks: vec![block], ..incident("Machines do not start".into()) }),
        also: Vec::new(),
        refused: Vec::new(),
    };
    let mut edge = Edge::new(profile, source("bank-desk"), "actual", "all", "x");
    edge.answered(Ok(Reading { items: vec![item], ..Reading::default() }), now()).drafts
}

fn source(feed: &str) -> Source {
    Source { org: "local".into(), feed: feed.into(), instance: "01J0000000000000000000000A".into() }
}

/// The picture of these feeds, each with what it said.
fn picture(feeds: &[(&str, &[Draft])]) -> Picture {
    let mut state = State::new("actual", Arc::new(Model::v1().unwrap()));
    let stream = log_stream("actual", "all");
    let (mut position, logged) = (0, now() + TimeDelta::seconds(1));
    for (feed, drafts) in feeds {
        let (source, mut prevhash) = (source(feed), CHAIN_START.to_owned());
        for (sequence, draft) in (1..).zip(*drafts) {
            position += 1;
            let place = Place { source: &source, universe: "actual", audience: "all", sequence, prevhash: &prevhash };
            let payload = draft.seal(place).unwrap();
            let subject = draft.subject(place).unwrap().to_string();
            prevhash = chain_hash(&payload);
            state.offer(Record {
                stream: stream.as_str().into(),
                sequence: position,
                logged,
                subject,
                key: "UKEY".into(),
                signature: "signature".into(),
                payload: payload.into(),
                verdict: Verdict::Signed,
            });
        }
    }
    state.complete(&Position::of(&stream, position));
    let picture = state.picture(logged, &Select::default());
    assert_eq!(picture.held_back.as_slice(), &[][..]);
    picture
}

#[tokio::test]
async fn a_workaround_stands_among_the_approaches_of_the_incident_that_names_the_product() {
    let body = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/workaround.in.json")).unwrap();
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/case.json", body, at("2024-07-19T06:30:00Z"));
    let mut bench = Bench::new(provider, options()).await;
    let (advice, trouble) = (bench.all().await, trouble());
    let picture = picture(&[("bank-desk", &trouble), ("acme-csaf", &advice)]);
    let [incident] = &picture.incidents[..] else { panic!("{:#?}", picture.incidents) };
    let approaches: Vec<(&str, &str, ApproachKind)> =
        incident.approaches.iter().map(|one| (one.object_id.as_str(), one.name.as_str(), one.kind)).collect();
    assert_eq!(
        approaches,
        [
            ("csaf.acme:ACME-2024-042/1", "Start in safe mode and delete C-00000042*.sys.", ApproachKind::Other),
            ("csaf.acme:ACME-2024-042/2", "Keep hosts that are well switched on.", ApproachKind::Other),
            ("csaf.acme:ACME-2024-042/3", "Update to 7.16.", ApproachKind::Patch),
        ]
    );
    assert!(incident.approaches[0].cautions[0].text.contains("needs a restart"));
    let categories: Vec<AdvisoryCategory> = incident.advisories.iter().map(|advice| advice.category).collect();
    assert_eq!(categories.len(), 5, "{categories:?}");
    assert!(categories.contains(&AdvisoryCategory::NoFixPlanned) && categories.contains(&AdvisoryCategory::Workaround));
}
