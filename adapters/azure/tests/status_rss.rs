//! Azure's status feed as it really was, and as it might be: what it states is read, what it leaves open stays open.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "../../sidecar/tests/recorded/mod.rs"]
mod recorded;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use entente_azure::status_rss;
use entente_schemas::block::{Block, BlockState, ServiceClass, Severity};
use entente_schemas::event::Source;
use entente_schemas::family::{Body, Outcome, Phase};
use entente_sidecar::draft::{Drafter, Occasion};
use entente_sidecar::item::{Item, Reading, Vanishing};
use entente_sidecar::memory::Memory;
use entente_sidecar::vanish::Vanish;
use proptest::prelude::*;
use recorded::{all, at, read};

const LIVE: &str = "azure/rss-2026-07-23T1649-westus.xml";
const QUIET: [&str; 2] = ["azure/rss-2026-07-31-empty.xml", "azure/rss-healthy-empty.xml"];

fn observed() -> DateTime<Utc> {
    at("2026-07-23T16:50:00Z")
}

fn reading(body: impl AsRef<[u8]>) -> Reading {
    status_rss().read(body.as_ref(), observed()).unwrap()
}

fn feed(items: &str) -> String {
    format!("<rss version=\"2.0\"><channel><title>Azure Status</title>{items}</channel></rss>")
}

fn one(title: &str, categories: &[&str]) -> Item {
    let categories: String = categories.iter().map(|name| format!("<category>{name}</category>")).collect();
    let date = "<pubDate>Thu, 23 Jul 2026 16:00:00 Z</pubDate><description>d</description>";
    let reading = reading(feed(&format!("<item><guid>g</guid><title>{title}</title>{date}{categories}</item>")));
    assert_eq!(reading.refused, []);
    reading.items.into_iter().next().unwrap()
}

/// Class, services and regions of each block.
fn shape(item: &Item) -> Vec<(String, String, String)> {
    let row = |block: &Block| (block.service_class.to_string(), block.services.join(","), block.regions.join(","));
    item.impact().unwrap().blocks.iter().map(row).collect()
}

fn row(class: &str, services: &str, regions: &str) -> (String, String, String) {
    (class.to_owned(), services.to_owned(), regions.to_owned())
}

#[test]
fn the_recorded_incident_says_what_it_says_and_no_more() {
    let Some(body) = read(LIVE) else { return };
    let reading = reading(&body);
    let text = String::from_utf8(body).unwrap();
    assert_eq!((reading.items.len(), reading.refused.len()), (text.matches("<item>").count(), 0));
    assert!(reading.unmapped.is_empty());
    let item = &reading.items[0];
    assert_eq!(item.object_id, "azure.rss:issues-connecting-to-resources-in-west-us@2026-07-23T16:29:09Z");
    assert_eq!(item.impact().unwrap().title, "Issues connecting to resources in West US");
    assert_eq!(
        (item.impact().unwrap().phase, item.impact().unwrap().severity),
        (Phase::Investigating, Severity::NotStated)
    );
    assert_eq!((item.times.occurred_at, item.times.occurred_end, item.times.fidelity), (None, None, None));
    assert_eq!(item.stamp(), Some(at("2026-07-23T16:29:09Z")));
    assert_eq!(shape(item), [row("network", "Network Infrastructure", "westus")]);
    assert_eq!(item.impact().unwrap().blocks[0].state, BlockState::AffectedDegraded);
    assert_eq!(item.native.category.as_deref(), Some("Network Infrastructure, West US"));
    assert!(item.refs.is_empty() && item.native.status.is_none());
    let statement = &item.also[0];
    assert_eq!((item.also.len(), statement.object_id.as_str()), (1, format!("{}/text", item.object_id).as_str()));
    assert!(
        statement.notice().unwrap().text.starts_with("<p>Starting at 14:44 UTC")
            && statement.notice().unwrap().text.ends_with("</p>")
    );
    assert_eq!(statement.notice().unwrap().text.matches("<p>").count(), text.matches("&lt;p&gt;").count());
}

#[test]
fn an_all_clear_is_a_good_answer_without_items() {
    for file in QUIET {
        let Some(body) = read(file) else { return };
        assert_eq!(reading(body), Reading::default());
    }
    assert_eq!(status_rss().profile().vanishing, Vanishing::ResolvedAfterTwoPolls);
}

#[test]
fn services_and_regions_are_told_apart() {
    let both = one("T", &["West US 2", "Virtual Machines", "East US 2", "Storage", "Azure Virtual Machines"]);
    assert_eq!(
        shape(&both),
        [
            row("compute", "Azure Virtual Machines,Virtual Machines", "eastus2,westus2"),
            row("object_storage", "Storage", "eastus2,westus2"),
        ]
    );
    assert_eq!(shape(&one("T", &["UK South"])), [row("other", "", "uksouth")]);
    assert_eq!(shape(&one("T", &["Storage"])), [row("object_storage", "Storage", "")]);
}

#[test]
fn global_stands_only_for_services_that_are_global_by_nature() {
    assert_eq!(shape(&one("T", &["Azure Front Door", "Global"])), [row("cdn_edge", "Azure Front Door", "global")]);
    assert_eq!(shape(&one("T", &["Virtual Machines", "Global"])), [row("compute", "Virtual Machines", "")]);
    assert_eq!(shape(&one("T", &["Azure DNS", "West US"])), [row("dns", "Azure DNS", "westus")]);
}

