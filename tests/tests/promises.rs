//! What the fold promises: any delivery of one log gives the same bytes; any interleaving of the same publications gives
//! the same lanes, memberships and counts; restating a time never moves an incident.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::{Incident, Picture};
use entente_correlator::select::Select;
use entente_correlator::{Model, State, incident_id};
use entente_schemas::family::Family;
use entente_schemas::record::{Position, Record};
use entente_tests::written::{Desk, STREAM, Sealed, at, block, impact, log, with};
use serde_json::{Value, json};

/// A small generator of repeatable choices.
struct Choice(u64);

impl Choice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for index in (1..items.len()).rev() {
            items.swap(index, self.below(index + 1));
        }
    }
}

const ORGS: &[&str] = &["aws", "azure", "gcp", "crowdstrike", "acme", "cisa"];
const REGIONS: &[&str] = &["us-east-1", "westeurope", "europe-west1"];

/// One source's publications, in its own order.
fn publications(choice: &mut Choice, most: usize) -> Vec<Vec<Sealed>> {
    let mut sources: Vec<(Desk, Vec<Sealed>)> = ORGS.iter().map(|org| (Desk::new(org, "desk"), Vec::new())).collect();
    for step in 0..=choice.below(most) {
        let which = choice.below(sources.len());
        let recorded = at("04:00") + TimeDelta::seconds(i64::try_from(step).unwrap() * 20);
        // What one may withdraw oneself, and what only the coordinator may.
        let by = if choice.below(2) == 0 { which..=which } else { 0..=ORGS.len() - 1 };
        let targets: Vec<Sealed> = sources[by].iter().flat_map(|(_, said)| said.iter().cloned()).collect();
        let event = publication(choice, &mut sources[which].0, ORGS[which], recorded, &targets);
        sources[which].1.push(event);
    }
    sources.into_iter().map(|(_, said)| said).collect()
}

fn object(choice: &mut Choice) -> String {
    format!("{}:item-{}", ORGS[choice.below(ORGS.len())], choice.below(4))
}

fn publication(choice: &mut Choice, desk: &mut Desk, org: &str, recorded: DateTime<Utc>, targets: &[Sealed]) -> Sealed {
    let own = format!("{org}:item-{}", choice.below(4));
    match choice.below(12) {
        0..=5 => desk.say(Family::Impact, &own, recorded, any_impact(choice, org, recorded)),
        6 => {
            let text = choice.of(&["We look into it.", "CrowdStrike's update is the cause.", "This is resolved."]);
            let body = json!({"about": own, "channel": "page", "audience_told": "public", "text": text});
            desk.say(Family::Notice, &format!("{own}/{}", choice.below(3)), recorded, body)
        }
        7 => {
            let body = json!({"thread_id": format!("{org}:thread"), "kind": choice.of(&["request", "note", "commitment"]),
                "text": "Which repair works?", "state": choice.of(&["open", "fulfilled"]), "to": ["gcp"],
                "refs": [{"kind": "incident", "value": incident_id(&object(choice)), "relation": "related"}]});
            desk.say(Family::Message, &format!("{org}:message-{}", choice.below(3)), recorded, body)
        }
        8 => {
            let (a, b) = (object(choice), object(choice));
            let body = json!({"kind": choice.of(&["must_link", "cannot_link"]), "objects": [a, b], "reason": "seen"});
            desk.say(Family::Constraint, &format!("{org}:constraint-{}", choice.below(3)), recorded, body)
        }
        9 if !targets.is_empty() => {
            let target = &targets[choice.below(targets.len())];
            let said: Value = serde_json::from_slice(&target.payload).unwrap();
            let named = said["data"]["object_id"].as_str().unwrap().to_owned();
            let named = if choice.below(4) == 0 { object(choice) } else { named };
            let body = json!({"target": target.id, "target_object": named, "target_rev": 1 + choice.below(3),
                "target_source": target.source, "scope": choice.of(&["revision", "object"]), "reason": "wrong_fact"});
            desk.say(Family::Retraction, &format!("{org}:retraction-{}", choice.below(9)), recorded, body)
        }
        10 => {
            let body = json!({"quantity": "affected", "unit": "vm", "lo": 10 + choice.below(50), "hi": 100 + choice.below(50),
                "method": "sketch", "as_of": recorded, "population": {"definition": format!("fleet:{org}")},
                "refs": [{"kind": "incident", "value": object(choice), "relation": "related"}]});
            desk.say(Family::Estimate, &format!("{org}:estimate-{}", choice.below(2)), recorded, body)
        }
        _ => {
            let body = json!({"approach_id": "aws:reboot", "state": "running", "arms": [{"tally": {"attempted": 40, "succeeded": 20 + choice.below(20)}}],
                "refs": [{"kind": "incident", "value": object(choice), "relation": "related"}]});
            desk.say(Family::Remediation, &format!("{org}:run-{}", choice.below(2)), recorded, body)
        }
    }
}

