//! Claims of every family for the other rooms: the committed good examples, and random ones drawn from the schemas, so
//! that a member added later is drawn without a change here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeZone, Utc};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, machine_id};
use entente_schemas::family::{Claim, Family};
use entente_schemas::tlp::Tlp;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use serde_json::{Map, Value, json};

pub const INSTANCE: &str = "01J34HY9Z8Q4M2N6P7R8S9TAVB";

/// A file or folder of `schemas/v1`.
pub fn v1(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("v1").join(name)
}

pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The good example of a family, a whole event.
pub fn good(family: Family) -> Value {
    serde_json::from_str(&read(&v1(&format!("ok/{family}.json")))).unwrap()
}

pub fn source() -> Source {
    Source { org: "local".into(), feed: "gcp-public".into(), instance: INSTANCE.into() }
}

pub fn place(source: &Source) -> Place<'_> {
    Place { source, universe: "test", audience: "all", sequence: 7, prevhash: CHAIN_START }
}

pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 7, 19, 12, 0, 0).unwrap()
}

pub fn draft(claim: Claim) -> Draft {
    let (family, header) = (claim.family(), &claim.header);
    let id = machine_id("test", "local/gcp-public", family, &header.object_id, header.rev, "");
    Draft { id, recorded: noon(), causation: None, traceparent: None, tlp: Tlp::Green, claim }
}

pub fn any_family() -> impl Strategy<Value = Family> {
    select(Family::ALL.to_vec())
}

/// Any claim of any family that a publisher may send.
pub fn any_claim() -> impl Strategy<Value = Claim> {
    any_family().prop_flat_map(|family| {
        DRAWN.with(|drawn| drawn[&family].clone()).prop_map(move |mut value| {
            mend(&mut value);
            let json = value.to_string();
            Claim::read_strict(family, &json).unwrap_or_else(|problems| panic!("{family}: {problems}\n{json}"))
        })
    })
}

thread_local! {
    static DRAWN: BTreeMap<Family, BoxedStrategy<Value>> = Family::ALL
        .iter()
        .map(|family| (*family, family.claim_schema()))
        .map(|(family, schema)| (family, drawn(&schema, &schema)))
        .collect();
}

/// Values that fit a schema; null is never drawn, an optional member is there or not.
fn drawn(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    if let Some(pointer) = schema["$ref"].as_str() {
        return drawn(root.pointer(&pointer[1..]).unwrap(), root);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return drawn(choices.iter().find(|choice| choice["type"] != "null").unwrap(), root);
    }
    if let Some(words) = schema["enum"].as_array() {
        return select(words.clone()).boxed();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind.unwrap_or_else(|| panic!("no type in {schema}")) {
        "object" => object(schema, root),
        "array" => {
            let least = usize::try_from(schema["minItems"].as_u64().unwrap_or(0)).unwrap();
            prop::collection::vec(drawn(&schema["items"], root), least.max(1)..4).prop_map(Value::from).boxed()
        }
        "string" => text(schema),
        "integer" => integer(schema),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        other => panic!("no strategy for {other}"),
    }
}

fn object(schema: &Value, root: &Value) -> BoxedStrategy<Value> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let members = schema["properties"].as_object().unwrap().iter().map(|(name, member)| {
        let value = drawn(member, root);
        let there = if required.contains(&json!(name)) {
            value.prop_map(Some).boxed()
        } else {
            prop::option::weighted(0.4, value).boxed()
        };
        (Just(name.clone()), there)
    });
    let members: Vec<_> = members.collect();
    members
        .prop_map(|members| {
            members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>().into()
        })
        .boxed()
}

fn text(schema: &Value) -> BoxedStrategy<Value> {
    if schema["format"] == "date-time" {
        let second = 1_704_067_200_i64..1_767_225_600;
        let nanos = select(vec![0_u32, 250_000_000, 1_000_000, 120_000, 7]);
        return (second, nanos).prop_map(|(second, nanos)| json!(Utc.timestamp_opt(second, nanos).unwrap())).boxed();
    }
    let pattern = schema["pattern"].as_str().map(|p| p.trim_start_matches('^').trim_end_matches('$').to_owned());
    let pattern = pattern.unwrap_or_else(|| r#"[A-Za-z"\\\n<&é€𝄞\u{0}-\u{1f}][ -~é€𝄞\n\t]{0,40}x"#.to_owned());
    let drawn = string_regex(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    // White space to a validator's expressions, though not to Rust's.
    drawn.prop_map(|text| json!(text.replace('\u{feff}', "_"))).boxed()
}

fn integer(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minimum"].as_u64().unwrap_or(0);
    let greatest = schema["maximum"].as_u64().unwrap_or(u64::from(u32::MAX));
    prop_oneof![least..=greatest, Just(least), Just(greatest)].prop_map(Value::from).boxed()
}

/// What no schema says: what must go together.
fn mend(claim: &mut Value) {
    if claim["speaker"]["relay"] == "relayed" {
        claim["certainty"] = json!("likely");
    }
    if claim["speaker"]["relay"] == "polled" {
        claim["speaker"]["channel"] = json!("status page");
    }
    if claim.get("phase").is_some() {
        claim["kind"] = json!("maintenance");
        claim.as_object_mut().unwrap().retain(|name, _| name != "outcome");
    }
    if claim.get("thread_id").is_some() {
        let decision = claim["kind"] == "decision";
        claim["state"] = json!(if decision { "in_force" } else { "open" });
    }
    if claim.get("report_number").is_some() {
        claim["rev"] = json!(1);
        claim["period_to"] = json!("2099-01-01T00:00:00Z");
    }
    if let Some(objects) = claim.get_mut("objects") {
        *objects = json!(["a:1", "b:2"]);
        claim["name"] = json!("a name");
    }
    if claim.get("fraction_ppm").is_none() && claim.get("quantity").is_some() {
        claim["lo"] = json!(0);
    }
    intervals(claim);
}

/// Puts the ends of every interval in their order, and gives a count something to say.
fn intervals(value: &mut Value) {
    if let Value::Object(members) = value {
        if members.contains_key("unit") && !["value", "lo", "hi"].iter().any(|name| members.contains_key(*name)) {
            members.insert("value".into(), json!(1));
        }
        for (less, more) in [("lo", "value"), ("value", "hi"), ("lo", "hi"), ("lo", "value"), ("attempted", "targeted")]
        {
            if let (Some(a), Some(b)) =
                (members.get(less).and_then(Value::as_u64), members.get(more).and_then(Value::as_u64))
            {
                members.insert(less.into(), json!(a.min(b)));
                members.insert(more.into(), json!(a.max(b)));
            }
        }
    }
    match value {
        Value::Object(members) => members.values_mut().for_each(intervals),
        Value::Array(items) => items.iter_mut().for_each(intervals),
        _ => {}
    }
}
