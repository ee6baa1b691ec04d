//! What is sealed is read as it was meant, for every family and any claim that its schema allows; and where our own strict
//! reading takes a claim, so does the schema that other publishers build against.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entente_schemas::event::{Event, chain_hash, event_type};
use entente_schemas::family::{Claim, Family};
use entente_schemas::subject::{ClaimSubject, unescape};
use entente_schemas::{schema, trim};
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::making::{any_claim, draft, good, noon, place, source};

static VALIDATORS: LazyLock<BTreeMap<Family, Validator>> = LazyLock::new(|| {
    let build = |schema: &Value| jsonschema::options().should_validate_formats(true).build(schema).unwrap();
    Family::ALL.iter().map(|family| (*family, build(&family.claim_schema()))).collect()
});

static ENVELOPE: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::options().should_validate_formats(true).build(&schema::of_envelope()).unwrap());

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_sealed_is_read_as_it_was_meant(claim in any_claim()) {
        let source = source();
        let draft = draft(claim);
        let bytes = draft.seal(place(&source)).unwrap();
        let event = Event::read(&bytes).unwrap();
        prop_assert_eq!(&event.claim, &draft.claim);
        prop_assert_eq!((&event.id, event.recorded, event.tlp), (&draft.id, noon(), draft.tlp));
        prop_assert_eq!((event.source, event.sequence, event.universe.as_str()), (source.clone(), 7, "test"));
        prop_assert_eq!(draft.seal(place(&source)).unwrap(), bytes.clone(), "the same bytes again");
        prop_assert_eq!(trim::fit(&mut draft.clone(), place(&source)).unwrap(), bytes.clone(), "what fits is not trimmed");
        prop_assert_eq!(chain_hash(&bytes).len(), 64);
    }

    #[test]
    fn what_is_sealed_fits_the_schemas(claim in any_claim()) {
        let source = source();
        let family = claim.family();
        let bytes = draft(claim).seal(place(&source)).unwrap();
        let event: Value = serde_json::from_slice(&bytes).unwrap();
        let refused: Vec<String> = ENVELOPE.iter_errors(&event).chain(VALIDATORS[&family].iter_errors(&event["data"]))
            .map(|error| format!("{}: {error}", error.instance_path())).collect();
        prop_assert!(refused.is_empty(), "{family}: {refused:?}");
        prop_assert_eq!(&event["type"], &json!(event_type(family)));
    }

    #[test]
    fn the_subject_is_that_of_the_body(claim in any_claim()) {
        let source = source();
        let draft = draft(claim);
        let event = Event::read(&draft.seal(place(&source)).unwrap()).unwrap();
        let subject = draft.subject(place(&source)).unwrap();
        prop_assert_eq!(event.expected_subject().unwrap(), subject.clone());
        prop_assert_eq!(ClaimSubject::parse(&subject.to_string()).unwrap(), subject.clone());
        if !subject.object.starts_with('~') {
            prop_assert_eq!(unescape(&subject.object), Some(event.claim.header.object_id));
        }
    }

    /// One member of a good claim is replaced by some value: what our reading takes, a publisher's validator takes.
    #[test]
    fn strict_reading_takes_nothing_that_the_schema_refuses(
        claim in any_claim(),
        at in any::<prop::sample::Index>(),
        value in prop::sample::select(vec![
            json!(null), json!(""), json!(" "), json!("x"), json!("A:b"), json!(": x"), json!(0), json!(2), json!(-3), json!(1.5),
            json!(1e30), json!(u64::MAX), json!([]), json!({}), json!(["x"]), json!(true), json!("2024-07-19"),
            json!("2024-07-19 04:09:00Z"), json!("2024-07-19t04:09:00z"), json!("2024-07-19T04:09:00+00:00"),
            json!("2024-07-19T04:09Z"), json!("x".repeat(501)), json!("é".repeat(2_001)), json!("other"),
        ]),
    ) {
        let family = claim.family();
        let mut written = serde_json::to_value(&claim).unwrap();
        let places = places(&written);
        let place = &places[at.index(places.len())];
        *written.pointer_mut(place).unwrap() = value;
        if Claim::read_strict(family, &written.to_string()).is_ok() {
            let refused: Vec<String> = VALIDATORS[&family].iter_errors(&written).map(|error| error.to_string()).collect();
            prop_assert!(refused.is_empty(), "{family}{place}: {refused:?}");
        }
    }
}

/// JSON pointers to every value within a document.
fn places(document: &Value) -> Vec<String> {
    fn walk(value: &Value, path: &str, all: &mut Vec<String>) {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            _ => Vec::new(),
        };
        for (name, value) in members {
            let path = format!("{path}/{name}");
            walk(value, &path, all);
            all.push(path);
        }
    }
    let mut all = Vec::new();
    walk(document, "", &mut all);
    all
}

#[test]
fn every_family_is_drawn() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut drawn = std::collections::BTreeSet::new();
    for _ in 0..400 {
        drawn.insert(any_claim().new_tree(&mut runner).unwrap().current().family());
    }
    assert_eq!(drawn.into_iter().collect::<Vec<_>>(), Family::ALL);
}

#[test]
fn an_event_written_elsewhere_is_read_in_any_order_of_members() {
    let event = good(Family::Impact);
    let known = Event::read(event.to_string().as_bytes()).unwrap();
    let reversed = |value: &Value| -> Value {
        value
            .as_object()
            .unwrap()
            .iter()
            .rev()
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let mut other = reversed(&event);
    other["data"] = reversed(&event["data"]);
    assert_ne!(other.to_string(), event.to_string());
    assert_eq!(Event::read(other.to_string().as_bytes()).unwrap(), known);
}

#[test]
fn an_id_that_begins_with_nothing_to_be_seen_is_refused_by_all() {
    for (id, taken) in [
        ("a:b", true),
        ("a: b", false),
        ("\u{feff}:b", false),
        ("a\u{2003}b:c", false),
        ("a:\u{feff}b", false),
        (":b", false),
    ] {
        let mut claim = good(Family::Impact)["data"].clone();
        claim["object_id"] = json!(id);
        assert_eq!(Claim::read_strict(Family::Impact, &claim.to_string()).is_ok(), taken, "{id:?}");
        assert_eq!(VALIDATORS[&Family::Impact].is_valid(&claim), taken, "{id:?}");
    }
}

#[test]
fn times_keep_their_instant_whatever_their_zone() {
    let mut event = good(Family::Impact);
    let known = Event::read(event.to_string().as_bytes()).unwrap();
    event["data"]["times"]["occurred_at"] = json!("2024-07-19T06:09:00+02:00");
    event["recordedtime"] = json!("2024-07-19T08:21:07.412000+02:00");
    assert_eq!(Event::read(event.to_string().as_bytes()).unwrap(), known);
    assert!(Claim::read_strict(Family::Impact, &event["data"].to_string()).is_ok());
}
