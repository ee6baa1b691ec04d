//! What is asked for and when: what is new, once, whichever way the provider lists it; a failure costs no more than itself.

use std::time::Duration;

use chrono::TimeDelta;
use entente_exercise::Fault;
use entente_exercise::csaf::{Hashes, Layout, METADATA, Provider};
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Family, FeedState};
use entente_sidecar::ask::Told;
use entente_sidecar::poll::Settled;
use serde_json::json;

use crate::support::{Bench, at, document, options, reading, reasons, said};

const RELEASED: &str = "2024-07-19T06:00:00Z";

fn wait() -> serde_json::Value {
    json!([{ "category": "workaround", "details": "Wait." }])
}

fn acme(number: usize, version: &str, released: &str) -> Vec<u8> {
    document(&format!("ACME-{number}"), version, released, wait())
}

const FIRST: [(Family, &str); 3] = [
    (Family::Advisory, "csaf.acme:ACME-1"),
    (Family::Advisory, "csaf.acme:ACME-1/1"),
    (Family::Approach, "csaf.acme:ACME-1/1"),
];

#[tokio::test]
async fn each_way_of_listing_leads_to_the_same_claims_once() {
    for layout in [Layout::Rolie, Layout::Folder, Layout::Index] {
        let provider = Provider::new(layout);
        provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
        provider.publish("white/2019/old.json", acme(2, "1", "2019-01-01T00:00:00Z"), at("2019-01-01T00:00:00Z"));
        let mut bench = Bench::new(provider, options()).await;
        assert_eq!(said(&bench.all().await), FIRST, "{layout:?}");
        assert_eq!(bench.ask().await, Ok(Told::Unchanged), "{layout:?}");
        let old = bench.asked("old.json");
        bench.later(TimeDelta::minutes(10));
        assert_eq!(bench.all().await.len(), 0, "{layout:?}");
        assert_eq!((bench.asked("/a.json"), bench.asked("old.json")), (1, old), "{layout:?}");
        assert_eq!(old, usize::from(layout == Layout::Index), "{layout:?}: without times one must look");
    }
}

#[tokio::test]
async fn a_new_version_is_a_revision_and_only_it_is_asked_for() {
    let provider = Provider::new(Layout::Rolie);
    (1..4).for_each(|n| provider.publish(&format!("white/2024/{n}.json"), acme(n, "1", RELEASED), at(RELEASED)));
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(said(&bench.all().await).len(), 9);
    let later = "2024-07-19T06:50:00Z";
    bench.provider.publish("white/2024/2.json", acme(2, "2", later), at(later));
    let drafts = bench.all().await;
    assert_eq!(said(&drafts), [(Family::Advisory, "csaf.acme:ACME-2")], "what did not change in it is not said again");
    assert_eq!(drafts[0].claim.header.rev, 2);
    assert_eq!([1, 2, 3].map(|n| bench.asked(&format!("/{n}.json"))), [1, 2, 1]);
    assert!(bench.served.calls().iter().any(|call| call.headers.iter().any(|(name, _)| name == "if-none-match")));
}

#[tokio::test]
async fn a_document_without_a_listed_time_is_looked_at_again_after_hours() {
    let provider = Provider::new(Layout::Index);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    let mut bench = Bench::new(provider, options()).await;
    bench.all().await;
    bench.later(TimeDelta::hours(7));
    assert_eq!(bench.all().await.len(), 0);
    assert_eq!(bench.asked("/a.json"), 2);
    assert_eq!(bench.asked("/a.json.sha512"), 1, "what is unchanged is not compared again");
    bench.provider.publish("white/2024/a.json", acme(1, "2", "2024-07-19T08:00:00Z"), at(RELEASED));
    bench.later(TimeDelta::hours(7));
    assert_eq!(said(&bench.all().await).len(), 1);
}

