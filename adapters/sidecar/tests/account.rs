//! A sidecar as it runs: a made-up cloud on one side, a real nats-server on the other, and neighbours that report.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends at what it did not expect"
)]

mod cloud;
mod world;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use entente_schemas::event::Event;
use entente_schemas::family::{Body, Family, FeedState, Impact};
use entente_schemas::tlp::Tlp;
use entente_sidecar::account::{Found, Listen, Settings, preflight};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use cloud::adapter::Acme;
use cloud::double::{Cloud, Fault};
use world::{Caller, World, answered, of, read, summary};

fn tables(cloud: &Cloud) -> String {
    let signal = "[feeds.acme-vm]\nguest_signal = true\n[feeds.acme-queue]\n[feeds.acme-push]\n";
    format!("[endpoints]\nacme = \"{}\"\n{signal}", cloud.url)
}

fn impacts(log: &[Event], feed: &str) -> Vec<Impact> {
    let impact = |event: &Event| if let Body::Impact(impact) = &event.claim.body { Some(impact.clone()) } else { None };
    log.iter().filter(|event| event.source.feed == feed).filter_map(impact).collect()
}

fn run(done: u64) -> Value {
    json!({"approach_id": "bank:rescue", "state": "running", "arms": [{"tally": {"targeted": 9, "attempted": done}}]})
}

