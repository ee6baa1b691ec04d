//! Answers that are not what they should be: each is read rightly or refused with a reason, nothing panics, and one bad
//! item never costs the others.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../sidecar/tests/recorded/mod.rs"]
mod recorded;

use std::sync::Arc;

use entente_sidecar::item::{Normalize, Reading, Refusal};
use entente_vendor::{rss, statuspage};
use proptest::prelude::*;
use recorded::{all, at, read};

fn observed() -> chrono::DateTime<chrono::Utc> {
    at("2026-08-01T00:00:00Z")
}

fn both() -> [Arc<dyn Normalize>; 2] {
    [statuspage("acme", "x"), rss("acme", "x")]
}

fn page(body: &str) -> Result<Reading, Refusal> {
    statuspage("acme", "x").read(body.as_bytes(), observed())
}

fn with(members: &str) -> String {
    format!("{{\"incidents\":[{{\"id\":\"a\",\"name\":\"A\"{members}}},{{\"id\":\"b\",\"name\":\"B\"}}]}}")
}

#[test]
fn every_recorded_file_is_read_or_refused_with_a_reason() {
    let Some(files) = all() else { return };
    let mut taken = Vec::new();
    for file in files {
        let body = std::fs::read(&file).unwrap();
        for feed in both() {
            match feed.read(&body, observed()) {
                Err(refusal) => assert!(!refusal.reason.is_empty() && refusal.input == body),
                Ok(reading) if reading.items.is_empty() => {}
                Ok(_) => taken.push(format!("{} {}", feed.profile().slug, file.file_name().unwrap().to_string_lossy())),
            }
        }
    }
    let expected = [
        "acme-rss rss-2026-07-23T1649-westus.xml",
        "acme-status bitbucket-20260731-102124-none.json",
        "acme-status github-20260724-164436-major.json",
        "acme-status github-incidents-2026-07.json",
        "acme-status openai-20260722-114905-minor.json",
        "acme-status mistral-20260727-113302-major.json",
        "acme-status perplexity-20260723-145302-major.json",
    ];
    assert_eq!(taken, expected);
}

#[test]
fn an_answer_that_is_cut_anywhere_is_refused_whole() {
    let Some(body) = read("statuspage/github-20260724-164436-major.json") else { return };
    let end = body.iter().rposition(|byte| *byte == b'}').unwrap();
    for cut in (0..=end).step_by(97).chain([end]) {
        assert!(statuspage("github", "x").read(&body[..cut], observed()).is_err(), "cut at {cut} was taken");
    }
}

#[test]
fn a_bad_item_costs_only_itself_and_is_named() {
    for members in [
        ",\"status\":7",
        ",\"started_at\":\"yesterday\"",
        ",\"started_at\":\"1999-12-31T23:59:59Z\"",
        ",\"resolved_at\":\"2099-01-01T00:00:00Z\"",
        ",\"updated_at\":\"-9999999999999\"",
        ",\"components\":[7]",
        ",\"id\":\"doubled\"",
    ] {
        let reading = page(&with(members)).unwrap();
        assert_eq!(reading.items.len(), 1, "{members}");
        assert_eq!(reading.items[0].native.id, "b");
        let refusal = &reading.refused[0];
        assert!(refusal.position.as_deref().unwrap().starts_with("item 1"), "{members}");
        assert!(refusal.input.starts_with(b"{\"id\":\"a\"") && !refusal.reason.is_empty());
    }
    let nameless =
        page("{\"incidents\":[{\"id\":\"a\"},{\"id\":\"\",\"name\":\"B\"},{\"id\":-1,\"name\":\"C\"}]}").unwrap();
    assert_eq!((nameless.items.len(), nameless.refused.len()), (0, 3));
}

