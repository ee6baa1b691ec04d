//! Words that a later version adds: readers take them as `other`, publishers are told, and `other` itself may be published
//! where the schema lists it and nowhere else. Every vocabulary of every family is found in the schemas and tried.

use entente_schemas::event::Event;
use entente_schemas::family::{Claim, Family};
use serde_json::{Value, json};

use crate::making::good;

/// The places of a claim at which a word of some vocabulary stands, as JSON pointers, with the words.
fn vocabularies(value: &Value, schema: &Value, root: &Value, path: &str, found: &mut Vec<(String, Vec<String>)>) {
    let schema = resolved(schema, root);
    if let Some(words) = schema["enum"].as_array() {
        found.push((path.to_owned(), words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()));
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                vocabularies(member, &schema["properties"][name], root, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                vocabularies(item, &schema["items"], root, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn resolved<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        return resolved(root.pointer(&pointer[1..]).unwrap(), root);
    }
    match schema["anyOf"].as_array() {
        Some(choices) => resolved(choices.iter().find(|choice| choice["type"] != "null").unwrap(), root),
        None => schema,
    }
}

fn each_word(mut check: impl FnMut(Family, &Value, &str, &[String])) {
    for family in Family::ALL {
        let (event, schema, mut found) = (good(*family), family.claim_schema(), Vec::new());
        vocabularies(&event["data"], &schema, &schema, "", &mut found);
        assert!(found.len() >= 3, "{family}: role, relay and certainty at least");
        for (path, words) in found {
            check(*family, &event, &path, &words);
        }
    }
}

fn with(event: &Value, path: &str, word: &str) -> Value {
    let mut event = event.clone();
    *event.pointer_mut(&format!("/data{path}")).unwrap() = json!(word);
    event
}

#[test]
fn readers_take_an_unknown_word_as_other() {
    each_word(|family, event, path, _| {
        let event = with(event, path, "word_of_2031");
        let read = Event::read(event.to_string().as_bytes()).unwrap_or_else(|error| panic!("{family}{path}: {error}"));
        let shown = serde_json::to_value(&read.claim).unwrap();
        assert_eq!(shown.pointer(path), Some(&json!("other")), "{family}{path}");
    });
}

#[test]
fn publishers_are_told_of_an_unknown_word() {
    each_word(|family, event, path, words| {
        let written = with(event, path, "word_of_2031")["data"].to_string();
        let problems = Claim::read_strict(family, &written).unwrap_err();
        let dotted = path.trim_start_matches('/').replace('/', ".");
        let told = problems.list().iter().find(|problem| problem.path == dotted);
        let told = told.unwrap_or_else(|| panic!("{family}{path}: {problems}"));
        assert_eq!(told.what, format!("unknown word `word_of_2031`; expected one of: {}", words.join(", ")));
    });
}

#[test]
fn other_is_published_where_it_is_a_word() {
    let (mut taken, mut refused) = (Vec::new(), 0);
    each_word(|family, event, path, words| {
        let written = with(event, path, "other")["data"].to_string();
        let as_written = Claim::read_strict(family, &written);
        let as_built = Claim::read(family, &written).unwrap().check_strict();
        if words.iter().any(|word| word == "other") {
            assert!(as_written.is_ok(), "{family}{path}: {as_written:?}");
            assert_eq!(as_built, Ok(()), "{family}{path}");
            taken.push(format!("{family}{path}"));
        } else {
            let told =
                |problems: &entente_schemas::check::Problems| problems.to_string().contains("unknown word `other`");
            assert!(as_written.as_ref().is_err_and(told), "{family}{path}: {as_written:?}");
            assert!(as_built.as_ref().is_err_and(told), "{family}{path}: {as_built:?}");
            refused += 1;
        }
    });
    let expected = [
        "impact/effect/0",
        "impact/effect/1",
        "impact/blocks/0/service_class",
        "approach/kind",
        "remediation/arms/0/block/service_class",
        "feed/coverage/service_classes/0",
        "feed/coverage/service_classes/1",
    ];
    assert_eq!(taken, expected);
    assert!(refused > 60, "{refused}");
}

#[test]
fn members_that_a_later_minor_adds_are_passed_over() {
    for family in Family::ALL {
        let mut event = good(*family);
        let known = Event::read(event.to_string().as_bytes()).unwrap();
        event["newattribute"] = json!("x");
        event["dataschema"] = json!(format!("urn:entente:schema:{family}:1.17"));
        event["data"]["new"] = json!({"a": [1.5, null, {"b": []}]});
        event["data"]["times"]["new"] = json!([[[]]]);
        let read = Event::read(event.to_string().as_bytes()).unwrap_or_else(|error| panic!("{family}: {error}"));
        assert_eq!(read, known);
        let problems = Claim::read_strict(*family, &event["data"].to_string()).unwrap_err();
        let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths.iter().filter(|path| ["new", "times.new"].contains(path)).count(), 2, "{problems}");
        assert_eq!(paths.len(), 2, "{problems}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let claim = json!({
        "object_id": "no system", "rev": 0, "speaker": {"org": "A W S", "role": "boss", "relay": "relayed"},
        "times": {"observed_at": "yesterday", "when": null}, "certainty": "observed", "extra": {},
        "kind": "incident", "phase": "scheduled", "title": " ", "blocks": [{"provider": "aws", "state": 3}],
    });
    let problems = Claim::read_strict(Family::Impact, &claim.to_string()).unwrap_err();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    for path in [
        "speaker.role",
        "times.observed_at",
        "times.when",
        "extra",
        "severity",
        "blocks.0.state",
        "blocks.0.service_class",
    ] {
        assert!(paths.contains(&path), "{path} is not among\n{problems}");
    }
    let mut mended = claim;
    for (pointer, value) in [
        ("/speaker/role", json!("provider")),
        ("/times", json!({"observed_at": "2024-07-19T05:00:00Z"})),
        ("/blocks", json!([])),
    ] {
        *mended.pointer_mut(pointer).unwrap() = value;
    }
    mended["severity"] = json!("major");
    mended.as_object_mut().unwrap().remove("extra");
    let problems = Claim::read_strict(Family::Impact, &mended.to_string()).unwrap_err();
    let paths: Vec<&str> = problems.list().iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["object_id", "rev", "speaker.org", "certainty", "title", "phase"], "{problems}");
}

/// A family, a member of its good example with another value, and the path of what is told.
type Together = (Family, &'static str, &'static str, &'static str);

#[test]
fn what_must_go_together_binds_publishers_and_not_readers() {
    let cases: [Together; 5] = [
        (Family::Impact, "/speaker/channel", "\" \"", "speaker.channel"),
        (Family::Impact, "/phase", "\"in_progress\"", "phase"),
        (Family::Message, "/state", "\"in_force\"", "state"),
        (Family::Message, "/kind", "\"decision\"", "state"),
        (Family::Sitrep, "/rev", "2", "rev"),
    ];
    for (family, pointer, value, path) in cases {
        let mut event = good(family);
        *event["data"].pointer_mut(pointer).unwrap() = serde_json::from_str(value).unwrap();
        assert!(Event::read(event.to_string().as_bytes()).is_ok(), "{family} {path}");
        let problems = Claim::read_strict(family, &event["data"].to_string()).unwrap_err();
        assert_eq!(problems.list().iter().map(|p| p.path.as_str()).collect::<Vec<_>>(), [path]);
    }
}
