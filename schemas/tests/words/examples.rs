//! The examples in `schemas/v1/ok` and `schemas/v1/bad`: publishers' validators and our own reading agree about each, and
//! what is refused is refused for the reason in its name, at its place, in words that help.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use entente_schemas::beat::Beat;
use entente_schemas::event::{Event, machine_id};
use entente_schemas::family::{Claim, Family};
use entente_schemas::schema;
use jsonschema::Validator;
use serde_json::Value;

use crate::making::{good, read, v1};

/// File, path of the mistake in the claim, words of the message.
const BAD_CLAIMS: &[(&str, &str, &str)] = &[
    ("impact-1-misspelt-word", "blocks.0.state", "expected one of: affected_degraded, "),
    ("impact-2-other-is-no-word-here", "severity", "unknown word `other`"),
    ("impact-3-count-above-the-limit", "counts.0.hi", "at most 9 000 000 000 000 000"),
    ("notice-1-text-missing", "text", "missing: The whole text"),
    ("notice-2-unknown-member", "body", "unknown member; expected one of: "),
    ("notice-3-about-without-a-system", "about", "expected <native system>:<native id>"),
    ("advisory-1-word-with-hyphen", "category", "unknown word `work-around`; expected one of: "),
    ("advisory-2-hash-in-capitals", "documents.0.sha256", "64 lower-case hexadecimal digits"),
    ("advisory-3-title-too-long", "title", "505 characters; at most 500"),
    ("approach-1-rate-above-one", "said_rate", "1 000 000 parts per million"),
    ("approach-2-list-for-an-object", "risk", "expected an object, found a list"),
    ("approach-3-automation-missing", "automation", "missing: How much of it a machine does."),
    ("remediation-1-negative-tally", "arms.0.tally.failed", "expected a number from 0, found -1"),
    ("remediation-2-tally-missing", "arms.0.tally", "missing: "),
    ("remediation-3-unknown-state", "state", "expected one of: running, paused, done, rolled_back"),
    ("estimate-1-fraction-as-float", "fraction_ppm.hi", "expected a whole number, found the number 0.01"),
    ("estimate-2-definition-empty", "population.definition", "must not be empty"),
    ("estimate-3-unit-of-another-kind", "unit", "expected one of: device, vm, "),
    ("message-1-addressee-is-no-slug", "to.0", "expected a slug"),
    ("message-2-text-empty", "text", "must not be empty"),
    ("message-3-due-in-words", "due_at", "such as 2024-07-19T04:09:00Z"),
    ("roster-1-unknown-duty", "role", "expected one of: coordinator, liaison, deputy"),
    ("roster-2-time-without-zone", "until", "RFC 3339"),
    ("roster-3-desk-as-object", "desk", "expected text, found an object"),
    ("constraint-1-no-objects", "objects", "cannot_link needs at least 2"),
    ("constraint-2-reason-missing", "reason", "missing: Why."),
    ("constraint-3-name-too-long", "name", "84 characters; at most 80"),
    ("retraction-1-revision-zero", "target_rev", "counts from 1"),
    ("retraction-2-source-without-instance", "target_source", "expected //<org>/<feed>/<instance>"),
    ("retraction-3-unknown-reason", "reason", "expected one of: wrong_fact, "),
    ("feed-1-slug-in-capitals", "feed", "a-z, 0-9 and -"),
    ("feed-2-coverage-missing", "coverage", "missing: What it would tell us of."),
    ("feed-3-unknown-class", "coverage.service_classes.0", "expected one of: compute, "),
    ("rejected-1-digest-of-another-kind", "digest", "64 lower-case hexadecimal digits"),
    ("rejected-2-input-sent-along", "input", "unknown member"),
    ("rejected-3-size-as-text", "bytes", "expected a whole number, found text"),
    ("sitrep-1-report-zero", "report_number", "counts from 1"),
    ("sitrep-2-not-approved", "approved_by", "must not be empty"),
    ("sitrep-3-period-as-a-day", "period_to", "RFC 3339"),
];

/// File, attribute of the envelope, whether readers refuse it as well.
const BAD_ENVELOPES: &[(&str, &str, bool)] = &[
    ("envelope-1-id-of-own-making", "id", false),
    ("envelope-2-source-without-instance", "source", true),
    ("envelope-3-sequence-without-zeros", "sequence", true),
    ("envelope-4-hash-in-capitals", "prevhash", true),
    ("envelope-5-unknown-universe", "universe", true),
    ("envelope-6-audience-by-name", "audience", true),
    ("envelope-7-amber-for-all", "tlp", true),
    ("envelope-8-attribute-in-capitals", "dataSchema", false),
    ("envelope-9-recorded-time-missing", "recordedtime", true),
];

const BAD_BEATS: &[(&str, &str)] =
    &[("beat-1-lag-missing", "lag"), ("beat-2-unknown-state", "state"), ("beat-3-error-as-text", "error")];

static ENVELOPE: LazyLock<Validator> = LazyLock::new(|| validator(&schema::of_envelope()));

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).unwrap()
}

fn bad(name: &str) -> Value {
    serde_json::from_str(&read(&v1(&format!("bad/{name}.json")))).unwrap()
}

