//! What a neighbour's event means: a report of a device, or a claim in the own organisation's name, held to all that people's
//! claims are held to. Pure.

use chrono::{DateTime, Utc};
use entente_schemas::check::plausible;
use entente_schemas::digest::{hex, length_prefixed};
use entente_schemas::event::{Source, event_type};
use entente_schemas::family::{Claim, Family};
use entente_schemas::header::{Native, Times};
use entente_schemas::subject::is_feed;
use entente_schemas::tlp::Tlp;
use serde_json::{Map, Value, json};

use super::cloudevents::{CloudEvent, Fault};
use super::devices::DeviceReport;
use super::sense::{hidden, impossible, is_hidden};
use crate::draft::{Drafter, Occasion};
use crate::item::{FeedProfile, Item};
use crate::memory::Memory;
use crate::stamp::orders;

/// The type of an event about one device.
pub(super) const DEVICE: &str = "io.entente.device.v1";
/// What a neighbour may claim.
const FAMILIES: [Family; 6] =
    [Family::Remediation, Family::Estimate, Family::Impact, Family::Approach, Family::Advisory, Family::Notice];
/// Members that this sidecar writes.
const OURS: [&str; 9] = ["rev", "speaker", "author", "headline", "invented", "native", "backfill", "trimmed", "cause"];
const TIMES: [&str; 3] = ["occurred_at", "occurred_end", "fidelity"];
const DEVICE_MAX: usize = 500;
const PLACE_MAX: usize = 32;
const OS_MAX: usize = 64;

/// What an event means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reported {
    Device(DeviceReport),
    Claim(Box<Item>),
}

/// Whose words the claims are, and where they go.
pub(super) struct Reporter {
    drafter: Drafter,
    profile: FeedProfile,
}

impl Reporter {
    /// What the feed of the intake takes.
    pub(super) fn new(profile: FeedProfile, universe: &str, audience: &str, tlp: Tlp) -> Self {
        let instance = "0".repeat(26);
        let source = Source { org: profile.speaker.org.clone(), feed: profile.slug.clone(), instance };
        let mut drafter = Drafter::new(source, universe, audience, profile.clone());
        drafter.mark(tlp);
        Self { drafter, profile }
    }

    /// What an event means, observed now.
    ///
    /// # Errors
    /// Every mistake at once.
    pub(super) fn read(&self, event: &CloudEvent, now: DateTime<Utc>) -> Result<Reported, Vec<Fault>> {
        let mut faults = Vec::new();
        let time = orders(event.time, now).filter(|time| plausible(*time, now));
        if time != event.time {
            let what = "before 2000, or later than the clock of this machine: set the sender's clock by NTP";
            faults.push(Fault::new("time", what));
        }
        let read = if event.kind == DEVICE {
            device(event).map(Reported::Device)
        } else {
            self.claim(event, time, now).map(|item| Reported::Claim(Box::new(item)))
        };
        match read {
            Ok(read) if faults.is_empty() => Ok(read),
            Ok(_) => Err(faults),
            Err(further) => {
                faults.extend(further);
                Err(faults)
            }
        }
    }

