//! Whatever Azure writes, in whatever shape: nothing of whose account it is leaves the sidecar, and nothing makes it fall over.

use entente_sidecar::mapping::Lookup;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::availability::{Way, notification, status, words};
use crate::matter::{Desk, alert, emerging, event, reading};
use crate::scrub::scrub;

/// What may stand anywhere in what Azure writes, and must not leave.
#[derive(Clone, Debug)]
struct Secrets {
    subscription: String,
    name: String,
    group: String,
    signature: String,
}

fn secrets() -> impl Strategy<Value = Secrets> {
    let guid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    (guid, "vm[0-9]{9}", "rg[0-9]{9}", "[0-9A-Za-z]{24}").prop_map(|(subscription, name, group, signature)| Secrets {
        subscription,
        name,
        group,
        signature,
    })
}

impl Secrets {
    fn id(&self, upper: bool) -> String {
        let provider = "Microsoft.Compute/virtualMachines";
        let id = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{provider}/{}",
            self.subscription, self.group, self.name
        );
        if upper { id.to_uppercase() } else { id }
    }

    fn text(&self) -> String {
        format!(
            "<p>See {} (subscription {}) at https://{}.blob.core.windows.net/x?sv=1&amp;sig={}</p>",
            self.id(false),
            self.subscription,
            self.name,
            self.signature
        )
    }

    fn stand_in(&self, said: &str) -> bool {
        let said = said.to_lowercase();
        let all = [&self.subscription, &self.name, &self.group, &self.signature];
        all.iter().any(|secret| said.contains(&secret.to_lowercase()))
    }
}

/// All that a feed would say of a reading, as it would be written.
fn said(reading: Reading) -> String {
    let feed = profile("azure-push", "azure.push", Relay::Polled);
    let source =
        Source { org: "bank".to_owned(), feed: feed.slug.clone(), instance: "01HZZZZZZZZZZZZZZZZZZZZZZZ".to_owned() };
    let mut edge = Edge::new(feed, source, "test", "gabcdefghijklmnop", "azure-push");
    let drafts = edge.answered(Ok(reading), Utc::now()).drafts;
    let beat = edge.beat(entente_sidecar::edge::Surroundings::default(), Utc::now());
    let claims: Vec<_> = drafts.iter().map(|draft| serde_json::to_string(&draft.claim).unwrap()).collect();
    format!("{}{}", claims.join("\n"), serde_json::to_string(&beat).unwrap())
}

fn told(matters: Vec<Result<crate::matter::Matter, entente_sidecar::item::Refusal>>) -> String {
    said(reading(
        matters,
        Desk { system: "azure.service_health", channel: "x", audience: "customers", whole: true },
        Utc::now(),
    ))
}

fn refusal(error: &impl ToString) -> entente_sidecar::item::Refusal {
    entente_sidecar::decode::refuse_item(crate::scrub::scrub(&error.to_string()), "event 1", b"x")
}

fn service_event(secrets: &Secrets, kind: &str) -> Value {
    let time = "2026-11-25T14:45:48.1203530Z";
    json!({"name": "AAAA-001", "properties": {
        "eventType": kind, "status": "Active", "title": secrets.text(), "summary": secrets.text(),
        "header": secrets.text(), "lastUpdateTime": time, "impactStartTime": time,
        "recommendedActions": {"actions": [{"actionText": secrets.text()}]},
        "article": {"articleContent": secrets.text()},
        "impact": [{"impactedService": "Virtual Machines", "impactedRegions": [{"impactedRegion": "West US",
            "impactedSubscriptions": [secrets.subscription], "impactedTenants": [secrets.subscription],
            "updates": [{"summary": secrets.text(), "updateDateTime": time}]}]}]}})
}

fn availability(secrets: &Secrets, upper: bool) -> Value {
    json!({"id": format!("{}/providers/Microsoft.ResourceHealth/AvailabilityStatueses/current", secrets.id(upper)),
        "location": "eastus", "properties": {"availabilityState": "Unavailable", "summary": secrets.text(),
            "reasonType": "Unplanned", "occuredTime": "2026-11-25T14:45:48.1203530Z"}})
}

