//! The ladder: whatever an accepted item holds, its claim ends below 64 KiB, the same bytes every time, every cut noted,
//! and readers take what is left.

use entente_schemas::block::{Asset, Block, BlockState, ServiceClass, Severity};
use entente_schemas::check::Problems;
use entente_schemas::event::{Draft, Event, PAYLOAD_MAX};
use entente_schemas::family::{Body, Claim, Family, Impact};
use entente_schemas::header::{Ref, RefKind, Relation};
use entente_schemas::trim::fit;
use serde_json::json;

use crate::making::{draft, good, place, source};

fn impact() -> Draft {
    draft(Claim::read(Family::Impact, &good(Family::Impact)["data"].to_string()).unwrap())
}

fn body(draft: &mut Draft) -> &mut Impact {
    match &mut draft.claim.body {
        Body::Impact(impact) => impact,
        other => panic!("{other:?}"),
    }
}

fn names(kind: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{kind} number {number}")).collect()
}

fn block(class: usize, services: Vec<String>, regions: Vec<String>) -> Block {
    Block {
        provider: "aws".into(),
        service_class: ServiceClass::WORDS[class % ServiceClass::WORDS.len()].parse().unwrap(),
        services,
        regions,
        zones: Vec::new(),
        state: BlockState::AffectedDegraded,
        severity: Severity::Major,
        layer: None,
        asset: None,
    }
}

