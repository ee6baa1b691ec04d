//! What a document comes to: written by hand beside it, claim by claim.

use chrono::TimeDelta;
use entente_exercise::csaf::{Layout, Provider};
use entente_schemas::event::Draft;
use entente_schemas::family::{AdvisoryCategory, Body, Family};
use entente_schemas::tlp::Tlp;
use entente_sidecar::item::UnmappedWord;
use entente_vendor::Options;
use serde_json::{Value, json};

use crate::support::{Bench, at, document, options, reading, reasons, said};

const RELEASED: &str = "2024-07-19T06:00:00Z";

/// What is said of a fixture.
async fn claims(case: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let body = std::fs::read(format!("{folder}/{case}.in.json")).unwrap();
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/case.json", body, at("2024-07-19T06:30:00Z"));
    let mut bench = Bench::new(provider, options()).await;
    let drafts = bench.all().await;
    let told = drafts.iter().filter(|draft| draft.claim.family() != Family::Feed).map(|draft| {
        let mut claim = serde_json::to_value(&draft.claim).unwrap();
        claim["times"].as_object_mut().unwrap().remove("observed_at");
        json!({ "family": draft.claim.family().to_string(), "tlp": draft.tlp.to_string(), "claim": claim })
    });
    let told = Value::Array(told.collect()).to_string().replace(&bench.served.url(), "https://acme.example");
    serde_json::from_str(&told).unwrap()
}

async fn compare(case: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let expected = std::fs::read(format!("{folder}/{case}.out.json")).unwrap_or_else(|_| b"[]".to_vec());
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let found = claims(case).await;
    assert_eq!(found, expected, "{}", serde_json::to_string_pretty(&found).unwrap());
}

#[tokio::test]
async fn a_workaround_and_a_fix_arrive_as_advice_and_as_approaches() {
    compare("workaround").await;
}

#[tokio::test]
async fn a_coordinator_s_statement_on_others_products_names_their_vendor() {
    compare("coordinator").await;
}

#[tokio::test]
async fn words_of_tomorrow_and_parts_that_are_none_cost_only_themselves() {
    compare("words").await;
}

async fn told(path: &str, body: Vec<u8>, open_to_all: bool) -> (Bench, Vec<Draft>) {
    let provider = Provider::new(Layout::Rolie);
    provider.publish(path, body, at("2024-07-19T06:30:00Z"));
    let mut bench = Bench::new(provider, Options { open_to_all, ..options() }).await;
    let drafts = bench.all().await;
    (bench, drafts)
}

fn marked(label: Option<&str>) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&document("SECRET-1", "1", RELEASED, json!([]))).unwrap();
    if let Some(label) = label {
        body["document"]["distribution"] = json!({ "tlp": { "label": label } });
    }
    body.to_string().into_bytes()
}

#[tokio::test]
async fn what_is_marked_for_few_is_never_told_to_all_and_not_even_named() {
    for (path, label) in [("white/s.json", Some("AMBER")), ("white/s.json", Some("TLP:RED")), ("amber/s.json", None)] {
        let (bench, drafts) = told(path, marked(label), true).await;
        let reasons = reasons(&drafts);
        assert_eq!(reasons.len(), 1, "{label:?}: {reasons:?}");
        assert!(reasons[0].contains("only a sharing group may read"), "{reasons:?}");
        for draft in &drafts {
            let text = serde_json::to_string(&draft.claim).unwrap();
            assert!(!text.contains("SECRET") && !text.contains("s.json"), "{text}");
        }
        assert_eq!(bench.asked("s.json"), usize::from(label.is_some()), "a list for few is not asked at all");
    }
    let (_, drafts) = told("white/s.json", marked(Some("PURPLE")), true).await;
    assert!(reasons(&drafts)[0].contains("no label of the Traffic Light Protocol"), "{drafts:?}");
}

#[tokio::test]
async fn a_marking_is_kept_and_that_of_the_list_holds_for_what_has_none() {
    for (path, label, expected) in [
        ("green/s.json", None, Tlp::Green),
        ("white/s.json", Some("GREEN"), Tlp::Green),
        ("amber/s.json", Some("WHITE"), Tlp::Clear),
        ("amber/s.json", None, Tlp::Amber),
        ("red/s.json", Some("AMBER+STRICT"), Tlp::AmberStrict),
    ] {
        let provider = Provider::new(Layout::Rolie);
        provider.publish(path, marked(label), at("2024-07-19T06:30:00Z"));
        let mut bench = Bench::new(provider, Options { open_to_all: false, ..options() }).await;
        assert_eq!(reading(bench.ask().await).items[0].tlp, Some(expected), "{path} {label:?}");
    }
}

