//! Documents and lists that nobody would write who means well: each is refused or cut with a word, nothing else is lost, and
//! nobody is asked who is not the provider.

use std::time::Duration;

use entente_exercise::csaf::{Layout, Provider};
use entente_schemas::event::PAYLOAD_MAX;
use entente_schemas::family::{Body, Family};
use entente_sidecar::ask::Told;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Bench, at, document, options, reading, reasons, said};

const RELEASED: &str = "2024-07-19T06:00:00Z";

/// Publishes this beside a good document, and gives what is said.
async fn beside_a_good_one(bodies: Vec<Vec<u8>>) -> (Bench, Vec<entente_schemas::event::Draft>) {
    let provider = Provider::new(Layout::Rolie);
    for (n, body) in bodies.into_iter().enumerate() {
        provider.publish(&format!("white/bad-{n}.json"), body, at(RELEASED));
    }
    provider.publish("white/good.json", document("GOOD-1", "1", RELEASED, json!([])), at("2024-07-01T00:00:00Z"));
    let patient = entente_vendor::Options { timeout: Duration::from_secs(30), ..options() };
    let mut bench = Bench::new(provider, patient).await;
    let drafts = bench.all().await;
    let good = said(&drafts).contains(&(Family::Advisory, "csaf.acme:GOOD-1"));
    assert!(good, "the good one is lost: {:?}", reasons(&drafts));
    (bench, drafts)
}

fn changed(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&document("BAD-1", "1", RELEASED, json!([]))).unwrap();
    change(&mut body);
    body.to_string().into_bytes()
}

#[tokio::test]
async fn what_is_no_document_is_refused_and_the_next_is_read() {
    let bodies = vec![
        Vec::new(),
        b"<html>log in</html>".to_vec(),
        b"{\"document\":".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        vec![0xff; 100],
        br#"{"document":{"tracking":{"id":"A","id":"B"}}}"#.to_vec(),
        changed(|body| body["document"]["tracking"]["id"] = json!("  ")),
        changed(|body| body["document"]["tracking"]["id"] = json!("x".repeat(600))),
        changed(|body| body["document"]["tracking"]["current_release_date"] = json!("1970-01-01T00:00:00Z")),
        changed(|body| body["document"]["tracking"]["current_release_date"] = Value::Null),
        changed(|body| body["product_tree"] = json!("none")),
        changed(|body| body["vulnerabilities"] = json!("all")),
        format!("{{\"document\":{}", "[".repeat(100_000)).into_bytes(),
    ];
    let count = bodies.len();
    let (bench, drafts) = beside_a_good_one(bodies).await;
    assert_eq!(reasons(&drafts).len(), count, "{:#?}", reasons(&drafts));
    assert!(bench.edge.health().last_good().is_some());
}

#[tokio::test]
async fn a_document_above_the_limit_is_refused_by_its_size() {
    let huge =
        changed(|body| body["document"]["notes"] = json!([{ "category": "other", "text": "x".repeat(33 << 20) }]));
    let (_, drafts) = beside_a_good_one(vec![huge]).await;
    assert!(reasons(&drafts)[0].contains("larger ones are not taken"), "{:?}", reasons(&drafts));
}

#[tokio::test]
async fn ten_thousand_products_a_thousand_remedies_and_circles_fit_the_bus() {
    let product =
        |n: usize| json!({ "name": format!("Product with a long name, number {n}"), "product_id": format!("P{n}") });
    let circle = |n: usize| {
        json!({ "category": "installed_on", "product_reference": format!("R{}", (n + 1) % 100),
                "relates_to_product_reference": format!("R{n}"),
                "full_product_name": { "name": format!("round {n}"), "product_id": format!("R{n}") } })
    };
    let ids: Vec<String> = (0..10_000).map(|n| format!("P{n}")).chain((0..100).map(|n| format!("R{n}"))).collect();
    let remedy = |n: usize| json!({ "category": "vendor_fix", "details": format!("fix {n}"), "group_ids": ["ALL"] });
    let body = changed(|body| {
        body["product_tree"] = json!({
            "full_product_names": (0..10_000).map(product).collect::<Vec<_>>(),
            "relationships": (0..100).map(circle).collect::<Vec<_>>(),
            "product_groups": [{ "group_id": "ALL", "product_ids": ids }],
        });
        body["vulnerabilities"] = json!([{
            "cve": "CVE-2024-1", "product_status": { "known_affected": ids },
            "remediations": (0..1_000).map(remedy).collect::<Vec<_>>(),
        }]);
    });
    let (_, drafts) = beside_a_good_one(vec![body]).await;
    assert_eq!(said(&drafts).iter().filter(|(_, id)| id.starts_with("csaf.acme:BAD-1/")).count(), 200);
    assert!(reasons(&drafts)[0].contains("900 entries"), "{:?}", reasons(&drafts));
    for draft in &drafts {
        assert!(serde_json::to_vec(&draft.claim).unwrap().len() < PAYLOAD_MAX);
        if let Body::Advisory(advisory) = &draft.claim.body {
            assert!(advisory.products.len() <= 200, "{}", advisory.products.len());
        }
    }
}

#[tokio::test]
async fn hundreds_of_parts_that_are_none_are_all_told_and_told_once() {
    let bad = |n: usize| json!({ "category": "vendor_fix", "number": n });
    let body = changed(|body| {
        body["vulnerabilities"] = json!([{ "remediations": (0..300).map(bad).collect::<Vec<_>>() }]);
    });
    let (mut bench, drafts) = beside_a_good_one(vec![body]).await;
    assert_eq!(reasons(&drafts).len(), 300);
    assert!(bench.asked("/bad-0.json") < 10);
    assert!(bench.all().await.is_empty());
}