    fn claim(&self, event: &CloudEvent, time: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<Item, Vec<Fault>> {
        let family = family(&event.kind)?;
        let Value::Object(data) = &event.data else { return Err(vec![Fault::new("data", "expected an object")]) };
        let mut faults = foreign(data);
        faults.extend(hidden(&event.data));
        let object_id = self.object_id(event, data).unwrap_or_else(|fault| {
            faults.push(fault);
            format!("{}:unnamed", self.profile.speaker.org)
        });
        let tlp = marking(event.tlp.as_deref()).unwrap_or_else(|fault| {
            faults.push(fault);
            None
        });
        let native = self.native(data, &object_id);
        let written = self.completed(data, &object_id, &native, now).to_string();
        let claim = match Claim::read_strict(family, &written) {
            Ok(claim) => {
                faults.extend(impossible(&claim));
                if !faults.is_empty() {
                    return Err(faults);
                }
                claim
            }
            Err(problems) => {
                faults.extend(problems.list().iter().map(|problem| {
                    let path =
                        if problem.path == "(claim)" { "data".to_owned() } else { format!("data.{}", problem.path) };
                    Fault::new(path, &problem.what)
                }));
                return Err(faults);
            }
        };
        self.fitting(item(claim, native, time, tlp), now)
    }

    /// The item, if the bus would take it whole.
    fn fitting(&self, item: Item, now: DateTime<Utc>) -> Result<Item, Vec<Fault>> {
        let occasion = Occasion { now, first_good: false };
        let refused = self.drafter.items(vec![item.clone()], &Memory::default(), occasion).refused;
        match refused.into_iter().next() {
            None => Ok(item),
            Some(refusal) => Err(vec![Fault::new("data", refusal.reason)]),
        }
    }

    /// The object that is spoken of: the own organisation's, so that nobody's words are taken for another's.
    fn object_id(&self, event: &CloudEvent, data: &Map<String, Value>) -> Result<String, Fault> {
        let org = &self.profile.speaker.org;
        match (data.get("object_id"), &event.subject) {
            (Some(Value::String(id)), _) if id.starts_with(&format!("{org}:")) => Ok(id.clone()),
            (Some(_), _) => Err(Fault::new("data.object_id", format!("expected `{org}:` and a name of its own"))),
            (None, Some(subject)) if is_hidden(subject) => {
                Err(Fault::new("subject", "holds a control character; leave it out"))
            }
            (None, Some(subject)) if subject.starts_with(&format!("{org}:")) => Ok(subject.clone()),
            (None, Some(subject)) if subject.split('/').next().is_some_and(|first| first.contains(':')) => {
                let expected = format!(
                    "begins like the id of another's object; expected a name of its own, or `{org}:` before it"
                );
                Err(Fault::new("subject", expected))
            }
            (None, Some(subject)) => Ok(format!("{org}:{subject}")),
            (None, None) => Err(Fault::new(
                "subject",
                "name what is spoken of, equal in every report of it: `rescue-disk/eu-west-1`",
            )),
        }
    }

    fn native(&self, data: &Map<String, Value>, object_id: &str) -> Native {
        Native {
            system: self.profile.system.clone(),
            id: object_id.to_owned(),
            url: None,
            status: None,
            severity: None,
            category: None,
            mapping_version: self.profile.mapping_version,
            digest: hex(&digest(data, object_id)),
        }
    }

    /// The claim with those members that are not the neighbour's to say.
    fn completed(&self, data: &Map<String, Value>, object_id: &str, native: &Native, now: DateTime<Utc>) -> Value {
        let mut claim = data.clone();
        OURS.iter().for_each(|name| drop(claim.remove(*name)));
        claim.insert("object_id".to_owned(), json!(object_id));
        claim.insert("rev".to_owned(), json!(1));
        claim.insert("speaker".to_owned(), json!(self.profile.speaker));
        claim.entry("certainty").or_insert_with(|| json!("observed"));
        let times = claim.entry("times").or_insert_with(|| json!({}));
        if let Some(times) = times.as_object_mut() {
            times.insert("observed_at".to_owned(), json!(now));
        }
        claim.insert("native".to_owned(), json!(native));
        Value::Object(claim)
    }
}

/// Everything that the neighbour said makes a change: two reports that say the same are one.
fn digest(data: &Map<String, Value>, object_id: &str) -> [u8; 32] {
    length_prefixed(["entente.intake.v1", object_id, &sorted(&Value::Object(data.clone())).to_string()])
}

/// The order of members says nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut names: Vec<_> = members.iter().collect();
            names.sort_by_key(|(name, _)| name.as_str());
            Value::Object(names.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

fn item(claim: Claim, native: Native, time: Option<DateTime<Utc>>, tlp: Option<Tlp>) -> Item {
    let Claim { header, body } = claim;
    Item {
        object_id: header.object_id,
        native,
        times: Times { published_at: time, ..header.times },
        refs: header.refs,
        certainty: header.certainty,
        tlp,
        body,
        also: Vec::new(),
        refused: Vec::new(),
    }
}

fn family(kind: &str) -> Result<Family, Vec<Fault>> {
    let found = FAMILIES.into_iter().find(|family| event_type(*family) == kind);
    found.ok_or_else(|| {
        let expected = FAMILIES.map(event_type).join(", ");
        vec![Fault::new("type", format!("`{kind}`: expected {DEVICE}, {expected}"))]
    })
}

/// Members that a neighbour may not say.
fn foreign(data: &Map<String, Value>) -> Vec<Fault> {
    let ours = OURS.iter().filter(|name| data.contains_key(**name)).map(|name| (*name).to_owned());
    let times = data.get("times").and_then(Value::as_object);
    let times = times.into_iter().flat_map(Map::keys).filter(|name| !TIMES.contains(&name.as_str()));
    let paths = ours.chain(times.map(|name| format!("times.{name}")));
    paths.map(|path| Fault::new(format!("data.{path}"), "this is the sidecar's to say; leave it out")).collect()
}

fn marking(tlp: Option<&str>) -> Result<Option<Tlp>, Fault> {
    let Some(text) = tlp else { return Ok(None) };
    match text.parse::<Tlp>() {
        Ok(tlp) if !tlp.fits_all() => Ok(Some(tlp)),
        _ => Err(Fault::new("tlp", format!("`{text}`: expected amber, amber+strict or red"))),
    }
}

fn device(event: &CloudEvent) -> Result<DeviceReport, Vec<Fault>> {
    let report: DeviceReport = serde_path_to_error::deserialize(&event.data).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "data".to_owned() } else { format!("data.{path}") };
        vec![Fault::new(path, error.into_inner().to_string())]
    })?;
    let mut faults = Vec::new();
    let length = report.device.chars().count();
    if report.device.trim().is_empty() || length > DEVICE_MAX {
        faults.push(Fault::new("data.device", format!("expected 1 to {DEVICE_MAX} characters")));
    }
    // The words below travel on the bus, so they must be no place to hide a name in.
    for (name, word) in [("region", &report.region), ("zone", &report.zone)] {
        if word.as_deref().is_some_and(|word| !is_place(word)) {
            let expected = format!("expected a code: at most {PLACE_MAX} of a-z, 0-9 and single hyphens between them");
            faults.push(Fault::new(format!("data.{name}"), expected));
        }
    }
    if report.os.as_deref().is_some_and(|word| !is_code(word)) {
        faults.push(Fault::new("data.os", format!("expected a code: at most {OS_MAX} of a-z, 0-9, - _ .")));
    }
    if report.approach.as_deref().is_some_and(|slug| !is_feed(slug)) {
        faults.push(Fault::new(
            "data.approach",
            "expected the slug of an approach: a-z, 0-9 and -, at most 40 characters",
        ));
    }
    if faults.is_empty() { Ok(DeviceReport { at: event.time, ..report }) } else { Err(faults) }
}