#[tokio::test]
async fn after_a_restart_only_what_changed_meanwhile_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let kept = entente_vendor::Options { file: Some(folder.path().join("acme-csaf.json")), ..options() };
    let provider = Provider::new(Layout::Folder);
    (1..3).for_each(|n| provider.publish(&format!("white/2024/{n}.json"), acme(n, "1", RELEASED), at(RELEASED)));
    let mut bench = Bench::new(provider, kept.clone()).await;
    bench.all().await;
    let later = "2024-07-19T06:50:00Z";
    let none = document("ACME-1", "2", later, json!([]));
    bench.provider.publish("white/2024/1.json", none, at(later));
    bench.restart(kept);
    let drafts = bench.all().await;
    assert_eq!((bench.asked("/1.json"), bench.asked("/2.json")), (2, 1));
    assert_eq!(said(&drafts), FIRST, "the workaround that went meanwhile is said to be gone");
}

#[tokio::test]
async fn many_documents_come_a_handful_at_a_time_the_newest_first() {
    let provider = Provider::new(Layout::Rolie);
    for n in 0..60 {
        let time = at(RELEASED) - TimeDelta::minutes(n);
        provider.publish(&format!("white/2024/{n}.json"), acme(n as usize, "1", RELEASED), time);
    }
    let mut bench = Bench::new(provider, options()).await;
    let first = reading(bench.ask().await);
    assert_eq!((first.items.len(), first.items[0].object_id.as_str()), (25, "csaf.acme:ACME-0"));
    assert!(bench.feed.pause().unwrap() < Duration::from_secs(10));
    bench.feed.settle(Settled::NotTaken).await;
    assert_eq!(reading(bench.ask().await).items, first.items, "what was not taken is told again");
    bench.feed.settle(Settled::Read).await;
    assert_eq!(said(&bench.all().await).len(), 35 * 3);
    assert_eq!(bench.feed.pause(), None);
}

#[tokio::test]
async fn one_document_that_fails_costs_only_itself_and_is_asked_for_again() {
    let provider = Provider::new(Layout::Rolie);
    (1..3).for_each(|n| provider.publish(&format!("white/2024/{n}.json"), acme(n, "1", RELEASED), at(RELEASED)));
    provider.faults().play("/1.json", Fault::Truncated, 1);
    let mut bench = Bench::new(provider, options()).await;
    let drafts = bench.all().await;
    assert_eq!(said(&drafts).iter().filter(|(family, _)| *family == Family::Advisory).count(), 2, "{drafts:?}");
    assert!(reasons(&drafts)[0].contains("broke off"), "{:?}", reasons(&drafts));
    bench.later(TimeDelta::minutes(1));
    assert_eq!(bench.all().await.len(), 0, "not at once");
    bench.later(TimeDelta::minutes(5));
    assert_eq!(said(&bench.all().await), FIRST);
}

