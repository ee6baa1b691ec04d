//! Bytes that nobody should have sent. Reading refuses them with the place of the fault, and never panics.

use entente_schemas::event::{Event, EventError, PAYLOAD_MAX};
use entente_schemas::family::{Claim, Family};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::making::{any_family, good};

fn compact(family: Family) -> String {
    good(family).to_string()
}

fn refused(payload: &str) -> String {
    match Event::read(payload.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(event) => panic!("taken: {event:?}\n{payload}"),
    }
}

/// Where the message puts the fault: line and column.
fn place(message: &str) -> (usize, usize) {
    let (_, place) = message.rsplit_once(" at line ").unwrap_or_else(|| panic!("no place in {message}"));
    let (line, column) = place.split_once(" column ").unwrap();
    (line.parse().unwrap(), column.parse().unwrap())
}

/// The column right after `text` in a payload of one line.
fn after(payload: &str, text: &str) -> usize {
    payload.find(text).unwrap_or_else(|| panic!("no {text}")) + text.len()
}

#[test]
fn duplicate_keys_are_refused_wherever_they_stand() {
    let event = compact(Family::Impact);
    for (there, again, key) in [
        ("\"specversion\":\"1.0\",", "\"specversion\":\"1.0\",", "specversion"),
        ("\"specversion\":\"1.0\",", "\"new\":1,\"new\":1,", "new"),
        ("\"rev\":2,", "\"rev\":2,", "rev"),
        ("\"kind\":\"incident\",", "\"kind\":\"incident\",", "kind"),
        ("\"kind\":\"incident\",", "\"k\\u0069nd\":\"incident\",", "kind"),
        ("\"fidelity\":\"minute\",", "\"fidelity\":\"minute\",", "fidelity"),
        ("\"state\":\"affected_degraded\",", "\"state\":\"restored\",", "state"),
        ("\"rev\":2,", "\"new\":{\"a\":[{\"b\":1,\"b\":1}]},", "b"),
        ("\"fidelity\":\"minute\",", "\"new\":[{\"b\":1,\"b\":1}],", "b"),
    ] {
        assert!(event.contains(there), "{there}");
        let twice = event.replacen(there, &format!("{there}{again}"), 1);
        let message = refused(&twice);
        assert!(message.contains(&format!("duplicate key `{key}`")), "{message}");
        let (line, column) = place(&message);
        let begin = after(&twice, there);
        assert_eq!(line, 1);
        assert!((begin..=begin + again.len()).contains(&column), "{message}, but it stands at {begin}");
    }
}

#[test]
fn numbers_out_of_range_are_refused_with_their_place() {
    let event = compact(Family::Impact);
    for (member, number) in [
        ("\"rev\":", "18446744073709551616"),
        ("\"rev\":", "1e3"),
        ("\"rev\":", "2.0"),
        ("\"rev\":", "-1"),
        ("\"mapping_version\":", "4294967296"),
        ("\"lo\":", "1e999"),
        ("\"lo\":", "-0.5"),
    ] {
        let begin = after(&event, member);
        let end = begin + event[begin..].find([',', '}']).unwrap();
        let wrong = format!("{}{number}{}", &event[..begin], &event[end..]);
        let (line, column) = place(&refused(&wrong));
        assert_eq!(line, 1);
        assert!((begin..=begin + number.len() + 1).contains(&column), "{member}{number}: column {column}, not {begin}");
    }
    let greater = event.replace("\"hi\":14000", "\"hi\":9000000000000001");
    assert!(refused(&greater).starts_with("counts.0.hi: a number is at most"), "{}", refused(&greater));
}

#[test]
fn places_count_in_the_payload_also_over_lines() {
    let lines = format!("{:#}", good(Family::Impact));
    let wrong = lines.replacen("\"rev\": 2,", "\"rev\": \"two\",", 1);
    let line = 1 + wrong[..wrong.find("\"two\"").unwrap()].matches('\n').count();
    assert_eq!(place(&refused(&wrong)).0, line);
}

#[test]
fn a_list_is_no_object_at_any_depth() {
    for (pointer, list) in [
        ("", json!(["1.0", "id"])),
        ("/data", json!(["gcp.public:x", 1])),
        ("/data/speaker", json!(["gcp", "provider", "channel", "polled"])),
        ("/data/times", json!([null, null, null, null, "2024-07-19T05:00:00Z", null])),
        ("/data/native", json!(["a", "b", null, null, null, null, 1, "0".repeat(64)])),
        ("/data/blocks/0", json!(["gcp", "compute", [], [], [], "restored", "major", null, null])),
        ("/data/suspected_cause", json!([null, null, null, null, null, "confirmed"])),
        ("/data/counts/0", json!(["vm", "affected", 1, 1, 1, "sketch", "2024-07-19T05:00:00Z", null, null])),
        ("/data/refs/0", json!(["url", "x", "same"])),
    ] {
        let mut event = good(Family::Impact);
        *event.pointer_mut(pointer).unwrap() = list;
        let message = refused(&event.to_string());
        assert!(message.contains("invalid type: sequence"), "{pointer}: {message}");
    }
}