#[test]
fn a_title_states_what_the_categories_leave_open_and_nothing_else_does() {
    assert_eq!(shape(&one("Virtual Machines - East US 2", &[])), [row("compute", "Virtual Machines", "eastus2")]);
    assert_eq!(
        shape(&one("Virtual Machines - East US 2", &["Storage"])),
        [row("object_storage", "Storage", "eastus2")]
    );
    let guidance = one("Agent guidance for customers", &[]);
    assert_eq!((shape(&guidance), guidance.native.category), (vec![], None));
}

#[test]
fn a_service_that_no_rule_meets_is_kept_and_counted() {
    let date = "<pubDate>Thu, 23 Jul 2026 16:00:00 Z</pubDate>";
    let reading = reading(feed(&format!("<item><guid>g</guid>{date}<category>Quantum Weather</category></item>")));
    assert_eq!(shape(&reading.items[0]), [row("other", "Quantum Weather", "")]);
    assert_eq!(reading.unmapped.into_keys().next().unwrap().word, "Quantum Weather");
}

#[test]
fn a_guid_used_again_on_another_day_is_another_matter_and_one_without_a_day_is_refused() {
    let item = |date: &str| format!("<item><guid>g</guid><title>T</title>{date}</item>");
    let first = item("<pubDate>Thu, 23 Jul 2026 16:00:00 Z</pubDate>");
    let second = item("<pubDate>Mon, 20 Jul 2026 16:00:00 Z</pubDate>");
    let reading =
        reading(feed(&format!("{first}{}{second}{}", item(""), item("<pubDate>1 Jan 1999 00:00:00 Z</pubDate>"))));
    let ids: BTreeSet<&str> = reading.items.iter().map(|item| item.object_id.as_str()).collect();
    assert_eq!(ids.len(), 2);
    let reasons: Vec<&str> = reading.refused.iter().map(|refusal| refusal.reason.as_str()).collect();
    assert!(reasons[0].contains("no pubDate") && reasons[1].contains("before 2000"), "{reasons:?}");
}

#[test]
fn a_rewritten_text_is_a_revision_and_an_item_gone_twice_is_resolved() {
    let (normalize, now) = (status_rss(), observed());
    let profile = normalize.profile().clone();
    let source =
        Source { org: "local".into(), feed: profile.slug.clone(), instance: "01J00000000000000000000000".into() };
    let drafter = Drafter::new(source, "actual", "all", profile.clone());
    let (mut memory, mut vanish) = (Memory::default(), Vanish::new(profile.vanishing));
    let mut poll = |items: &str| {
        let reading = normalize.read(feed(items).as_bytes(), now).unwrap();
        let present = reading.items.iter().map(|item| item.object_id.clone()).collect();
        let mut drafts = drafter.items(reading.items, &memory, Occasion { now, first_good: memory.is_empty() }).drafts;
        for claim in vanish.poll(&present, true) {
            drafts.push(drafter.vanished(&claim, &memory, now).unwrap());
        }
        for draft in &drafts {
            memory.learn(draft);
            vanish.learn(&draft.claim);
        }
        drafts
    };
    let item = |text: &str| {
        let date = "<pubDate>Thu, 23 Jul 2026 16:00:00 Z</pubDate>";
        format!("<item><guid>g</guid><title>Storage - West US</title>{date}<description>{text}</description></item>")
    };
    assert_eq!(poll(&item("one")).len(), 2);
    assert_eq!(poll(&item("  one ")).len(), 0);
    assert_eq!(poll(&item("two")).len(), 2);
    assert_eq!((poll("").len(), poll(&item("two")).len(), poll("").len()), (0, 0, 0));
    let gone = poll("");
    assert_eq!(gone.len(), 1);
    let Body::Impact(impact) = &gone[0].claim.body else { panic!("not an impact") };
    assert_eq!((impact.phase, impact.outcome), (Phase::Resolved, Some(Outcome::Vanished)));
    assert_eq!(poll("").len(), 0);
    assert_eq!(poll(&item("two")).len(), 1, "its return is a revision of the impact; the statement is the same");
}

#[test]
fn every_recorded_file_is_read_or_refused_with_a_reason() {
    let Some(files) = all() else { return };
    let mut good = 0;
    for file in files {
        match status_rss().read(&std::fs::read(&file).unwrap(), observed()) {
            Ok(_) => good += 1,
            Err(refusal) => assert!(!refusal.reason.is_empty()),
        }
    }
    assert_eq!(good, 3);
}

#[test]
fn a_feed_that_is_cut_anywhere_is_refused_whole_so_that_nothing_seems_gone() {
    let Some(body) = read(LIVE) else { return };
    let end = body.iter().rposition(|byte| *byte == b'>').unwrap();
    for cut in 0..end {
        assert!(status_rss().read(&body[..cut], observed()).is_err(), "cut at {cut} was taken");
    }
}

#[test]
fn the_table_parses_covers_much_and_never_other() {
    let covers = status_rss().profile().covers.clone();
    assert!(covers.len() > 15 && !covers.contains(&ServiceClass::Other));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_feed_with_bytes_replaced_is_read_or_refused_and_twice_alike(
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let Some(mut body) = read(LIVE) else { return Ok(()) };
        for (place, byte) in edits {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Ok(first) = status_rss().read(&body, observed()) {
            prop_assert_eq!(first, status_rss().read(&body, observed()).unwrap());
        }
    }

    #[test]
    fn any_title_and_category_are_taken(title in "\\PC{0,80}", category in "\\PC{1,60}") {
        let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let item = one(&escape(&title), &[&escape(&category)]);
        prop_assert!(item.impact().unwrap().blocks.len() <= 8);
    }
}