fn event(id: &str, kind: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//tool", "type": format!("io.entente.{kind}.v1"),
        "subject": "rescue/acme-1", "data": data})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_sees_reaches_its_group_and_nothing_else_of_it() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    let ready = caller.ready_with(|ready| ready["ready"] == true).await;
    assert_eq!(ready["feeds"].as_array().map(Vec::len), Some(4), "{ready}");
    cloud.break_machines(3);
    let log = world.log_with(|log| !impacts(log, "acme-vm").is_empty() && !impacts(log, "acme-queue").is_empty()).await;
    assert_eq!(impacts(&log, "acme-vm")[0].counts[0].value, Some(3));
    cloud.break_machines(0);
    world.log_with(|log| impacts(log, "acme-vm").len() == 2).await;
    let emptied = async {
        while cloud.queued() > 0 {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(world::GUARD, emptied).await.unwrap();
    assert_eq!(sidecar.end().await, 0);
    for event in world.log().await {
        let said = serde_json::to_string(&event.claim).unwrap();
        assert!(Cloud::secrets().iter().all(|secret| !said.contains(secret)), "{said}");
        assert_eq!((event.audience.as_str(), event.tlp), (world.scope.audience.as_str(), Tlp::Amber));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_trouble_is_shown_with_its_next_step_and_ends_without_a_restart() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    let code = |ready: &Value, feed: &str| {
        let feeds = ready["feeds"].as_array().cloned().unwrap_or_default();
        feeds.into_iter().find(|told| told["feed"] == feed).map(|told| told["code"].clone()).unwrap_or_default()
    };
    for (fault, expected) in [
        (Fault::Throttled(None), "throttled"),
        (Fault::Stalled, "stalled"),
        (Fault::Truncated, "truncated"),
        (Fault::Expired, "expired"),
        (Fault::Forbidden, "forbidden"),
        (Fault::ClockOff, "clock"),
    ] {
        cloud.play(Some(fault));
        caller.ready_with(|ready| code(ready, "acme-vm") == expected && code(ready, "acme-queue") == expected).await;
        cloud.play(None);
        let live =
            caller.ready_with(|ready| code(ready, "acme-vm").is_null() && code(ready, "acme-queue").is_null()).await;
        assert_eq!(live["ready"], true);
    }
    let (_, figures) = caller.get("/metrics").await;
    for line in ["entente_bus_connected 1", "entente_feed_live{feed=\"acme-vm\"} 1", "code=\"stalled\"} "] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
    assert!(!figures.contains("entente_feed_throttled_total{feed=\"acme-vm\"} 0"), "{figures}");
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_sent_away_for_long_is_blind_in_readiness_as_it_is_in_the_log() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    cloud.play(Some(Fault::Throttled(Some(std::time::Duration::from_secs(60)))));
    let told = |event: &Event| {
        let Body::Feed(feed) = &event.claim.body else { return false };
        feed.feed == "acme-vm" && feed.state == FeedState::Blind && feed.reason.contains("not to be asked before")
    };
    world.log_with(|log| log.iter().any(told)).await;
    let ready = caller.ready().await;
    let feed = ready["feeds"].as_array().unwrap().iter().find(|feed| feed["feed"] == "acme-vm").unwrap();
    assert_eq!((&feed["state"], &feed["failures"]), (&json!("blind"), &json!(1)), "{ready:#}");
    assert!(feed["text"].as_str().unwrap().contains("not to be asked before"), "{feed}");
    // It takes reports all the same.
    assert_eq!((&ready["ready"], &ready["reasons"]), (&json!(true), &json!([])), "{ready:#}");
    assert!(ready["blind"].as_array().unwrap().contains(&json!("acme-vm")), "{ready:#}");
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_is_answered_once_its_report_is_on_disk_and_what_it_repeats_is_taken_once() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let taken = |id: &str, outcome: &str| json!({"id": id, "outcome": outcome});
    assert_eq!(caller.event(&event("1", "remediation", run(1))).await, (202, taken("1", "taken")));
    assert_eq!(caller.event(&event("2", "remediation", run(2))).await, (202, taken("2", "taken")));
    // What came late says nothing any more, and what is said again under a new id is no news.
    assert_eq!(caller.event(&event("1", "remediation", run(1))).await, (200, taken("1", "repeated")));
    assert_eq!(caller.event(&event("3", "remediation", run(2))).await, (202, taken("3", "taken")));
    // A figure that falls back to an earlier one is news.
    assert_eq!(caller.event(&event("4", "remediation", run(1))).await.0, 202);
    assert_eq!(sidecar.end().await, 0);

    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    assert_eq!(caller.event(&event("2", "remediation", run(2))).await, (200, taken("2", "repeated")));
    sidecar.end().await;
    let said = of(&world.log().await, Family::Remediation);
    assert_eq!(said.iter().map(|event| event.claim.header.rev).collect::<Vec<_>>(), [1, 2, 3], "{:?}", summary(&said));
    assert!(said.iter().all(|event| event.claim.header.object_id == "bank:rescue/acme-1"));
    assert!(said.iter().all(|event| event.claim.header.speaker.org == "bank"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_event_by_event_and_devices_are_counted_without_their_names() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let device = |id: usize, state: &str| {
        let data =
            json!({"device": format!("kiosk-{id}-of-the-bank"), "state": state, "region": "eu-1", "os": "windows"});
        event(&format!("{state}-{id}"), "device", data)
    };
    let mut batch: Vec<Value> = (0..20).map(|id| device(id, "affected")).collect();
    batch.push(json!({"specversion": "1.0", "id": "bad"}));
    batch.push(event("worse", "remediation", json!({"state": "perhaps"})));
    batch.push(event("good", "remediation", run(5)));
    let media = "application/cloudevents-batch+json";
    let (status, told) = caller.send(media, &json!(batch)).await;
    let outcomes: Vec<&str> =
        told["results"].as_array().unwrap().iter().filter_map(|one| one["outcome"].as_str()).collect();
    assert_eq!(status, 422, "{told}");
    assert!(
        outcomes[..20].iter().all(|outcome| *outcome == "taken") && outcomes[20..] == ["refused", "refused", "taken"]
    );
    assert_eq!(told["results"][21]["mistakes"][0]["path"], "data.state");
    let again = caller.send(media, &json!(batch[..20])).await;
    assert_eq!((again.0, &again.1["results"][7]["outcome"]), (200, &json!("repeated")));
    let affected = |log: &[Event]| {
        let counts = impacts(log, "acme-intake").into_iter().flat_map(|impact| impact.counts);
        counts
            .filter(|count| count.quantity == entente_schemas::count::Quantity::Affected)
            .map(|count| count.value)
            .max()
    };
    let log = world.log_with(|log| affected(log) == Some(Some(20))).await;
    assert!(log.iter().all(|event| !serde_json::to_string(&event.claim).unwrap().contains("kiosk")));
    let (_, figures) = caller.get("/metrics").await;
    let line = "entente_intake_events_total{type=\"io.entente.device.v1\",outcome=\"taken\"} 20";
    assert!(figures.contains(line), "{figures}");
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_about_one_object_nothing_that_was_taken_is_lost() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let statement = json!({"issuer_role": "customer", "category": "statement", "title": "Status"});
    let batch = [
        event("1", "remediation", run(1)),
        event("2", "advisory", statement),
        event("3", "remediation", run(2)),
        event("4", "remediation", run(3)),
    ];
    let (status, told) = caller.send("application/cloudevents-batch+json", &json!(batch)).await;
    assert_eq!(status, 202, "{told}");
    assert_eq!(sidecar.end().await, 0);
    let log = world.log().await;
    assert_eq!((of(&log, Family::Remediation).len(), of(&log, Family::Advisory).len()), (3, 1), "{:?}", summary(&log));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_is_refused_and_told_what_was_expected() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    assert_eq!(caller.get("/healthz").await, (200, "ok\n".to_owned()));
    let foreign = reqwest::Client::new().get(format!("{}/metrics", caller.base)).header("host", "evil.example");
    assert_eq!(answered(foreign).await.0, 403);
    let page = caller.request("/v1/events", "application/json", "{}").header("origin", "https://evil.example");
    assert_eq!(answered(page).await.0, 403);
    let stranger = reqwest::Client::new().post(format!("{}/v1/events", caller.base)).bearer_auth("guess").body("{}");
    let (status, told) = answered(stranger).await;
    assert!(status == 401 && told["next"].as_str().is_some_and(|next| next.contains("token_file")), "{told}");
    assert_eq!(caller.send("text/plain", &json!({})).await.0, 415);
    assert_eq!(caller.send("application/cloudevents+json", &json!({})).await.0, 400);
    let large = answered(caller.request("/v1/events", "application/cloudevents+json", "x".repeat(3 << 20))).await;
    assert_eq!((large.0, large.1["next"].as_str()), (413, Some("send smaller batches")));
    assert_eq!(caller.get("/").await.0, 404);
    assert_eq!(caller.get("/v1/events").await.0, 405);
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_that_never_finish_do_not_make_it_look_dead() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    let Listen::Port(address) = sidecar.address() else { panic!() };
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Length: 9\r\n\r\n{{",
        world.token()
    );
    let mut open = Vec::new();
    while open.len() < 64 {
        let mut neighbour = tokio::net::TcpStream::connect(address).await.unwrap();
        neighbour.write_all(head.as_bytes()).await.unwrap();
        open.push(neighbour);
    }
    let answered = async |status: u16| {
        while caller.get("/metrics").await.0 != status {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(world::GUARD, answered(503)).await.unwrap();
    assert_eq!(caller.get("/healthz").await, (200, "ok\n".to_owned()));
    // Each is sent away after a while, and says nothing more to that.
    tokio::time::timeout(world::GUARD, answered(200)).await.unwrap();
    drop(open);
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_the_adapter_s_own_is_answered_once_its_news_is_on_disk() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let socket = world.folder.path().join("acme.sock");
    let text = world.text(&format!("unix:{}", socket.display()), &tables(&cloud));
    let (settings, feeds) = read::<Acme>(&text).unwrap();
    let start = entente_sidecar::account::Sidecar::start::<Acme>(settings, feeds, entente_journal::Clock::wall());
    let sidecar = start.await.unwrap();
    assert_eq!(sidecar.address(), &Listen::Socket(socket.clone()));
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    let hook = |id: &str, token: &str| {
        let body = json!({"id": id, "broken": 4}).to_string();
        caller.request("/hooks/acme", "application/json", body).header("x-token", token)
    };
    assert_eq!(answered(hook("m1", "guess")).await.0, 401);
    assert_eq!(answered(hook("m1", &world.token())).await, (200, json!({"receipt": "Taken"})));
    assert_eq!(answered(hook("m1", &world.token())).await, (200, json!({"receipt": "Repeated"})));
    sidecar.end().await;
    assert!(!socket.exists());
    assert_eq!(impacts(&world.log().await, "acme-push").len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_names_what_is_missing_and_leaves_a_running_sidecar_alone() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let looked = async || {
        let (settings, feeds) = world.settings::<Acme>(&tables(&cloud));
        preflight::<Acme>(settings, feeds).await.unwrap()
    };
    let good = looked().await;
    assert!(good.ok, "{good}");
    let (mut settings, feeds) = world.settings::<Acme>(&tables(&cloud));
    settings.data = world.folder.path().join("of-a-preflight");
    let made = settings.data.clone();
    preflight::<Acme>(settings, feeds).await.unwrap();
    let mode = std::fs::metadata(made).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the data folder is made as a run makes it");
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    cloud.play(Some(Fault::Forbidden));
    let bad = looked().await;
    let missing: BTreeSet<&str> =
        bad.checks.iter().filter(|row| row.found == Found::Missing).map(|row| row.permission.as_str()).collect();
    assert_eq!(missing, BTreeSet::from(["acme.List", "acme.Queue"]), "{bad}");
    assert!(!bad.ok && bad.to_string().contains("grant acme.List to the sidecar's identity"), "{bad}");
    cloud.play(Some(Fault::ClockOff));
    assert!(looked().await.to_string().contains("s behind the provider's; set it by NTP"));
    sidecar.end().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_is_away_is_waited_for_and_what_was_said_meanwhile_is_not_lost() {
    let (world, cloud) = (World::new().await, Cloud::start().await);
    let sidecar = world.start::<Acme>(&tables(&cloud)).await;
    let caller = Caller::new(sidecar.address(), world.token());
    caller.ready_with(|ready| ready["ready"] == true).await;
    sidecar.end().await;
    // Nobody listens at port 1.
    let text = world.text("127.0.0.1:0", &tables(&cloud)).replace(&world.nats.url(), "nats://127.0.0.1:1");
    let (settings, feeds) = read::<Acme>(&text).unwrap();
    let start = entente_sidecar::account::Sidecar::start::<Acme>(settings, feeds, entente_journal::Clock::wall());
    let sidecar = start.await.unwrap();
    let caller = Caller::new(sidecar.address(), world.token());
    let ready = caller.ready_with(|ready| ready["reasons"].to_string().contains("no NATS server answers")).await;
    assert_eq!((ready["ready"].as_bool(), caller.get("/healthz").await.0), (Some(false), 200));
    assert_eq!(sidecar.end().await, 0);
    world.end().await;
}

#[test]
fn without_a_sharing_group_nothing_starts_and_every_mistake_is_told_at_once() {
    let text = "org = \"Bank\"\nogr = 1\nbus = [\"http://x:1\", \"nats://\", \"nats://x\"]\n\
                [endpoints]\nacme = \"http://acme.example\"\n[budget]\nacme = 1\n\
                \"acme.List\" = 0\n[feeds.acme-vm]\nguest_signal = 1\n[feeds.acme-queue]\naudience = \"all\"\n[feeds.acme-wm]\n";
    let told = read::<Acme>(text).err().unwrap();
    for part in [
        "acme.toml: org: `Bank`: expected an organisation's slug",
        "acme.toml: ogr: unknown field `ogr`, expected one of: org, role, ",
        "outbox_mib, [endpoints], [budget], [feeds], [acme]",
        "acme.toml: bus: `http://x:1`, `nats://`: expected addresses",
        "acme.toml: budget.acme.List: expected calls a minute, from 1",
        "acme.toml: endpoints.acme: `http://acme.example`: expected an https address",
        "acme.toml: budget.acme: no such name; expected one of: acme.List, acme.Queue",
        "acme.toml: feeds.acme-vm.guest_signal: invalid type",
        "acme.toml: feeds.acme-queue.audience: `all`: what an account sees goes to a sharing group, never to all",
        "acme.toml: feeds.acme-wm: no such feed; expected one of: acme-push, acme-queue, acme-vm",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let told =
        read::<Acme>("org = \"bank\"\n[endpoints]\nacme = \"https://acme.example\"\n[feeds.acme-vm]\n").err().unwrap();
    let group = "set the sharing group of feed acme-vm (audience = \"g…\"; `entente audience create NAME` makes one)";
    assert!(told.contains(group), "{told}");
    // What stands in a file that cannot be read is not missing.
    let told = read::<Acme>("org = \"bank\n").err().unwrap();
    assert!(told.contains("acme.toml: TOML parse error") && !told.contains("default settings"), "{told}");
}

#[test]
fn the_default_file_is_a_file_that_can_be_read() {
    let text = Settings::default_file::<Acme>();
    let told = read::<Acme>(&text).err().unwrap();
    let mistakes: Vec<&str> = told.lines().skip(1).collect();
    assert_eq!(mistakes.len(), 3, "{told}");
    assert!(
        mistakes.iter().all(|mistake| ["org", "audience", "acme"].iter().any(|name| mistake.contains(name))),
        "{told}"
    );
}