#[test]
fn what_is_no_event_is_refused() {
    for text in ["", " ", "null", "[]", "{}", "\"x\"", "1", "{", "<html>", "\u{feff}{}", "{}{}"] {
        refused(text);
    }
    let event = compact(Family::Notice);
    assert!(refused(&format!("{event}x")).contains("trailing characters"));
    assert!(Event::read(format!(" {event}\n").as_bytes()).is_ok(), "white space around it is no fault");
    for half in (0..event.len()).step_by(7).filter(|at| event.is_char_boundary(*at)) {
        refused(&event[..half]);
    }
}

#[test]
fn depth_is_bounded() {
    let event = compact(Family::Notice);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [120, 200, 5_000] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            for place in ["\"rev\":1,", "\"specversion\":\"1.0\","] {
                let nested = event.replacen(place, &format!("{place}\"new\":{deep},"), 1);
                let read = Event::read(nested.as_bytes());
                assert_eq!(read.is_ok(), depth < 128, "{depth} at {place}: {:?}", read.err());
            }
        }
    }
}

#[test]
fn sixty_four_kibibytes_are_taken_and_one_byte_more_is_not() {
    let mut event = good(Family::Notice);
    event["data"]["text"] = json!("");
    let rest = event.to_string().len();
    // Two bytes a character: the text stays below its own limit.
    event["data"]["text"] = json!("é".repeat(31_999));
    event["data"]["url"] = json!(
        "u".repeat(PAYLOAD_MAX - rest - 2 * 31_999 + good(Family::Notice)["data"]["url"].as_str().unwrap().len())
    );
    let payload = event.to_string();
    assert_eq!(payload.len(), PAYLOAD_MAX);
    assert!(Event::read(payload.as_bytes()).is_ok());
    let error = Event::read(format!("{payload} ").as_bytes()).unwrap_err();
    assert!(matches!(error, EventError::TooLarge(size) if size == PAYLOAD_MAX + 1), "{error}");
}

#[test]
fn what_is_no_utf8_is_refused_with_its_place() {
    let mut payload = compact(Family::Notice).into_bytes();
    let at = after(&compact(Family::Notice), "**Summary:**");
    for wrong in [0xff_u8, 0xc3, 0x80, 0xed] {
        payload[at] = wrong;
        let error = Event::read(&payload).unwrap_err();
        assert!(matches!(&error, EventError::Encoding(_)), "{error}");
        assert!(error.to_string().contains(&format!("from index {at}")), "{error}");
    }
}

#[test]
fn unpaired_surrogates_and_control_characters_are_refused() {
    let event = compact(Family::Notice);
    for text in ["\\ud800", "\\udc00x", "\u{0}", "\u{1f}", "\n"] {
        refused(&event.replacen("**Summary:**", text, 1));
    }
    let escaped = event.replacen("**Summary:**", "\\u0000\\ud834\\udd1e", 1);
    let Ok(read) = Event::read(escaped.as_bytes()) else { panic!("{}", refused(&escaped)) };
    assert!(serde_json::to_string(&read.claim).unwrap().contains("\\u0000𝄞"));
}

#[test]
fn an_envelope_that_breaks_a_rule_is_refused_by_the_name_of_its_attribute() {
    for (attribute, value) in [
        ("specversion", json!("1.1")),
        ("id", json!("")),
        ("id", json!("x".repeat(65))),
        ("id", json!("a b")),
        ("source", json!("//gcp/gcp-public/instance")),
        ("type", json!("io.entente.rumour.v1")),
        ("type", json!("io.entente.impact.v2")),
        ("subject", json!("impact/gcp.public:other")),
        ("subject", json!("notice/gcp.public:ExampleItem20240719")),
        ("datacontenttype", json!("application/xml")),
        ("dataschema", json!("urn:entente:schema:notice:1.0")),
        ("dataschema", json!("urn:entente:schema:impact:2.0")),
        ("dataschema", json!("urn:entente:schema:impact:1.")),
        ("recordedtime", json!("1999-12-31T23:59:59Z")),
        ("recordedtime", json!("2100-01-01T00:00:00Z")),
        ("sequence", json!("+0000000000000000001")),
        ("sequence", json!("00000000000000000000")),
        ("sequence", json!("0000000000000000001")),
        ("sequence", json!("99999999999999999999")),
        ("prevhash", json!("0")),
        ("causationid", json!("é")),
        ("universe", json!("exercise-")),
        ("audience", json!("ALL")),
        ("tlp", json!("red")),
        ("tlp", json!("mauve")),
    ] {
        let mut event = good(Family::Impact);
        event[attribute] = value.clone();
        let message = refused(&event.to_string());
        assert!(message.starts_with(&format!("attribute `{attribute}`")), "{attribute} {value}: {message}");
    }
}