/// Replaces one member or element, anywhere.
fn edited(value: &mut Value, place: &mut usize, by: &Value) {
    if *place == 0 {
        *value = by.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| edited(member, place, by)),
        Value::Array(list) => list.iter_mut().for_each(|element| edited(element, place, by)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_a_matter_tells_whose_it_is(secrets in secrets(), kind in "ServiceIssue|HealthAdvisory|SecurityAdvisory|RCA") {
        let matter = event(service_event(&secrets, &kind), Utc::now()).map_err(|error| refusal(&error));
        let said = told(vec![matter]);
        prop_assert!(said.contains("AAAA-001") && !secrets.stand_in(&said), "{said}");
    }

    #[test]
    fn nothing_of_an_emerging_issue_or_an_alert_does(secrets in secrets()) {
        let page = json!({"statusActiveEvents": [{"title": secrets.text(), "description": secrets.text(), "trackingId": "A-1"}],
            "statusBanners": [{"title": secrets.text(), "message": secrets.text()}]});
        let matters = emerging(page, Utc::now()).unwrap().into_iter().map(|matter| matter.map_err(|(error, _)| refusal(&error)));
        prop_assert!(!secrets.stand_in(&told(matters.collect())));
        let log = json!({"eventSource": "ServiceHealth", "subscriptionId": secrets.subscription, "properties": {
            "title": secrets.text(), "communication": secrets.text(), "trackingId": "A-1", "incidentType": "Incident",
            "impactedServices": "[]", "stage": "Active"}, "eventTimestamp": "2026-11-25T14:45:48.1203530Z"});
        let posted = alert(json!({"data": {"context": {"activityLog": log}}}), Utc::now()).unwrap();
        let crate::matter::Alert::Matter(matter) = posted else { panic!("no matter") };
        prop_assert!(!secrets.stand_in(&told(vec![Ok(*matter)])));
    }

    #[test]
    fn nothing_of_a_resource_does_and_its_name_is_hidden_on_disk(secrets in secrets(), upper in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let hidden = Secret::in_file(&folder.path().join("hide")).unwrap();
        let book = Book::open(folder.path(), hidden).unwrap();
        let report = status(availability(&secrets, upper), Utc::now()).unwrap();
        let mut lookup = Lookup::new(words());
        book.note(&report, &mut lookup, Way::Told, Utc::now());
        let items = book.items("main", Utc::now()).unwrap();
        book.keep(Utc::now()).unwrap();
        let reading = Reading { items, unmapped: lookup.into_unmapped(), ..Reading::default() };
        prop_assert_eq!(reading.items.len(), 1);
        prop_assert!(!secrets.stand_in(&said(reading)));
        prop_assert!(!secrets.stand_in(&std::fs::read_to_string(folder.path().join("availability.json")).unwrap()));
        prop_assert!(!secrets.stand_in(&format!("{report:?}")), "nor does a line of the log");
        // The same machine in another spelling is the same.
        book.note(&status(availability(&secrets, !upper), Utc::now()).unwrap(), &mut Lookup::new(words()), Way::Told, Utc::now());
        prop_assert_eq!(book.hint(&crate::resource::resource(&secrets.id(false)), Utc::now()).is_some(), true);
    }

    #[test]
    fn whatever_stands_anywhere_is_taken_or_refused_and_never_tells(
        secrets in secrets(),
        place in 0_usize..40,
        by in prop_oneof![
            Just(Value::Null), Just(json!([])), Just(json!({})), Just(json!(-7.5)), Just(json!("")), Just(json!("\u{0}<\u{feff}")),
            Just(json!(["x", {"y": null}])),
        ],
        secret_itself in any::<bool>(),
    ) {
        let by = if secret_itself { Value::String(secrets.id(false)) } else { by };
        let mut raw = service_event(&secrets, "ServiceIssue");
        edited(&mut raw, &mut place.clone(), &by);
        let matter = event(raw, Utc::now()).map_err(|error| refusal(&error));
        let said_of_it = told(vec![matter]);
        prop_assert!(!secrets.stand_in(&said_of_it), "{said_of_it}");
        let mut raw = availability(&secrets, false);
        edited(&mut raw, &mut place.clone(), &by);
        match status(raw.clone(), Utc::now()) {
            Ok(report) => {
                let folder = tempfile::tempdir().unwrap();
                let book = Book::open(folder.path(), Secret::in_file(&folder.path().join("hide")).unwrap()).unwrap();
                let mut lookup = Lookup::new(words());
                book.note(&report, &mut lookup, Way::Asked, Utc::now());
                let items = book.items("main", Utc::now()).unwrap();
                let told = said(Reading { items, unmapped: lookup.into_unmapped(), ..Reading::default() });
                prop_assert!(!secrets.stand_in(&told), "{told}");
            }
            Err(reason) => prop_assert!(!secrets.stand_in(&scrub(&reason)), "{reason}"),
        }
        if let Err(reason) = notification(json!({"resourceInfo": raw}), Utc::now()) {
            prop_assert!(!secrets.stand_in(&scrub(&reason)), "{reason}");
        }
    }
}

#[test]
fn digests_of_a_matter_do_not_hang_on_the_order_of_its_parts() {
    let secrets = Secrets { subscription: "s".into(), name: "n".into(), group: "g".into(), signature: "x".into() };
    let digest = |raw: Value| {
        let matter = event(raw, Utc::now()).unwrap();
        let desk = Desk { system: "azure.service_health", channel: "x", audience: "customers", whole: true };
        reading([Ok(matter)], desk, Utc::now()).items[0].native.digest.clone()
    };
    let mut raw = service_event(&secrets, "ServiceIssue");
    let regions = json!([{"impactedRegion": "East US"}, {"impactedRegion": "West US"}]);
    raw["properties"]["impact"][0]["impactedRegions"] = regions;
    let one = digest(raw.clone());
    let regions = json!([{"impactedRegion": "West US"}, {"impactedRegion": "East US"}]);
    raw["properties"]["impact"][0]["impactedRegions"] = regions;
    assert_eq!(digest(raw.clone()), one);
    raw["properties"]["title"] = "another".into();
    assert_ne!(digest(raw), one);
}