#[tokio::test]
async fn a_document_without_a_marking_in_a_list_of_such_is_told() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("unlabeled/s.json", marked(None), at("2024-07-19T06:30:00Z"));
    let mut bench = Bench::new(provider, options()).await;
    let told = reading(bench.ask().await);
    assert_eq!((told.items.len(), told.refused), (1, Vec::new()));
    assert_eq!(told.items[0].tlp, None);
}

#[tokio::test]
async fn products_that_are_spared_are_told_as_spared_and_not_as_hit() {
    let of = |statuses: Value| {
        let mut body: Value = serde_json::from_slice(&document("ACME-1", "1", RELEASED, json!([]))).unwrap();
        body["document"]["category"] = json!("csaf_vex");
        body["product_tree"] = json!({ "full_product_names": [
            { "name": "Agent 7.15", "product_id": "OLD" }, { "name": "Agent 7.16", "product_id": "NEW" } ] });
        body["vulnerabilities"][0]["product_status"] = statuses;
        body["vulnerabilities"][0]["flags"] = json!([{ "label": "component_not_present", "product_ids": ["NEW"] }, 7]);
        body
    };
    for (statuses, products, line) in [
        (
            json!({ "known_not_affected": ["OLD", "NEW"] }),
            vec![],
            Some("CVE-2024-0042: not affected: Agent 7.15, Agent 7.16 (component not present)"),
        ),
        (
            json!({ "known_affected": ["OLD"], "known_not_affected": ["NEW"] }),
            vec!["Agent 7.15"],
            Some("not affected: Agent 7.16"),
        ),
        (json!({ "under_investigation": ["OLD"] }), vec!["Agent 7.15"], Some("under investigation: Agent 7.15")),
        (
            json!({ "fixed": ["NEW"], "known_not_affected": ["OLD"] }),
            vec!["Agent 7.16"],
            Some("not affected: Agent 7.15"),
        ),
        (json!({ "first_fixed": ["NEW"] }), vec!["Agent 7.16"], None),
        (Value::Null, vec!["Agent 7.15", "Agent 7.16"], None),
    ] {
        let (_, drafts) = told("white/a.json", of(statuses.clone()).to_string().into_bytes(), true).await;
        let Body::Advisory(advisory) = &drafts[0].claim.body else { panic!("{drafts:?}") };
        assert_eq!(advisory.products, products, "{statuses}");
        let text = advisory.text.clone().unwrap_or_default();
        assert!(line.map_or(text.is_empty(), |line| text.contains(line)), "{statuses}: {text}");
    }
}

#[tokio::test]
async fn scores_threats_notes_of_a_vulnerability_and_the_last_change_are_told() {
    let mut body: Value = serde_json::from_slice(&document("ACME-1", "2", RELEASED, json!([]))).unwrap();
    body["document"]["tracking"]["revision_history"] = json!([
        { "number": "1", "date": "2024-07-18T06:00:00Z", "summary": "first" },
        { "number": "2", "date": RELEASED, "summary": "a fix" }, { "date": RELEASED } ]);
    let score = |base: f64, word: &str| json!({ "products": ["A"], "cvss_v3": { "version": "3.1", "baseScore": base, "baseSeverity": word } });
    let exploited = json!({ "category": "exploit_status", "details": "exploited" });
    body["vulnerabilities"] = json!([
        { "cve": "CVE-2024-1", "title": "A hole", "scores": [score(5.3, "MEDIUM"), 7, score(9.8, "CRITICAL")],
          "threats": [exploited, exploited, {}],
          "notes": [{ "category": "description", "text": "It reads too far." }, { "category": "legal_disclaimer", "text": "No." }, 7] },
        { "cve": "CVE-2024-2", "metrics": [{ "content": { "cvss_v4": { "baseScore": 10, "baseSeverity": "CRITICAL" } } }] } ]);
    let (_, drafts) = told("white/a.json", body.to_string().into_bytes(), true).await;
    let Body::Advisory(advisory) = &drafts[0].claim.body else { panic!("{drafts:?}") };
    let expected = format!(
        "Version 2 ({RELEASED}): a fix\n\nCVE-2024-1: A hole; CVSS 9.8 CRITICAL\nCVE-2024-1: exploit status: exploited\n\
         CVE-2024-2: CVSS 10 CRITICAL\n\nCVE-2024-1\nIt reads too far."
    );
    assert_eq!(advisory.text.as_deref(), Some(expected.as_str()));
    assert_eq!(drafts[0].claim.header.native.as_ref().unwrap().severity.as_deref(), Some("10 CRITICAL"));
    assert_eq!(reasons(&drafts).len(), 3, "what is none is told, the same once: {:?}", reasons(&drafts));
}