#[test]
fn odd_but_harmless_members_are_taken() {
    for members in [
        ",\"status\":null,\"impact\":null,\"components\":null,\"incident_updates\":null",
        ",\"duration\":1e308,\"n\":99999999999999999999999999",
        ",\"updated_at\":\"\"",
        ",\"incident_updates\":[{\"body\":\"<b>x</b>\"}]",
        ",\"components\":[{}, {\"name\":null}, \"API\", {\"name\":\"DNS\",\"status\":null}]",
        ",\"incident_updates\":[{\"body\":\"x\",\"affected_components\":[\"API\"]}]",
        ",\"created_at\":1785000000,\"updated_at\":1785000000123,\"started_at\":\"2026-07-25 17:20:00 UTC\"",
        ",\"resolved_at\":\"\",\"started_at\":\"2026-07-25T17:20:00+0000\"",
        ",\"status\":\"in_progress\"",
    ] {
        let reading = page(&with(members)).unwrap();
        assert_eq!((reading.items.len(), reading.refused.len()), (2, 0), "{members}");
    }
    let numbered =
        page("{\"incidents\":[{\"id\":42,\"name\":\"A\",\"status\":\"pondering\",\"severity\":\"SEV0\"}]}").unwrap();
    assert_eq!(numbered.items[0].object_id, "statuspage.acme:42");
    let words: Vec<&str> = numbered.unmapped.keys().map(|word| word.word.as_str()).collect();
    assert_eq!(words, ["SEV0", "pondering"]);
}

#[test]
fn a_bad_update_costs_only_itself_and_is_named() {
    let updates = ",\"status\":\"identified\",\"incident_updates\":[\
        {\"id\":\"u3\",\"display_at\":\"2026-02-31T00:00:00Z\",\"body\":\"Never\"},7,{\"id\":\"u2\",\"body\":[]},\
        {\"id\":\"u1\",\"display_at\":\"2026-07-01T00:00:00Z\",\"body\":\"One\"},\
        {\"id\":\"u0\",\"updated_at\":\"2099-07-01T00:00:00Z\",\"body\":\"Zero\"}]";
    let reading = page(&with(updates)).unwrap();
    assert_eq!((reading.items.len(), reading.refused.len()), (2, 0));
    let item = &reading.items[0];
    assert_eq!((item.also.len(), item.impact().unwrap().summary.as_deref()), (1, Some("One")));
    let told: Vec<(&str, &str)> =
        item.refused.iter().map(|r| (r.position.as_deref().unwrap(), std::str::from_utf8(&r.input).unwrap())).collect();
    assert_eq!(
        told.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        ["a, update 1", "a, update 2", "a, update 3", "a, update 5"]
    );
    assert_eq!(told[1].1, "7");
    assert!(item.refused.iter().all(|refusal| !refusal.reason.is_empty()));
}

#[test]
fn a_bare_list_of_incidents_and_titles_for_names_are_read() {
    let reading = page("[{\"id\":\"a\",\"title\":\"A\",\"status\":\"resolved\"},{\"id\":\"b\"}]").unwrap();
    assert_eq!((reading.items[0].impact().unwrap().title.as_str(), reading.refused.len()), ("A", 1));
    assert_eq!(reading.items[0].impact().unwrap().phase.as_str(), "resolved");
    let planned = page("[{\"id\":\"a\",\"title\":\"A\",\"status\":\"in_progress\"}]").unwrap();
    assert_eq!(
        planned.items[0].impact().unwrap().kind.as_str(),
        "maintenance",
        "the phase is one of planned work only"
    );
}

#[test]
fn statements_without_an_id_are_named_by_their_time_or_as_the_text() {
    let named = ",\"incident_updates\":[{\"body\":\"x\",\"created_at\":\"2026-07-01T02:00:00.123+02:00\"}]";
    assert_eq!(page(&with(named)).unwrap().items[0].also[0].object_id, "statuspage.acme:a/2026-07-01T00:00:00Z");
    let bare = ",\"incident_updates\":[{\"body\":\"x\"}]";
    assert_eq!(page(&with(bare)).unwrap().items[0].also[0].object_id, "statuspage.acme:a/text");
}