fn is_code(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=OS_MAX).contains(&word.len()) && word.bytes().all(fits)
}

/// No cloud's code of a region or zone has a dot, as the names of hosts have.
fn is_place(word: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
    word.len() <= PLACE_MAX && word.split('-').all(part)
}

#[cfg(test)]
mod tests {
    use entente_schemas::family::Body;
    use entente_schemas::speaker::{Relay, Role, Speaker};

    use super::*;
    use crate::account::devices::DeviceState;
    use crate::item::Vanishing;

    const NOW: &str = "2026-08-01T12:00:00Z";

    fn reporter() -> Reporter {
        let profile = FeedProfile {
            slug: "acme-intake".into(),
            system: "acme.intake".into(),
            speaker: Speaker { org: "bank".into(), role: Role::Customer, channel: None, relay: Relay::Own },
            address: "POST /v1/events".into(),
            vanishing: Vanishing::Nothing,
            covers: Vec::new(),
            mapping_version: 1,
        };
        Reporter::new(profile, "actual", "gabcdefghijklmnop", Tlp::Amber)
    }

    fn event(kind: &str, subject: Option<&str>, data: Value) -> CloudEvent {
        CloudEvent {
            id: "1".into(),
            source: "//tool".into(),
            kind: kind.into(),
            subject: subject.map(str::to_owned),
            time: Some(NOW.parse().unwrap()),
            tlp: None,
            data,
        }
    }