fn any_impact(choice: &mut Choice, org: &str, recorded: DateTime<Utc>) -> Value {
    let title = choice.of(&["Windows VMs stop", "Errors in the region", "csagent.sys stops machines", "Logins fail"]);
    let mut body = impact(
        title,
        choice.of(&["investigating", "identified", "monitoring", "resolved"]),
        choice.of(&["info", "major", "critical", "not_stated"]),
    );
    let provider = if org == "acme" || org == "crowdstrike" { "azure" } else { org };
    let region = choice.of(REGIONS);
    body = with(
        body,
        json!({"blocks": [block(provider, "compute", region, choice.of(&["affected_unavailable", "restored", "not_affected"]))]}),
    );
    if choice.below(2) == 0 {
        let start = recorded - TimeDelta::minutes(i64::try_from(choice.below(90)).unwrap());
        body = with(body, json!({"times": {"occurred_at": start, "fidelity": "minute"}}));
    }
    if choice.below(3) == 0 {
        body = with(
            body,
            json!({"suspected_cause": {"vendor": "CrowdStrike", "product": "Falcon", "status": "identified"}}),
        );
    }
    if choice.below(4) == 0 {
        let relation = choice.of(&["same", "part_of", "distinct_from"]);
        let named = object(choice);
        let value = if choice.below(2) == 0 { incident_id(&named) } else { named };
        body = with(body, json!({"refs": [{"kind": "incident", "value": value, "relation": relation}]}));
    }
    if choice.below(4) == 0 {
        body = with(
            body,
            json!({"counts": [{"unit": "vm", "quantity": "affected", "value": 7, "method": "exact_enumeration", "as_of": recorded}]}),
        );
    }
    body
}

fn interleave(choice: &mut Choice, sources: &[Vec<Sealed>]) -> Vec<Sealed> {
    let mut left: Vec<std::slice::Iter<'_, Sealed>> = sources.iter().map(|said| said.iter()).collect();
    let mut order = Vec::new();
    loop {
        let open: Vec<usize> = (0..left.len()).filter(|index| left[*index].len() > 0).collect();
        let Some(&which) = open.get(choice.below(open.len().max(1))) else { return order };
        order.extend(left[which].next().cloned());
    }
}

fn fold(model: &Arc<Model>, records: Vec<Record>) -> State {
    let last = records.iter().map(|record| record.sequence).max().unwrap_or(0);
    let mut state = State::new("actual", Arc::clone(model));
    records.into_iter().for_each(|record| state.offer(record));
    state.complete(&Position::of(STREAM, last));
    state
}

/// Offers shuffled and doubled records, completing now and then what has arrived without a hole; asks for pictures
/// meanwhile, which must not matter.
fn fold_delivered_badly(model: &Arc<Model>, records: &[Record], choice: &mut Choice) -> State {
    let mut delivery: Vec<&Record> = records.iter().chain(records.iter().filter(|r| r.sequence % 3 == 0)).collect();
    choice.shuffle(&mut delivery);
    let mut state = State::new("actual", Arc::clone(model));
    let mut arrived = std::collections::BTreeSet::new();
    for record in delivery {
        arrived.insert(record.sequence);
        state.offer(record.clone());
        if choice.below(8) == 0 {
            let whole = (1..).take_while(|sequence| arrived.contains(sequence)).last().unwrap_or(0);
            state.complete(&Position::of(STREAM, whole));
        }
        if choice.below(40) == 0 {
            state.picture(at("12:00"), &Select::default());
        }
    }
    state.complete(&Position::of(STREAM, records.len() as u64));
    state
}