#[test]
fn components_that_are_places_say_where() {
    let shape = |components: &str| {
        let listed: String = components.split(';').map(|name| format!("{{\"name\":\"{name}\"}},")).collect();
        let body = with(&format!(",\"impact\":\"minor\",\"components\":[{}]", listed.trim_end_matches(',')));
        let blocks = page(&body).unwrap().items.remove(0).impact().unwrap().blocks.clone();
        blocks
            .iter()
            .map(|b| (b.service_class.to_string(), b.services.join(","), b.regions.join(",")))
            .collect::<Vec<_>>()
    };
    let row = |class: &str, services: &str, regions: &str| (class.to_owned(), services.to_owned(), regions.to_owned());
    assert_eq!(shape("eu-west-1;us-east-1"), [row("other", "", "eu-west-1,us-east-1")]);
    assert_eq!(shape("Database;us-east-1"), [row("database", "Database", "us-east-1")]);
    assert_eq!(shape("Database;DNS"), [row("database", "Database", ""), row("dns", "DNS", "")]);
}

#[test]
fn planned_work_is_maintenance_and_breaks_nothing() {
    let body = "{\"page\":{\"url\":\"https://status.acme.test/\"},\"scheduled_maintenances\":[{\"id\":\"m\",\"name\":\"M\",\
        \"status\":\"scheduled\",\"impact\":\"maintenance\",\"scheduled_for\":\"2026-09-01T00:00:00Z\",\
        \"components\":[{\"name\":\"API\",\"status\":\"under_maintenance\"}]}]}";
    let item = page(body).unwrap().items.remove(0);
    assert_eq!(
        (item.impact().unwrap().kind.as_str(), item.impact().unwrap().phase.as_str()),
        ("maintenance", "scheduled")
    );
    assert_eq!(item.impact().unwrap().blocks[0].state.as_str(), "excluded");
    assert_eq!(item.times.occurred_at, Some(at("2026-09-01T00:00:00Z")));
    assert_eq!(item.native.url.as_deref(), Some("https://status.acme.test/incidents/m"));
}

#[test]
fn what_is_no_status_page_is_refused_and_the_reason_says_what_was_expected() {
    for (body, expected) in [
        ("", "EOF"),
        ("<!doctype html><html>", "web page"),
        ("{\"incidents\":\"<html>\"}", "sequence"),
        ("7", "an object with a list of incidents"),
        ("{\"page\":{},\"status\":{}}", "no list of incidents"),
        (
            "{\"ongoing_incidents\":[{\"id\":\"a\"}],\"in_progress_maintenances\":[],\"scheduled_maintenances\":[]}",
            "never how it ended",
        ),
        ("{\"incidents\":[],\"incidents\":[]}", "duplicate"),
        ("{\"incidents\":[1e999]}", ""),
        ("{\"incidents\":[[\"a\",\"A\"]]}", ""),
    ] {
        match page(body) {
            Err(refusal) => assert!(refusal.reason.contains(expected), "{body}: {}", refusal.reason),
            Ok(reading) => assert_eq!((reading.items.len(), reading.refused.len()), (0, 1), "{body}"),
        }
    }
    assert!(page(&format!("{{\"incidents\":{}", "[".repeat(1_000_000))).is_err());
    let huge = vec![b' '; 33 * 1024 * 1024];
    assert!(both().iter().all(|feed| feed.read(&huge, observed()).unwrap_err().reason.contains("bytes")));
}

fn item(members: &str) -> String {
    format!("<rss version=\"2.0\"><channel><item>{members}</item></channel></rss>")
}

