//! Whatever a double serves of ids and names, nothing that is said of it holds one.

use std::collections::BTreeMap;

use entente_exercise::gcp::{Group, Job, Operation, Place, Progress};
use entente_exercise::{Condition, Fault, Os, secret};
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use super::*;

/// What may happen to one machine.
#[derive(Clone, Debug)]
enum Event {
    Turns(usize, Condition),
    Operated(usize, &'static str, bool),
    Patched(usize, &'static str),
    Fails(Fault),
    Told(&'static str),
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Well),
        Just(Condition::BootLoop),
        Just(Condition::HostDown),
        Just(Condition::StorageStuck),
        Just(Condition::Starting),
        Just(Condition::Stopped),
        Just(Condition::Terminated),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = prop::sample::select(vec!["stop", "start", "reset", "attachDisk", "detachDisk", "insert"]);
    let states = prop::sample::select(vec!["PENDING", "REBOOTING", "SUCCEEDED", "FAILED", "NO_AGENT_DETECTED", "ODD"]);
    let faults = prop::sample::select(vec![Fault::Forbidden, Fault::Expired, Fault::Throttled { retry_after: None }]);
    let details = prop::sample::select(vec!["EMERGING", "CONFIRMED", "MERGED", "AUTO_CLOSED", "RESOLVED"]);
    prop_oneof![
        4 => (0_usize..12, condition()).prop_map(|(machine, condition)| Event::Turns(machine, condition)),
        2 => (0_usize..12, kinds, any::<bool>()).prop_map(|(machine, kind, good)| Event::Operated(machine, kind, good)),
        1 => (0_usize..12, states).prop_map(|(machine, state)| Event::Patched(machine, state)),
        1 => faults.prop_map(Event::Fails),
        1 => details.prop_map(Event::Told),
    ]
}

fn guest() -> impl Strategy<Value = Guest> {
    prop::sample::select(vec![
        NO_SIGNAL,
        GROUPS,
        INVENTORY,
        Guest { inventory: INVENTORY.inventory, ports: 5, ..GROUPS },
    ])
}

async fn stage(guest: Guest) -> Trial {
    let trial = Trial::start(guest).await;
    for (region, zone, os) in [("us-central1", "us-central1-a", Os::Windows), ("asia-east1", "asia-east1-c", Os::Linux)]
    {
        let machines = trial.machines.add(6, os, (region, zone), true, onset() - TimeDelta::days(3));
        let group = Group {
            name: format!("group-of-{PROJECT}"),
            place: Place::Zone(zone.into()),
            machines,
            health_check: true,
        };
        trial.gcp.group(PROJECT, group);
    }
    trial
}

fn happens(trial: &Trial, event: &Event, minute: i64) {
    match event {
        Event::Turns(machine, condition) => trial.machines.set([*machine], condition, after(minute)),
        Event::Operated(machine, kind, good) => {
            let user = format!("ops@{PROJECT}.example");
            let operation = Operation { machine: *machine, kind: (*kind).to_owned(), user, at: after(minute) };
            let end = if *good { Progress::Done } else { Progress::Failed("RESOURCE_NOT_READY".into()) };
            let number = trial.gcp.operate(PROJECT, operation);
            number.into_iter().for_each(|number| trial.gcp.progress(PROJECT, number, end.clone(), after(minute)));
        }
        Event::Patched(machine, state) => trial.gcp.patch_job(
            PROJECT,
            Job {
                name: format!("job-{machine}-{minute}-8f1b"),
                display_name: format!("patch {PROJECT}"),
                state: "PATCHING".into(),
                dry_run: false,
                created: after(minute),
                updated: after(minute),
                machines: BTreeMap::from([(*machine, (*state).to_owned())]),
            },
        ),
        Event::Fails(fault) => trial.gcp.faults().play("/v1/projects", fault.clone(), 2),
        Event::Told(state) => trial.gcp.event(
            &format!("projects/{PROJECT}"),
            json!({
                "name": format!("projects/{PROJECT}/locations/global/events/E{minute}"),
                "title": format!("Trouble in projects/{PROJECT}"),
                "description": format!("Your project {} (number 417417000417) is hit.", PROJECT.to_uppercase()),
                "state": "ACTIVE", "detailedState": state, "category": "INCIDENT", "relevance": "IMPACTED",
                "startTime": "2024-07-19T04:09:00Z", "updateTime": "2024-07-19T04:10:00Z",
                "updates": [{"updateTime": "2024-07-19T04:10:00Z", "description": format!("{PROJECT}: stop."),
                             "symptom": format!("in {PROJECT}"), "workaround": format!("restart {PROJECT}")}],
                "parentEvent": format!("projects/{PROJECT}/locations/global/events/Parent"),
            }),
        ),
    }
}

async fn said(guest: Guest, events: &[Event]) -> String {
    let mut trial = stage(guest).await;
    let source = [psh::Source::Project(PROJECT.into())];
    let mut feeds: Vec<Box<dyn Ask>> = vec![
        Box::new(trial.compute()),
        Box::new(trial.operations()),
        Box::new(trial.osconfig(&[])),
        Box::new(trial.psh(&source)),
    ];
    let mut said = String::new();
    for (minute, event) in (1..).zip(events) {
        happens(&trial, event, minute);
        trial.at(minute);
        for feed in &mut feeds {
            // Items are told as they are, but of what was refused only reason and place; the input stays here.
            match trial.ask(feed.as_mut()).await {
                Ok(reading) => {
                    let refused = reading.refused.iter().map(|refusal| (&refusal.reason, &refusal.position));
                    let lacks = reading.lacks.map(|failure| failure.error);
                    said.push_str(&format!("{:?}{:?}{lacks:?}", reading.items, refused.collect::<Vec<_>>()));
                    said.push_str(&format!("{:?}", reading.unmapped));
                }
                Err(failure) => said.push_str(&format!("{:?}", failure.error)),
            }
            said.push_str(&feed.shown());
            said.push_str(&format!("{:?}", feed.profile()));
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_said_holds_an_id_that_was_served(guest in guest(), events in prop::collection::vec(event(), 1..10)) {
        let said = Runtime::new().unwrap().block_on(said(guest, &events));
        let found = secret::found_in(said.as_bytes());
        prop_assert!(found.is_empty() && !said.contains("417417000417"), "{:?}", found);
        for printed in ["is starting", "Windows Boot Manager", "***", "GCE Agent"] {
            prop_assert!(!said.contains(printed), "what a serial port prints stays where it is read");
        }
    }
}