/// The places at which a publisher's validator refuses a document, dotted; a missing member is named by its message.
fn refusals(validator: &Validator, document: &Value) -> Vec<(String, String)> {
    let errors = validator.iter_errors(document);
    errors
        .map(|error| (error.instance_path().to_string().trim_start_matches('/').replace('/', "."), error.to_string()))
        .collect()
}

#[test]
fn good_events_are_taken_by_all() {
    for family in Family::ALL {
        let event = good(*family);
        assert_eq!(refusals(&ENVELOPE, &event), [], "{family}");
        assert_eq!(refusals(&validator(&family.claim_schema()), &event["data"]), [], "{family}");
        let claim = Claim::read_strict(*family, &event["data"].to_string()).unwrap_or_else(|p| panic!("{family}: {p}"));
        assert_eq!(claim.check_strict(), Ok(()));
        let text = read(&v1(&format!("ok/{family}.json")));
        let read = Event::read(text.as_bytes()).unwrap_or_else(|error| panic!("{family}: {error}"));
        assert_eq!(read.claim, claim, "{family}");
        assert!(read.expected_subject().is_ok(), "{family}");
    }
}

#[test]
fn good_claims_are_written_as_they_stand() {
    for family in Family::ALL {
        let data = good(*family)["data"].clone();
        let claim = Claim::read(*family, &data.to_string()).unwrap();
        assert_eq!(serde_json::to_value(&claim).unwrap(), data, "{family}: the example leaves nothing to be filled in");
    }
}

#[test]
fn machines_ids_in_the_examples_are_those_that_anybody_computes() {
    for family in [Family::Impact, Family::Notice, Family::Feed, Family::Rejected] {
        let event = good(family);
        let read = Event::read(event.to_string().as_bytes()).unwrap();
        let (header, org_feed) = (&read.claim.header, read.source.org_feed());
        let digest = &header.native.as_ref().unwrap().digest;
        assert_eq!(read.id, machine_id(&read.universe, &org_feed, family, &header.object_id, header.rev, digest));
    }
}

#[test]
fn bad_claims_are_refused_by_all_for_the_reason_in_their_name() {
    for (name, path, words) in BAD_CLAIMS {
        let family = Family::from_token(name.split('-').next().unwrap()).unwrap();
        let event = bad(name);
        assert_eq!(refusals(&ENVELOPE, &event), [], "{name}: only the claim is bad");
        let refused = refusals(&validator(&family.claim_schema()), &event["data"]);
        let [(place, message)] = refused.as_slice() else { panic!("{name}: {refused:?}") };
        let last = path.rsplit('.').next().unwrap();
        let named = place.starts_with(path)
            || message.contains(&format!("\"{last}\""))
            || message.contains(&format!("'{last}'"));
        assert!(named, "{name}: at {place}: {message}");
        let problems = Claim::read_strict(family, &event["data"].to_string()).expect_err(name);
        let [problem] = problems.list() else { panic!("{name}:\n{problems}") };
        assert_eq!(problem.path, *path, "{name}: {problems}");
        assert!(problem.what.contains(words), "{name}: {problems}");
    }
}

#[test]
fn bad_envelopes_are_refused_for_the_reason_in_their_name() {
    for (name, attribute, by_readers) in BAD_ENVELOPES {
        let event = bad(name);
        let refused = refusals(&ENVELOPE, &event);
        let [(place, message)] = refused.as_slice() else { panic!("{name}: {refused:?}") };
        assert!(place == attribute || message.contains(attribute), "{name}: at {place}: {message}");
        let read = Event::read(event.to_string().as_bytes());
        assert_eq!(read.is_err(), *by_readers, "{name}");
        if let Err(error) = read {
            assert!(error.to_string().contains(&format!("`{attribute}`")), "{name}: {error}");
        }
    }
}

#[test]
fn beats_are_taken_and_refused_alike() {
    let validator = validator(&schema::of_beat());
    let text = read(&v1("ok/beat.json"));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(refusals(&validator, &value), []);
    let beat: Beat = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(&beat).unwrap(), value);
    for (name, member) in BAD_BEATS {
        let refused = refusals(&validator, &bad(name));
        let [(place, message)] = refused.as_slice() else { panic!("{name}: {refused:?}") };
        assert!(place == member || message.contains(&format!("\"{member}\"")), "{name}: at {place}: {message}");
    }
}

#[test]
fn every_family_has_one_good_example_and_three_bad_and_each_is_tested() {
    let tested: BTreeSet<String> = BAD_CLAIMS
        .iter()
        .map(|(name, ..)| *name)
        .chain(BAD_ENVELOPES.iter().map(|(name, ..)| *name))
        .chain(BAD_BEATS.iter().map(|(name, _)| *name))
        .map(|name| format!("{name}.json"))
        .collect();
    let names = |folder: &str| -> BTreeSet<String> {
        std::fs::read_dir(v1(folder)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("bad"), tested);
    let good: BTreeSet<String> = Family::ALL.iter().map(|f| format!("{f}.json")).chain(["beat.json".into()]).collect();
    assert_eq!(names("ok"), good);
    for family in Family::ALL {
        for number in 1..=3 {
            assert_eq!(tested.iter().filter(|name| name.starts_with(&format!("{family}-{number}-"))).count(), 1);
        }
    }
}