    fn run() -> Value {
        json!({"approach_id": "bank:rescue-disk", "state": "running", "arms": [{"tally": {"targeted": 9, "attempted": 4}}]})
    }

    fn read(event: &CloudEvent) -> Result<Reported, Vec<String>> {
        let read = reporter().read(event, NOW.parse().unwrap());
        read.map_err(|faults| faults.into_iter().map(|fault| fault.path).collect())
    }

    fn claimed(event: &CloudEvent) -> Item {
        match read(event) {
            Ok(Reported::Claim(item)) => *item,
            other => panic!("{other:?}"),
        }
    }

    const REMEDIATION: &str = "io.entente.remediation.v1";

    #[test]
    fn a_tool_s_report_is_a_claim_of_the_own_organisation() {
        let item = claimed(&event(REMEDIATION, Some("rescue/eu-west-1"), run()));
        assert_eq!((item.object_id.as_str(), item.native.system.as_str()), ("bank:rescue/eu-west-1", "acme.intake"));
        assert_eq!(item.times.published_at, Some(NOW.parse().unwrap()));
        let Body::Remediation(run) = &item.body else { panic!("{:?}", item.body) };
        assert_eq!(run.arms[0].tally.attempted, Some(4));
        let named = claimed(&event(REMEDIATION, None, with("object_id", json!("bank:x"))));
        assert_eq!(named.object_id, "bank:x");
        assert_eq!(claimed(&event(REMEDIATION, Some("bank:x"), self::run())).object_id, "bank:x");
    }

    fn arm(tally: Value) -> Value {
        json!([{ "tally": tally }])
    }

    fn with(name: &str, value: Value) -> Value {
        let mut data = run();
        data[name] = value;
        data
    }

    #[test]
    fn equal_reports_have_one_digest_and_any_change_another() {
        let digest = |data: Value| claimed(&event(REMEDIATION, Some("a"), data)).native.digest;
        let turned: Value = serde_json::from_str(
            r#"{"state":"running","arms":[{"tally":{"attempted":4,"targeted":9}}],"approach_id":"bank:rescue-disk"}"#,
        )
        .unwrap();
        assert_eq!(digest(run()), digest(turned));
        assert_ne!(digest(run()), digest(with("operator", json!("desk 1"))));
        assert_ne!(digest(run()), claimed(&event(REMEDIATION, Some("b"), run())).native.digest);
    }

    #[test]
    fn nobody_speaks_for_others_and_every_mistake_is_told() {
        for (data, path) in [
            (with("object_id", json!("aws:x")), "data.object_id"),
            (with("speaker", json!({"org": "aws"})), "data.speaker"),
            (with("rev", json!(7)), "data.rev"),
            (with("times", json!({"observed_at": NOW})), "data.times.observed_at"),
            (with("state", json!("perhaps")), "data.state"),
            (with("states", json!(1)), "data.states"),
            (with("arms", arm(json!({"attempted": 1, "succeeded": 5}))), "data.arms.0.tally.succeeded"),
            (with("arms", arm(json!({"attempted": 5, "succeeded": 4, "failed": 2}))), "data.arms.0.tally.failed"),
            (with("approach_id", json!("bank:a\u{0}b")), "data.approach_id"),
            (with("operator", json!("desk\n1")), "data.operator"),
            (
                with("refs", json!([{"kind": "incident", "value": "x\u{7}", "relation": "related"}])),
                "data.refs.0.value",
            ),
            (json!([]), "data"),
        ] {
            assert_eq!(read(&event(REMEDIATION, Some("a"), data)), Err(vec![path.to_owned()]));
        }
        for subject in [None, Some("gcp:rescue/z"), Some("rescue\u{0}"), Some("bank:rescue\n")] {
            assert_eq!(read(&event(REMEDIATION, subject, run())), Err(vec!["subject".to_owned()]), "{subject:?}");
        }
        for tally in [json!({"attempted": 6, "succeeded": 4, "failed": 2}), json!({"succeeded": 5})] {
            assert!(read(&event(REMEDIATION, Some("a/b:c"), with("arms", arm(tally)))).is_ok());
        }
        assert_eq!(read(&event("io.entente.feed.v1", Some("a"), run())), Err(vec!["type".to_owned()]));
        let many = json!({"approach_id": "x", "state": "perhaps", "rev": 2});
        assert_eq!(read(&event(REMEDIATION, None, many)).unwrap_err().len(), 4);
    }