#[tokio::test]
async fn a_draft_is_refused_with_a_word_and_taken_once_it_is_none() {
    let mut body: Value = serde_json::from_slice(&document("ACME-1", "0.1", RELEASED, json!([]))).unwrap();
    body["document"]["tracking"]["status"] = json!("draft");
    let (mut bench, drafts) = told("white/a.json", body.to_string().into_bytes(), true).await;
    assert!(reasons(&drafts)[0].contains("is a draft"), "{drafts:?}");
    let later = "2024-07-19T06:50:00Z";
    bench.provider.publish("white/a.json", document("ACME-1", "1", later, json!([])), at(later));
    bench.later(TimeDelta::minutes(6));
    assert_eq!(said(&bench.all().await), [(Family::Advisory, "csaf.acme:ACME-1")]);
}

#[tokio::test]
async fn what_a_vendor_takes_back_is_said_to_be_taken_back() {
    let remedies = json!([{ "category": "workaround", "details": "Delete it." }, { "category": "none_available", "details": "No fix." }]);
    let (mut bench, _) = told("white/a.json", document("ACME-1", "1", RELEASED, remedies.clone()), true).await;
    let publish = |bench: &Bench, version: &str, minute: u8, change: &dyn Fn(&mut Value)| {
        let time = format!("2024-07-19T06:{minute}:00Z");
        let mut body: Value = serde_json::from_slice(&document("ACME-1", version, &time, remedies.clone())).unwrap();
        change(&mut body);
        bench.provider.publish("white/a.json", body.to_string().into_bytes(), at(&time));
    };
    publish(&bench, "2", 41, &|body| body["document"]["category"] = json!("csaf_withdrawn"));
    let drafts = bench.all().await;
    let expected = [
        (Family::Advisory, "csaf.acme:ACME-1"),
        (Family::Advisory, "csaf.acme:ACME-1/1"),
        (Family::Approach, "csaf.acme:ACME-1/1"),
        (Family::Advisory, "csaf.acme:ACME-1/2"),
    ];
    assert_eq!(said(&drafts), expected);
    let Body::Advisory(document) = &drafts[0].claim.body else { panic!() };
    assert_eq!((document.title.as_str(), document.category), ("Withdrawn: about ACME-1", AdvisoryCategory::Statement));
    let Body::Approach(approach) = &drafts[2].claim.body else { panic!() };
    assert_eq!(approach.name, "Delete it.");
    assert!(approach.cautions[0].text.starts_with("withdrawn by its publisher"), "{approach:?}");
    publish(&bench, "3", 42, &|body| body["vulnerabilities"][0]["remediations"] = json!([remedies[1]]));
    let drafts = bench.all().await;
    assert_eq!(said(&drafts).len(), 4, "the one is back under its number, the other is still gone");
    let Body::Advisory(back) = &drafts[1].claim.body else { panic!("{drafts:?}") };
    assert_eq!((drafts[1].claim.header.object_id.as_str(), back.title.as_str()), ("csaf.acme:ACME-1/2", "No fix."));
    let Body::Advisory(gone) = &drafts[2].claim.body else { panic!("{drafts:?}") };
    assert_eq!(drafts[2].claim.header.object_id, "csaf.acme:ACME-1/1");
    assert_eq!(gone.title, "No longer given: Delete it.");
    publish(&bench, "4", 43, &|_| {});
    let back = bench.all().await;
    assert_eq!(said(&back), expected[..3], "and it may come back");
    assert!(back.iter().all(|draft| draft.claim.header.rev == 4));
}

#[tokio::test]
async fn words_that_the_table_does_not_list_are_told() {
    let body = document("ACME-1", "1", RELEASED, json!([{ "category": "prayer", "details": "Hope." }]));
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/a.json", body, at(RELEASED));
    let mut bench = Bench::new(provider, options()).await;
    let unmapped = reading(bench.ask().await).unmapped;
    let word = UnmappedWord {
        field: "remediations.category".into(),
        word: "prayer".into(),
        read_as: AdvisoryCategory::Statement.to_string(),
    };
    assert_eq!(unmapped.get(&word), Some(&1), "{unmapped:?}");
}