/// Fits the draft twice, checks what must hold always, and gives back what was read of it.
fn fitted(draft: &Draft) -> Event {
    let source = source();
    let whole = draft.seal(place(&source));
    assert!(whole.is_err(), "the case is not above the limit");
    let (mut first, mut second) = (draft.clone(), draft.clone());
    let bytes = fit(&mut first, place(&source)).unwrap();
    assert!(bytes.len() <= PAYLOAD_MAX, "{}", bytes.len());
    assert_eq!(fit(&mut second, place(&source)).unwrap(), bytes, "the same bytes every time");
    assert_eq!(fit(&mut first.clone(), place(&source)).unwrap(), bytes, "what fits is not trimmed again");
    let event = Event::read(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(event.claim, first.claim);
    assert_eq!(event.claim.check_strict(), Ok(()), "publishers' rules hold for what is left");
    assert!(!event.claim.header.trimmed.is_empty(), "nothing is noted");
    event
}

fn trimmed(event: &Event) -> Vec<&str> {
    event.claim.header.trimmed.iter().map(String::as_str).collect()
}

#[test]
fn a_thousand_services_in_a_hundred_regions() {
    let mut draft = impact();
    body(&mut draft).blocks = vec![block(0, names("service with a long name", 1_000), names("region", 100))];
    body(&mut draft).summary = Some("s".repeat(4_000));
    draft.claim.header.refs = (0..400).map(|n| reference(&format!("bulletin {n} {}", "x".repeat(60)))).collect();
    let event = fitted(&draft);
    assert_eq!(
        trimmed(&event),
        ["summary: left out, it stands in the notice", "services: replaced by count and digest in 1 blocks"]
    );
    let block = &event.claim.impact().unwrap().blocks[0];
    assert!(block.services[0].starts_with("(1000 services, sha256 "), "{:?}", block.services);
    assert_eq!(block.regions.len(), 100, "what need not go stays");
    assert_eq!(event.claim.header.refs.len(), 400);
}

#[test]
fn a_block_for_each_of_a_thousand_services_in_each_of_a_hundred_regions() {
    let mut draft = impact();
    let blocks =
        (0..100_000).map(|n| block(n, vec![format!("service {}", n / 100)], vec![format!("region {}", n % 100)]));
    body(&mut draft).blocks = blocks.collect();
    let event = fitted(&draft);
    let classes = ServiceClass::WORDS.len();
    assert_eq!(event.claim.impact().unwrap().blocks.len(), classes);
    assert!(trimmed(&event).contains(&format!("blocks: 100000 merged to {classes} by class and state").as_str()));
}

#[test]
fn merging_keeps_the_greatest_severity_and_drops_what_differs() {
    let mut draft = impact();
    let mut blocks: Vec<Block> =
        (0..3_000).map(|n| block(0, vec![format!("service {n}")], vec!["eu-1".into()])).collect();
    blocks[1_500].severity = Severity::Critical;
    blocks[7].asset = Some(Asset { product: Some("agent".into()), ..Asset::default() });
    body(&mut draft).blocks = blocks;
    let event = fitted(&draft);
    let [block] = event.claim.impact().unwrap().blocks.as_slice() else { panic!() };
    assert_eq!(
        (block.severity, &block.asset, block.regions.as_slice()),
        (Severity::Critical, &None, &["eu-1".to_owned()][..])
    );
}

#[test]
fn zones_give_way_to_their_regions() {
    let mut draft = impact();
    let mut one = block(0, vec!["machines".into()], names("region", 40));
    one.zones = names("zone of some region with a long name", 2_000);
    body(&mut draft).blocks = vec![one];
    let event = fitted(&draft);
    let block = &event.claim.impact().unwrap().blocks[0];
    assert_eq!((block.zones.len(), block.regions.len()), (0, 40));
    assert!(trimmed(&event).contains(&"zones: 2000 replaced by their regions"));
}

#[test]
fn every_class_and_state_with_thousands_of_services_and_regions() {
    let mut draft = impact();
    let states = ["affected_degraded", "affected_partial", "affected_unavailable", "restoring", "restored", "unknown"];
    body(&mut draft).blocks = (0..23 * states.len())
        .map(|n| {
            let mut one = block(n, names("service", 300), names("region", 300));
            one.state = states[n % states.len()].parse().unwrap();
            one.provider = format!("vendor-{n}");
            one
        })
        .collect();
    let event = fitted(&draft);
    assert_eq!(event.claim.impact().unwrap().blocks.len(), 23 * states.len(), "no block goes while others help");
    assert!(trimmed(&event).iter().any(|note| note.starts_with("regions: replaced by count and digest")));
}

fn reference(value: &str) -> Ref {
    Ref { kind: RefKind::Url, value: value.to_owned(), relation: Relation::Related }
}

#[test]
fn lists_of_references_and_symptoms_are_cut_from_their_ends() {
    let mut draft = impact();
    draft.claim.header.refs = (0..500).map(|n| reference(&format!("{n:03} {}", "é\"".repeat(900)))).collect();
    body(&mut draft).symptoms = names("symptom", 100_000);
    let event = fitted(&draft);
    let refs = &event.claim.header.refs;
    assert!(!refs.is_empty(), "what has room stays");
    assert!(refs.iter().enumerate().all(|(n, kept)| kept.value.starts_with(&format!("{n:03} "))));
    assert!(trimmed(&event).contains(&"symptoms: 0 of 100000"));
    assert!(trimmed(&event).contains(&format!("refs: {} of 500", refs.len()).as_str()));
}

#[test]
fn a_notice_of_characters_of_four_bytes() {
    let claim = Claim::read(Family::Notice, &good(Family::Notice)["data"].to_string()).unwrap();
    for text in ["𝄞".repeat(32_000), "\u{1}".repeat(32_000), "\"\n".repeat(8_000) + &"€".repeat(16_000)] {
        let mut draft = draft(claim.clone());
        let Body::Notice(notice) = &mut draft.claim.body else { panic!() };
        notice.text.clone_from(&text);
        assert_eq!(draft.claim.check(), Ok::<(), Problems>(()));
        let event = fitted(&draft);
        let Body::Notice(notice) = &event.claim.body else { panic!() };
        assert!(text.starts_with(&notice.text));
        let kept = notice.text.chars().count();
        assert_eq!(trimmed(&event), [format!("text: {kept} of 32000 characters")]);
        let room = PAYLOAD_MAX - event_bytes(&draft, &event);
        assert!(room < 1_000, "{room} bytes were cut for nothing");
    }
}

fn event_bytes(draft: &Draft, event: &Event) -> usize {
    let source = source();
    Draft { claim: event.claim.clone(), ..draft.clone() }.seal(place(&source)).unwrap().len()
}

#[test]
fn an_advisory_with_a_long_text_and_long_lists() {
    let mut claim = good(Family::Advisory)["data"].clone();
    claim["text"] = json!("𝄞".repeat(32_000));
    claim["products"] = json!(names("product", 5_000));
    claim["documents"] = json!(vec![json!({"url": format!("https://vendor.example/{}", "a".repeat(1_900))}); 60]);
    let event = fitted(&draft(Claim::read_strict(Family::Advisory, &claim.to_string()).unwrap()));
    assert!(trimmed(&event).iter().any(|note| note.starts_with("products: 0 of 5000")));
    assert!(trimmed(&event).iter().any(|note| note.starts_with("text: ")));
}

#[test]
fn words_and_addresses_longer_than_any_real_one() {
    let long = "w".repeat(70_000);
    for (family, pointer, path) in [
        (Family::Impact, "/native/url", "native.url"),
        (Family::Impact, "/native/status", "native.status"),
        (Family::Impact, "/blocks/0/asset/product", "asset"),
        (Family::Impact, "/blocks/0/services/0", "services"),
        (Family::Notice, "/url", "url"),
        (Family::Notice, "/native_status", "native_status"),
        (Family::Feed, "/reason", "text"),
        (Family::Feed, "/address", "address"),
        (Family::Rejected, "/reason", "text"),
        (Family::Rejected, "/position", "position"),
    ] {
        let mut claim = good(family)["data"].clone();
        *claim.pointer_mut(pointer).unwrap() = json!(long);
        let event = fitted(&draft(Claim::read(family, &claim.to_string()).unwrap()));
        assert!(
            trimmed(&event).iter().any(|note| note.starts_with(&format!("{path}: "))),
            "{path}: {:?}",
            trimmed(&event)
        );
    }
}

#[test]
fn thousands_of_vendors_in_one_item() {
    let mut draft = impact();
    body(&mut draft).blocks = (0..5_000)
        .map(|n| Block { provider: format!("vendor-{n}"), ..block(n, vec!["service".into()], vec!["region".into()]) })
        .collect();
    let event = fitted(&draft);
    let kept = event.claim.impact().unwrap().blocks.len();
    assert!(kept > 100, "{kept}");
    assert!(trimmed(&event).contains(&format!("blocks: {kept} of 5000").as_str()), "{:?}", trimmed(&event));
}

#[test]
fn what_a_person_wrote_is_cut_in_its_text_only() {
    let mut claim = good(Family::Message)["data"].clone();
    claim["text"] = json!("𝄞".repeat(32_000));
    let event = fitted(&draft(Claim::read_strict(Family::Message, &claim.to_string()).unwrap()));
    assert_eq!(trimmed(&event).len(), 1);
    let mut claim = good(Family::Remediation)["data"].clone();
    let arm = claim["arms"][0].clone();
    claim["arms"] = json!(vec![arm; 1_000]);
    let mut draft = draft(Claim::read_strict(Family::Remediation, &claim.to_string()).unwrap());
    let error = fit(&mut draft, place(&source())).unwrap_err().to_string();
    assert!(error.contains("at most 65536"), "figures are never left out in silence: {error}");
}