#[tokio::test]
async fn every_fault_is_a_failure_with_words_and_ends_without_a_restart() {
    let faults = [
        (Fault::Throttled { retry_after: None }, "http-429"),
        (Fault::Stall(Duration::from_secs(2)), "timeout"),
        (Fault::Truncated, "broken-off"),
        (Fault::Expired, "http-401"),
        (Fault::Forbidden, "http-403"),
        (Fault::Internal, "http-500"),
    ];
    for place in [METADATA, "feed.json", "a.json", "a.json.sha512"] {
        let provider = Provider::new(Layout::Rolie);
        provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
        let mut bench = Bench::new(provider, options()).await;
        for (fault, code) in &faults {
            bench.provider.faults().keep(place, fault.clone());
            let failure = bench.ask().await.unwrap_err();
            assert_eq!(failure.error.code, *code, "{place}: {}", failure.error.text);
            bench.feed.settle(Settled::Refused).await;
            bench.provider.faults().lift();
            bench.later(TimeDelta::hours(6));
        }
        assert_eq!(said(&bench.all().await), FIRST, "{place}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_seen_and_nothing_is_lost_for_it() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    provider.faults().keep("", Fault::ClockOff(600));
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(said(&bench.all().await), FIRST);
    assert!(bench.feed.clock_offset_ms().unwrap() > 590_000);
}

#[tokio::test]
async fn a_provider_that_sends_us_away_is_left_alone_until_then() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    let away = Fault::Throttled { retry_after: Some(Duration::from_secs(120)) };
    provider.faults().play("a.json", away, 1);
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(bench.ask().await.unwrap_err().retry_after, Some(Duration::from_secs(120)));
    let calls = bench.served.calls().len();
    bench.later(TimeDelta::seconds(60));
    let again = bench.ask().await.unwrap_err();
    assert!(again.retry_after.unwrap() <= Duration::from_secs(60), "{again:?}");
    assert_eq!(bench.served.calls().len(), calls, "nothing is asked meanwhile");
    bench.later(TimeDelta::seconds(61));
    assert_eq!(said(&bench.all().await), FIRST);
}

#[tokio::test]
async fn one_list_that_fails_keeps_no_other_from_being_read() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    provider.publish("green/2024/b.json", acme(2, "1", RELEASED), at(RELEASED));
    provider.faults().keep("green/feed.json", Fault::Internal);
    let mut bench = Bench::new(provider, options()).await;
    let told = reading(bench.ask().await);
    assert_eq!((told.items.len(), told.lacks.unwrap().error.code.as_str()), (1, "http-500"));
    bench.feed.settle(Settled::Read).await;
    for _ in 0..4 {
        bench.later(TimeDelta::minutes(10));
        let drafts = bench.poll().await;
        let blind = |draft: &Draft| matches!(&draft.claim.body, Body::Feed(feed) if feed.state == FeedState::Blind);
        assert!(!drafts.iter().any(blind), "who sees one list of two is not blind: {drafts:?}");
    }
    let lacks = reading(bench.ask().await).lacks.unwrap();
    assert_eq!(lacks.error.code, "http-500", "and it is not forgotten");
    bench.provider.faults().lift();
    assert_eq!(reading(bench.ask().await).items[0].object_id, "csaf.acme:ACME-2");
}

#[tokio::test]
async fn a_list_for_few_that_wants_a_login_is_told_and_blinds_nobody() {
    let provider = Provider::new(Layout::Rolie);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    provider.publish("green/2024/b.json", acme(2, "1", RELEASED), at(RELEASED));
    provider.publish("amber/2024/c.json", acme(3, "1", RELEASED), at(RELEASED));
    provider.faults().keep("green/feed.json", Fault::Forbidden);
    provider.faults().keep("amber/feed.json", Fault::Expired);
    let group = entente_vendor::Options { open_to_all: false, ..options() };
    let mut bench = Bench::new(provider, group).await;
    let drafts = bench.poll().await;
    assert_eq!(said(&drafts).iter().filter(|(family, _)| *family != Family::Rejected).count(), 3, "{drafts:?}");
    let reasons = reasons(&drafts);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons.iter().all(|reason| reason.contains("kept to those who log in")), "{reasons:?}");
    for _ in 0..4 {
        bench.later(TimeDelta::minutes(10));
        assert_eq!(bench.poll().await.len(), 0, "said once, and the feed stays live");
    }
    assert_eq!(bench.edge.health().failures(), 0);
    bench.provider.faults().lift();
    let drafts = bench.all().await;
    assert!(said(&drafts).contains(&(Family::Advisory, "csaf.acme:ACME-2")), "and read once it may be: {drafts:?}");
    assert_eq!(bench.asked("/c.json"), 1);
}

#[tokio::test]
async fn metadata_are_found_where_the_host_says_and_asked_for_only_there() {
    let provider = Provider::new(Layout::Folder);
    provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    provider.put_metadata_aside();
    provider
        .set_security("Contact: mailto:csirt@acme.example\nCSAF: /nowhere.json\nCSAF: /csaf/provider-metadata.json\n");
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(said(&bench.all().await), FIRST);
    let usual = bench.asked(METADATA);
    bench.later(TimeDelta::minutes(10));
    assert_eq!(bench.ask().await, Ok(Told::Unchanged));
    assert_eq!((bench.asked(METADATA), bench.asked("security.txt")), (usual, 1));
    bench.provider.set_security("Contact: mailto:csirt@acme.example\n");
    bench.restart(options());
    let failure = bench.ask().await.unwrap_err();
    assert!(failure.error.text.contains("nor where its host says"), "{failure:?}");
}

