//! No id of a device is in anything that is said, told or kept, whatever is done with it.

use std::collections::BTreeSet;

use entente_sidecar::fleet::{Hint, Os, Place, Progress, Repair, Seen, Sighting};
use proptest::prelude::*;

use crate::picture::Log;
use crate::stage::*;

/// Ids as providers make them, with the numbers of accounts, projects and subscriptions in them.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "i-[0-9a-f]{17}",
        "arn:aws:ec2:us-east-1:[0-9]{12}:instance/i-[0-9a-f]{8}",
        "/subscriptions/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}/resourceGroups/rg/vm[a-z]{6}",
        "projects/[a-z]{6}-[0-9]{6}/zones/europe-west1-b/instances/[0-9]{19}",
        "FIN-PROD-[A-Z]{8}",
        "[äöüß日本語]{6,9}",
    ]
}

#[derive(Clone, Debug)]
enum Deed {
    See(usize, Seen<'static>),
    Repair(usize, usize, Progress),
    Say,
    Kill,
}

const APPROACHES: [&str; 3] = ["aws-restart", "aws-ssm-start-ec2-rescue", "own-way"];

fn deed() -> impl Strategy<Value = Deed> {
    let seen = prop_oneof![
        4 => Just(DOWN),
        1 => Just(Seen::Affected(Hint::ProviderStorage)),
        2 => Just(Seen::Well),
        1 => Just(Seen::Unknown),
        1 => Just(Seen::Stopped),
        1 => Just(Seen::Gone),
        1 => Just(Seen::Restored { by: Some("own-way") }),
    ];
    let progress =
        prop_oneof![Just(Progress::Targeted), Just(Progress::Running), Just(Progress::Ended), Just(Progress::Failed)];
    prop_oneof![
        8 => (0..6usize, seen).prop_map(|(device, seen)| Deed::See(device, seen)),
        3 => (0..6usize, 0..3usize, progress).prop_map(|(device, by, progress)| Deed::Repair(device, by, progress)),
        2 => Just(Deed::Say),
        1 => Just(Deed::Kill),
    ]
}

/// Parts of an id that nobody else has: none of them may be found either.
fn secrets(ids: &[String]) -> BTreeSet<String> {
    let parts = ids.iter().flat_map(|id| id.split(['/', ':', ' ']));
    let long =
        parts.filter(|part| part.chars().count() >= 6 && part.bytes().any(|byte| byte.is_ascii_digit() || byte > 127));
    let known = ["us-east-1", "europe-west1-b"];
    long.filter(|part| !known.contains(part)).map(str::to_owned).chain(ids.iter().cloned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_id_is_in_anything_that_is_said_or_kept(
        ids in proptest::collection::vec(id(), 6), deeds in proptest::collection::vec(deed(), 1..60),
        signal in any::<bool>(),
    ) {
        let mut stage = Stage::new(profile("aws", signal));
        let mut log = Log::new("acme", "aws-ec2");
        let mut told = String::new();
        for deed in deeds.iter().chain(&[Deed::Say]) {
            match deed {
                Deed::See(device, seen) => {
                    let place = Place { region: ["us-east-1", "eu-west-1", ""][device % 3], zone: None };
                    let (device, observed) = (ids[*device].as_str(), stage.now);
                    let sighting =
                        Sighting { device, place, os: Os::Windows, seen: *seen, since: None, launched: None, observed };
                    told += &format!("{sighting:?}");
                    stage.fleet.see(sighting).unwrap();
                }
                Deed::Repair(device, by, progress) => {
                    let (approach, observed) = (APPROACHES[*by], stage.now);
                    let repair = Repair { device: &ids[*device], approach, progress: *progress, observed };
                    told += &format!("{repair:?}");
                    stage.fleet.repair(repair).unwrap();
                }
                Deed::Say => {
                    let items = stage.later();
                    told += &format!("{items:?}");
                    log.say(items, stage.now);
                }
                Deed::Kill => stage.kill(),
            }
        }
        let mut all = vec![told.into_bytes()];
        all.extend(log.payloads.iter().map(|(_, subject, payload)| [subject.as_bytes(), payload].concat()));
        all.extend(std::fs::read_dir(stage.path()).unwrap().flatten().map(|file| std::fs::read(file.path()).unwrap()));
        for secret in secrets(&ids) {
            for text in &all {
                let found = text.windows(secret.len()).any(|window| window == secret.as_bytes());
                prop_assert!(!found, "{secret} is in {}", String::from_utf8_lossy(text));
            }
        }
    }
}

#[test]
fn an_error_names_no_device() {
    let stage = Stage::aws();
    let device = format!("arn:aws:ec2:us-east-1:123456789012:instance/{}", "i".repeat(5_000));
    let place = Place { region: "arn:aws:123456789012", zone: None };
    for (device, place) in [(device.as_str(), Place { region: "r", zone: None }), ("i-0123456789", place)] {
        let (os, seen, observed) = (Os::Windows, DOWN, stage.now);
        let error =
            stage.fleet.see(Sighting { device, place, os, seen, since: None, launched: None, observed }).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(!told.contains("123456789") && !told.contains("arn"), "{told}");
    }
}