#[test]
fn markings_fit_their_audience() {
    for (audience, tlp, taken) in [
        ("all", "clear", true),
        ("all", "amber+strict", false),
        ("gabcdefghijklmnop", "amber+strict", true),
        ("gabcdefghijklmnop", "green", false),
        ("gabcdefghijklmnop", "marking_of_2031", true),
    ] {
        let mut event = good(Family::Impact);
        event["audience"] = json!(audience);
        event["tlp"] = json!(tlp);
        assert_eq!(Event::read(event.to_string().as_bytes()).is_ok(), taken, "{tlp} in {audience}");
    }
}

#[test]
fn times_out_of_all_proportion_are_refused_by_path() {
    for (pointer, path) in [
        ("/data/times/occurred_at", "times.occurred_at"),
        ("/data/times/published_at", "times.published_at"),
        ("/data/counts/0/as_of", "counts.0.as_of"),
        ("/data/next_update_by", "next_update_by"),
    ] {
        for time in ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "+99999-01-01T00:00:00Z"] {
            let mut event = good(Family::Impact);
            *event.pointer_mut(pointer).unwrap() = json!(time);
            let message = refused(&event.to_string());
            assert!(message.starts_with(path), "{path} {time}: {message}");
        }
    }
}

/// One change of a payload: what a bad link, a bad program or a bad person does to it.
#[derive(Clone, Debug)]
enum Change {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, prop::sample::Index),
    Replace(prop::sample::Index, Value),
}

fn any_change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    let words = prop::sample::select(vec![
        json!(null),
        json!([]),
        json!({}),
        json!(""),
        json!(-1),
        json!(1e300),
        json!(u64::MAX),
        json!(true),
        json!([[{}]]),
        json!("\u{0}"),
        json!("9999-99-99T99:99:99Z"),
        json!("-262143-01-01T00:00:00Z"),
        json!("2024-06-30T23:59:60Z"),
    ]);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, mask)| Change::Flip(at, mask)),
        (at(), at()).prop_map(|(a, b)| Change::Cut(a, b)),
        (at(), prop::collection::vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), at()).prop_map(|(a, b)| Change::Repeat(a, b)),
        (at(), words).prop_map(|(at, value)| Change::Replace(at, value)),
    ]
}

fn apply(payload: &mut Vec<u8>, change: &Change) {
    if payload.is_empty() {
        return;
    }
    let range = |a: &prop::sample::Index, b: &prop::sample::Index| {
        let (a, b) = (a.index(payload.len()), b.index(payload.len()));
        a.min(b)..a.max(b)
    };
    match change {
        Change::Flip(at, mask) => {
            let at = at.index(payload.len());
            payload[at] ^= mask;
        }
        Change::Cut(a, b) => drop(payload.drain(range(a, b))),
        Change::Insert(at, bytes) => {
            let at = at.index(payload.len());
            payload.splice(at..at, bytes.iter().copied());
        }
        Change::Repeat(a, b) => {
            let range = range(a, b);
            let (at, part) = (range.start, payload[range].to_vec());
            payload.splice(at..at, part);
        }
        Change::Replace(at, value) => replace(payload, at, value),
    }
}

/// Puts another value in the place of one of the document's.
fn replace(payload: &mut Vec<u8>, at: &prop::sample::Index, value: &Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Object(members) => members.values().map(count).sum::<usize>(),
            Value::Array(items) => items.iter().map(count).sum(),
            _ => 0,
        }
    }
    fn put(place: &mut Value, nth: &mut usize, value: &Value) {
        if *nth == 0 {
            *place = value.clone();
        }
        *nth = nth.wrapping_sub(1);
        match place {
            Value::Object(members) => members.values_mut().for_each(|member| put(member, nth, value)),
            Value::Array(items) => items.iter_mut().for_each(|item| put(item, nth, value)),
            _ => {}
        }
    }
    if let Ok(mut document) = serde_json::from_slice::<Value>(payload) {
        let mut nth = at.index(count(&document));
        put(&mut document, &mut nth, value);
        *payload = document.to_string().into_bytes();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_mutation_of_a_good_event_makes_reading_panic(
        family in any_family(),
        changes in prop::collection::vec(any_change(), 1..5),
    ) {
        let mut payload = compact(family).into_bytes();
        for change in &changes {
            apply(&mut payload, change);
        }
        match Event::read(&payload) {
            Err(error) => prop_assert!(!error.to_string().is_empty()),
            Ok(event) => {
                prop_assert!(event.claim.check().is_ok());
                let written = serde_json::to_string(&event.claim).unwrap();
                prop_assert_eq!(&Claim::read(event.claim.family(), &written).unwrap(), &event.claim);
            }
        }
        if let Ok(text) = std::str::from_utf8(&payload) {
            let _ = Claim::read_strict(family, text).map_err(|problems| problems.to_string());
        }
    }
}