#[tokio::test]
async fn metadata_that_have_moved_to_another_host_lead_there() {
    let (old, new) = (Provider::new(Layout::Rolie), Provider::new(Layout::Rolie));
    new.publish("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED));
    let served = new.serve().await.unwrap();
    old.move_metadata(&(served.url() + METADATA));
    let mut bench = Bench::new(old, options()).await;
    assert_eq!(said(&bench.all().await), FIRST);
    bench.later(TimeDelta::minutes(10));
    assert_eq!(bench.ask().await, Ok(Told::Unchanged));
    assert!(bench.served.calls().iter().all(|call| call.target == METADATA), "nothing else is asked of the old host");
}

#[tokio::test]
async fn two_lists_that_tell_different_times_of_a_document_do_not_have_it_read_for_ever() {
    let (new, old) = (Provider::new(Layout::Rolie), Provider::new(Layout::Rolie));
    for (provider, updated) in [(&new, RELEASED), (&old, "2024-07-19T05:59:00Z")] {
        provider.publish("white/2024/a.json", acme(1, "1", RELEASED), at(updated));
    }
    let served = old.serve().await.unwrap();
    let mut feed: serde_json::Value = get(&format!("{}/csaf/white/feed.json", served.url())).await;
    let mut bench = Bench::new(new, options()).await;
    let own = bench.served.url();
    feed = serde_json::from_str(&feed.to_string().replace(&served.url(), &own)).unwrap();
    bench.provider.post("all.json", feed.to_string());
    let list = |path: &str| json!({ "tlp_label": "WHITE", "url": format!("{own}{path}") });
    let both = json!({ "distributions": [{ "rolie": { "feeds": [list("/csaf/white/feed.json"), list("/pages/all.json")] } }] });
    bench.provider.set_metadata(both.to_string());
    assert_eq!(said(&bench.all().await), FIRST);
    for _ in 0..3 {
        bench.later(TimeDelta::minutes(10));
        assert_eq!(bench.ask().await, Ok(Told::Unchanged));
    }
    assert_eq!(bench.asked("/a.json"), 1);
}

async fn get(url: &str) -> serde_json::Value {
    serde_json::from_slice(&reqwest::get(url).await.unwrap().bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_file_server_that_hides_what_is_not_there_is_read_all_the_same() {
    let provider = Provider::new(Layout::Index);
    provider.publish_with("white/2024/a.json", acme(1, "1", RELEASED), at(RELEASED), Hashes::None);
    for absent in ["changes.csv", ".sha512", ".sha256"] {
        provider.faults().keep(absent, Fault::Forbidden);
    }
    let mut bench = Bench::new(provider, options()).await;
    assert_eq!(said(&bench.all().await), FIRST);
    bench.provider.faults().keep("index.txt", Fault::Forbidden);
    bench.restart(options());
    assert_eq!(bench.ask().await.unwrap_err().error.code, "http-403");
}

#[tokio::test]
async fn a_document_stands_by_the_strongest_hash_beside_it() {
    let provider = Provider::new(Layout::Rolie);
    for (n, hashes) in
        [(1, Hashes::Both), (2, Hashes::Sha256), (3, Hashes::None), (4, Hashes::Wrong), (5, Hashes::Missing)]
    {
        provider.publish_with(&format!("white/2024/{n}.json"), acme(n, "1", RELEASED), at(RELEASED), hashes);
    }
    let mut bench = Bench::new(provider, options()).await;
    let drafts = bench.all().await;
    let advised: Vec<&str> =
        said(&drafts).into_iter().filter(|(family, _)| *family == Family::Approach).map(|(_, id)| id).collect();
    assert_eq!(advised, ["csaf.acme:ACME-3/1", "csaf.acme:ACME-2/1", "csaf.acme:ACME-1/1"]);
    let reasons = reasons(&drafts);
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("another hash than its .sha512 file says")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("is not there")), "{reasons:?}");
    assert_eq!(bench.asked("1.json.sha256"), 0);
    // The hash that came too late for the first look is there at the next.
    bench.provider.publish("white/2024/4.json", acme(4, "1", RELEASED), at(RELEASED));
    bench.later(TimeDelta::minutes(6));
    assert_eq!(said(&bench.all().await).len(), 3);
}