    #[test]
    fn a_stamp_from_the_future_would_silence_all_that_follows_and_is_refused() {
        let late =
            |time: &str| CloudEvent { time: Some(time.parse().unwrap()), ..event(REMEDIATION, Some("a"), run()) };
        assert!(read(&late("2026-08-01T12:04:00Z")).is_ok());
        assert_eq!(read(&late("2026-08-01T12:06:00Z")), Err(vec!["time".to_owned()]));
        assert_eq!(read(&late("1999-08-01T12:06:00Z")), Err(vec!["time".to_owned()]));
    }

    #[test]
    fn a_marking_may_be_stronger_than_the_feed_s_and_never_weaker() {
        let marked = |tlp: &str| CloudEvent { tlp: Some(tlp.into()), ..event(REMEDIATION, Some("a"), run()) };
        assert_eq!(claimed(&marked("red")).tlp, Some(Tlp::Red));
        assert_eq!(read(&marked("clear")), Err(vec!["tlp".to_owned()]));
    }

    #[test]
    fn what_no_payload_can_hold_is_refused_and_not_cut_silently() {
        let arm = json!({"tally": {"targeted": 9_000_000, "attempted": 4_000_000, "succeeded": 3_000_000}});
        let data = with("arms", Value::Array(vec![arm; 2_000]));
        assert_eq!(read(&event(REMEDIATION, Some("a"), data)), Err(vec!["data".to_owned()]));
    }

    #[test]
    fn places_of_every_cloud_are_codes() {
        for place in [
            "us-east-1",
            "us-gov-west-1a",
            "us-east-1-wl1-bos-wlz-1",
            "us-west-2-lax-1a",
            "use1-az6",
            "germanywestcentral",
            "microsoftrrdclab1",
            "1",
            "northamerica-northeast1-a",
            "us-central1-ai1a",
            "global",
        ] {
            assert!(is_place(place), "{place}");
        }
    }

    #[test]
    fn a_device_is_reported_by_a_code_of_its_place_and_never_by_a_name_there() {
        let report = json!({"device": "vm-1", "state": "restored", "approach": "rescue-disk", "region": "eu-west-1"});
        let Ok(Reported::Device(read_report)) = read(&event(DEVICE, None, report.clone())) else { panic!() };
        assert_eq!((read_report.state, read_report.approach.as_deref()), (DeviceState::Restored, Some("rescue-disk")));
        assert!(!format!("{read_report:?}").contains("vm-1"));
        for (name, value, path) in [
            ("device", json!(" "), "data.device"),
            ("region", json!("the cellar of 10.0.0.1/24"), "data.region"),
            ("region", json!("leakhost-17.bank.example"), "data.region"),
            ("zone", json!("leakhost_17"), "data.zone"),
            ("zone", json!("eu-west--1"), "data.zone"),
            ("region", json!(""), "data.region"),
            ("region", json!("a".repeat(33)), "data.region"),
            ("approach", json!("Rescue!"), "data.approach"),
            ("state", json!("sick"), "data.state"),
            ("serial", json!(1), "data.serial"),
        ] {
            let mut bad = report.clone();
            bad[name] = value;
            assert_eq!(read(&event(DEVICE, None, bad)), Err(vec![path.to_owned()]));
        }
    }
}