#[test]
fn a_post_takes_its_status_from_its_own_first_word_for_it() {
    let read = |members: &str| {
        let reading = rss("acme", "x").read(item(members).as_bytes(), observed()).unwrap();
        let item = reading.items.into_iter().next().unwrap();
        (item.impact().unwrap().kind.to_string(), item.impact().unwrap().phase.to_string(), item.native.status)
    };
    let expect =
        |kind: &str, phase: &str, status: Option<&str>| (kind.to_owned(), phase.to_owned(), status.map(str::to_owned));
    let dated = "<guid>g</guid><pubDate>Fri, 31 Jul 2026 10:00:00 GMT</pubDate>";
    let newest_first = "<description>&lt;p&gt;&lt;strong&gt;Resolved&lt;/strong&gt; - ok&lt;/p&gt;\
        &lt;strong&gt;Investigating&lt;/strong&gt; - hm</description>";
    assert_eq!(read(&format!("{dated}{newest_first}")), expect("incident", "resolved", Some("Resolved")));
    let labelled = "<description>&lt;b&gt;Status: Monitoring&lt;/b&gt;&lt;br/&gt;x</description>";
    assert_eq!(read(&format!("{dated}{labelled}")), expect("incident", "monitoring", Some("Monitoring")));
    let planned = "<description>&lt;strong&gt;Completed&lt;/strong&gt; - done</description>";
    assert_eq!(read(&format!("{dated}{planned}")), expect("maintenance", "resolved", Some("Completed")));
    let bracketed = "<title>[RESOLVED] Slow</title><description>x</description>";
    assert_eq!(read(&format!("{dated}{bracketed}")), expect("incident", "resolved", Some("RESOLVED")));
    assert_eq!(read(&format!("{dated}<title>Resolved soon</title>")), expect("incident", "suspected", None));
    let old = "<guid>g</guid><pubDate>Wed, 01 Jul 2026 10:00:00 GMT</pubDate>";
    assert_eq!(read(old), expect("incident", "resolved", None));
}

#[test]
fn posts_are_named_by_guid_and_date_and_a_bad_one_costs_only_itself() {
    let feed = "<rss><channel>\
        <item><title>Dated</title><pubDate>Fri, 31 Jul 2026 11:00:00 GMT</pubDate></item>\
        <item><guid>g</guid><title>T</title><pubDate>Fri, 31 Jul 2026 12:00:00 +0200</pubDate><description>d</description></item>\
        <item><title>nameless</title></item><item><guid>h</guid><pubDate>soon</pubDate></item>\
        <item><guid>old</guid><pubDate>Fri, 31 Dec 1999 12:00:00 GMT</pubDate></item>\
        <item><link>https://acme.test/1</link></item></channel></rss>";
    let reading = rss("acme", "x").read(feed.as_bytes(), observed()).unwrap();
    let ids: Vec<&str> = reading.items.iter().map(|item| item.object_id.as_str()).collect();
    assert_eq!(
        ids,
        ["rss.acme:Dated@2026-07-31T11:00:00Z", "rss.acme:g@2026-07-31T10:00:00Z", "rss.acme:https://acme.test/1"]
    );
    assert_eq!(reading.items[1].also[0].object_id, "rss.acme:g@2026-07-31T10:00:00Z/text");
    let refused: Vec<&str> = reading.refused.iter().map(|r| r.position.as_deref().unwrap()).collect();
    assert_eq!(refused, ["item 3 nameless", "item 4 h", "item 5 old"]);
    assert!(reading.refused.iter().all(|refusal| refusal.input.starts_with(b"<item>")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_at_all_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        for feed in both() {
            let _ = feed.read(&body, observed());
        }
    }

    #[test]
    fn real_answers_with_bytes_replaced_are_read_or_refused(
        file in 0..3usize,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let files = [
            "statuspage/github-20260724-164436-major.json",
            "vendors/mistral-20260727-113302-major.json",
            "azure/rss-2026-07-23T1649-westus.xml",
        ];
        let Some(mut body) = read(files[file]) else { return Ok(()) };
        for (place, byte) in edits {
            let place = place.index(body.len());
            body[place] = byte;
        }
        for feed in both() {
            if let Ok(again) = feed.read(&body, observed()) {
                prop_assert_eq!(again, feed.read(&body, observed()).unwrap());
            }
        }
    }

    #[test]
    fn any_text_in_a_post_stays_as_it_is(text in "[^\u{0}-\u{1f}<>&]{1,60}") {
        prop_assume!(!text.trim().is_empty());
        let feed = item(&format!("<guid>g</guid><description>{text}</description>"));
        let reading = rss("acme", "x").read(feed.as_bytes(), observed()).unwrap();
        prop_assert_eq!(reading.items[0].also[0].notice().unwrap().text.as_str(), text.trim());
    }
}