fn bytes(state: &mut State) -> String {
    serde_json::to_string(&state.picture(at("12:00"), &Select::default())).unwrap()
}

#[test]
fn any_delivery_of_one_log_gives_the_same_bytes() {
    let model = Arc::new(Model::v1().unwrap());
    for seed in 0..1_000 {
        let mut choice = Choice(seed);
        let sources = publications(&mut choice, 200);
        let records = log(&interleave(&mut choice, &sources), at("06:00"));
        let expected = bytes(&mut fold(&model, records.clone()));
        let found = bytes(&mut fold_delivered_badly(&model, &records, &mut choice));
        assert!(expected == found, "seed {seed}:\n{expected}\n{found}");
    }
}

/// What may not depend on the interleaving: members, lanes, counts. Positions, first-known times and lags may.
fn invariant(picture: &Picture) -> BTreeMap<Vec<String>, Value> {
    let incidents = picture.incidents.iter().map(|incident| {
        let mut members: Vec<String> =
            incident.members.iter().map(|m| format!("{} {}", m.family, m.object_id)).collect();
        members.sort();
        let lanes: Vec<Value> = incident
            .lanes
            .iter()
            .map(|lane| {
                let claim = lane.claim.as_ref();
                json!([lane.speaker, claim.map(|c| (&c.object_id, c.rev, c.phase, c.severity, c.state, c.occurred_at))])
            })
            .collect();
        let counts: Vec<Value> = incident
            .counts
            .iter()
            .map(|g| json!([g.unit, g.quantity, g.regime, g.lo, g.hi, g.figures.len()]))
            .collect();
        (members, json!({"lanes": lanes, "counts": counts, "open": incident.open}))
    });
    incidents.collect()
}

#[test]
fn any_interleaving_gives_the_same_lanes_memberships_and_counts() {
    let model = Arc::new(Model::v1().unwrap());
    for seed in 0..300 {
        let mut choice = Choice(seed);
        let sources = publications(&mut choice, 120);
        let mut once = fold(&model, log(&interleave(&mut choice, &sources), at("06:00")));
        let mut again = fold(&model, log(&interleave(&mut choice, &sources), at("06:00")));
        let (a, b) = (once.picture(at("12:00"), &Select::default()), again.picture(at("12:00"), &Select::default()));
        assert_eq!(invariant(&a), invariant(&b), "seed {seed}");
    }
}

/// The members of each incident, by its id.
fn memberships(state: &mut State) -> BTreeMap<String, Vec<String>> {
    let picture = state.picture(at("12:00"), &Select::default());
    let members = |incident: &Incident| incident.members.iter().map(|member| member.object_id.clone()).collect();
    picture.incidents.iter().map(|incident| (incident.id.clone(), members(incident))).collect()
}

#[test]
fn restating_times_never_changes_an_incidents_id() {
    let model = Arc::new(Model::v1().unwrap());
    for seed in 0..200 {
        let mut choice = Choice(seed);
        let mut desks: Vec<Desk> = ORGS.iter().map(|org| Desk::new(org, "desk")).collect();
        let stated = |choice: &mut Choice| at("04:00") + TimeDelta::minutes(i64::try_from(choice.below(600)).unwrap());
        let body = |start: DateTime<Utc>| {
            let cause = json!({"vendor": "CrowdStrike", "product": "Falcon", "status": "identified"});
            with(
                impact("Machines stop", "investigating", "major"),
                json!({"times": {"occurred_at": start}, "suspected_cause": cause}),
            )
        };
        let mut events = Vec::new();
        for (desk, org) in desks.iter_mut().zip(ORGS) {
            events.push(desk.say(Family::Impact, &format!("{org}:item"), at("05:00"), body(stated(&mut choice))));
        }
        let before = memberships(&mut fold(&model, log(&events, at("06:00"))));
        for (desk, org) in desks.iter_mut().zip(ORGS) {
            events.push(desk.say(Family::Impact, &format!("{org}:item"), at("05:01"), body(stated(&mut choice))));
        }
        let after = memberships(&mut fold(&model, log(&events, at("06:00"))));
        assert_eq!(before, after, "seed {seed}");
    }
}