#[tokio::test]
async fn texts_of_any_length_are_cut_with_a_note() {
    let long = "word ".repeat(100_000);
    let body = changed(|body| {
        body["document"]["title"] = json!(long);
        body["document"]["notes"] = json!([{ "category": "summary", "text": long }]);
        body["vulnerabilities"][0]["remediations"] = json!([{ "category": "workaround", "details": long, "entitlements": [long], "url": long,
                     "restart_required": { "category": "system", "details": long } }]);
        body["document"]["references"] =
            (0..5_000).map(|n| json!({ "url": format!("https://acme.example/{n}") })).collect();
    });
    let (_, drafts) = beside_a_good_one(vec![body]).await;
    assert_eq!(reasons(&drafts), Vec::<String>::new());
    let document = drafts.iter().find(|draft| draft.claim.header.object_id == "csaf.acme:BAD-1").unwrap();
    let trimmed = &document.claim.header.trimmed;
    assert!(trimmed.iter().any(|note| note.starts_with("title")), "{trimmed:?}");
    assert_eq!(said(&drafts).iter().filter(|(_, id)| *id == "csaf.acme:BAD-1/1").count(), 2);
}

#[tokio::test]
async fn nobody_but_the_provider_is_asked() {
    let trap = Provider::default().serve().await.unwrap();
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/good.json", document("GOOD-1", "1", RELEASED, json!([])), at(RELEASED));
    provider.publish("white/moved.json", document("MOVED-1", "1", RELEASED, json!([])), at(RELEASED));
    provider.list_foreign(&format!("{}/document.json", trap.url()));
    provider.list_foreign("http://169.254.169.254/latest/meta-data.json");
    provider.redirect("white/moved.json", &format!("{}/elsewhere.json", trap.url()));
    let mut bench = Bench::new(provider, options()).await;
    let drafts = bench.all().await;
    assert_eq!(said(&drafts).iter().filter(|(family, _)| *family == Family::Advisory).count(), 1);
    let reasons = reasons(&drafts);
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons.iter().all(|reason| reason.contains("no host") || reason.contains("plain http")), "{reasons:?}");
    assert_eq!(trap.calls().len(), 0);
}

#[tokio::test]
async fn metadata_that_are_none_are_said_so_and_read_once_they_are() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/good.json", document("GOOD-1", "1", RELEASED, json!([])), at(RELEASED));
    for (metadata, word) in [
        (&b"<html>"[..], "web page"),
        (b"{}", "no list"),
        (br#"{"distributions":[{"directory_url":"http://acme.example/"}]}"#, "plain http"),
    ] {
        let provider = Provider::new(Layout::Rolie);
        provider.set_metadata(metadata);
        let mut bench = Bench::new(provider, options()).await;
        let failure = bench.ask().await.unwrap_err();
        assert!(failure.error.text.contains(word), "{failure:?}");
    }
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(said(&bench.all().await).len(), 1);
}

/// JSON of any shape, with the names that documents use.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z0-9 :.*<|>\u{e4}\u{202e}-]{0,20}".prop_map(Value::from),
        Just(json!("2024-07-19T06:00:00Z")),
        Just(json!("vendor_fix")),
        Just(json!("draft")),
    ];
    let name = prop::sample::select(vec![
        "document",
        "tracking",
        "id",
        "status",
        "current_release_date",
        "version",
        "title",
        "category",
        "notes",
        "text",
        "references",
        "url",
        "distribution",
        "tlp",
        "label",
        "product_tree",
        "branches",
        "name",
        "product",
        "product_id",
        "full_product_names",
        "relationships",
        "full_product_name",
        "product_reference",
        "product_groups",
        "group_id",
        "product_ids",
        "vulnerabilities",
        "cve",
        "remediations",
        "details",
        "date",
        "restart_required",
        "entitlements",
    ]);
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever stands in a document's place, it is said or refused, the bus takes what is said, and the next poll is quiet.
    #[test]
    fn any_document_is_said_or_refused_and_never_twice(part in anything(), place in 0..6_usize) {
        let body = changed(|body| match place {
            0 => *body = part,
            1 => body["document"] = part,
            2 => body["document"]["tracking"]["id"] = part,
            3 => body["product_tree"] = part,
            4 => body["vulnerabilities"] = part,
            _ => body["vulnerabilities"][0]["remediations"] = json!([part, { "category": "workaround", "details": "Wait." }]),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut bench, drafts) = beside_a_good_one(vec![body]).await;
            assert!(drafts.len() > 1, "neither said nor refused");
            assert!(bench.all().await.is_empty());
        });
    }

    /// A list of any bytes is read or refused, and one line of it costs no other.
    #[test]
    fn any_line_of_a_list_costs_only_itself(line in "[^\r\n\"]{0,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let provider = Provider::new(Layout::Folder);
            provider.publish("white/good.json", document("GOOD-1", "1", RELEASED, json!([])), at(RELEASED));
            provider.publish(&format!("white/{line}"), "{}", at(RELEASED));
            let mut bench = Bench::new(provider, options()).await;
            let told = bench.ask().await;
            let told = match told { Ok(Told::Reading(_)) => reading(told), other => panic!("{other:?}") };
            assert_eq!(told.items.len(), 1, "{told:?}");
        });
    }
}
