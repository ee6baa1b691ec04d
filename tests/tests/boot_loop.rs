//! A guest boot loop in three clouds at once, seen by real sidecars: whoever has sight says how many are affected and why, who
//! has none says unknown, nobody says none for lack of sight; then repairs rise, through kills of the sidecars too.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use entente_exercise::Condition;
use entente_tests::clouds::Clouds;
use serde_json::Value;
use tokio::time::{Instant, sleep};

const WINDOWS: [usize; 3] = [400, 300, 300];
/// How the page of an incident names the arms of AWS's machines.
const ARMS: [&str; 2] = ["<bdi>us-east-1</bdi>", "<bdi>eu-west-1</bdi>"];
/// How long anything may take; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_loop_in_three_clouds_is_counted_where_there_is_sight_and_unknown_elsewhere() {
    let clouds = Clouds::start(WINDOWS).await;
    let mut sidecars = Vec::new();
    for (cloud, org, sight) in
        [(0, "acme", true), (1, "acme", true), (2, "acme", true), (1, "umbra", false), (2, "umbra", false)]
    {
        let Some(sidecar) = clouds.sidecar(cloud, org, sight) else { return };
        sidecars.push(sidecar);
    }

    // Before anything happened only those without sight have something to say: that they do not know.
    let quiet = clouds
        .up
        .picture_when("both that see nothing say so", |picture| {
            ["gcp.compute:desks/guest", "azure.vm:desks/guest"]
                .iter()
                .all(|object| total(picture, "umbra", object, "unknown") == Some(320))
        })
        .await;
    assert_eq!(incidents_of(&quiet, "acme").len(), 0, "{}", quiet["incidents"]);
    never_none(&quiet);

    for (cloud, count) in WINDOWS.into_iter().enumerate() {
        clouds.set(cloud, count, &Condition::BootLoop);
    }
    let objects = ["aws.ec2:desks/guest", "gcp.compute:desks/guest", "azure.vm:desks/guest"];
    let broken = clouds
        .up
        .picture_when("three clouds say affected", |picture| {
            show(picture);
            (0..3).all(|cloud| total(picture, "acme", objects[cloud], "affected") == Some(WINDOWS[cloud] as u64))
        })
        .await;
    never_none(&broken);
    for object in objects {
        let claim = claim(&clouds, &broken, "acme", object).await;
        println!("{object}: {}", claim["title"]);
        assert_eq!(claim["suspected_cause"]["class"], "correlated_guest_failure", "{claim}");
        assert!(claim["blocks"].as_array().unwrap().iter().all(|block| block["layer"] == "guest"), "{claim}");
    }
    for object in &objects[1..] {
        assert_eq!(total(&broken, "umbra", object, "affected"), None, "no sight, no figure");
    }

    // A sidecar that was killed goes on where it was: nothing is said twice.
    let before = clouds.logged().await.len();
    sidecars[0].kill();
    sidecars[0].launch();
    let mended = repairs_rise(&clouds, objects[0]).await;
    never_none(&mended);

    for (cloud, count) in WINDOWS.into_iter().enumerate() {
        clouds.set(cloud, count, &Condition::Well);
    }
    let over = clouds
        .up
        .picture_when("everything works again", |picture| {
            (0..3).all(|cloud| total(picture, "acme", objects[cloud], "remaining") == Some(0))
        })
        .await;
    never_none(&over);

    let (found, events) = clouds.secrets_told().await;
    println!("{events} events in the group's log, {before} before the kill");
    assert!(found.is_empty(), "told: {found:?}");
    for sidecar in &mut sidecars {
        assert_eq!(sidecar.stop().await, Some(0), "{}", sidecar.log());
    }
    let verified = clouds.up.run(&["verify", "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// Repairs in two regions, one after the other: what each of their stages is in the log, and what it shows to those who look
/// at the board, at the incident's page, and at the text to be copied. Gives the picture once they are seen.
async fn repairs_rise(clouds: &Clouds, object: &str) -> Value {
    let (near, far) = (&clouds.windows[0][..60], &clouds.windows[0][WINDOWS[0] - 40..]);
    let (fleet, automations) = (clouds.fleet(0), clouds.aws.automations());
    let document = "AWSSupport-StartEC2RescueWorkflow";
    let start = |region, machines| automations.start_many(region, document, machines, Utc::now());
    let parents = [start("us-east-1", near), start("eu-west-1", far)];
    let end = |parent: &str, machines| automations.set_children(parent, machines, "Success", Utc::now());

    let begun = run_when(clouds, "runs that have repaired nothing yet", |run| run("targeted") >= 100).await;
    assert_eq!(begun["succeeded"], 0, "{begun:?}");
    shown(clouds, object, "0 of 100 attempted", &["0 of 60 attempted", "0 of 40 attempted"]).await;

    end(&parents[0], near);
    let ended = run_when(clouds, "workflows that ended are attempts", |run| run("attempted") >= 60).await;
    assert_eq!(ended["succeeded"], 0, "the machines still do not answer: {ended:?}");
    let tried = "60 of 100 attempted, none works again";
    shown(clouds, object, tried, &["60 of 60 attempted, none works again", "0 of 40 attempted"]).await;

    fleet.set(near.iter().copied(), &Condition::Well, Utc::now());
    run_when(clouds, "repairs that are seen", |run| run("succeeded") == 60).await;
    let risen = "60 of 100 attempted, 60 work again";
    shown(clouds, object, risen, &["60 of 60 attempted, 60 work again", "0 of 40 attempted"]).await;

    end(&parents[1], far);
    fleet.set(far.iter().copied(), &Condition::Well, Utc::now());
    run_when(clouds, "repairs in the other region", |run| run("succeeded") == 100).await;
    let whole = "100 of 100 attempted, 100 work again";
    shown(clouds, object, whole, &["60 of 60 attempted, 60 work again", "40 of 40 attempted, 40 work again"]).await;
    let remain = |picture: &Value| total(picture, "acme", object, "remaining") == Some((WINDOWS[0] - 100) as u64);
    clouds.up.picture_when("what remains", remain).await
}

/// Waits until the incident of an object tells on every view how far its repair has come, and its page the arms by region.
async fn shown(clouds: &Clouds, object: &str, whole: &str, arms: &[&str; 2]) {
    let picture = clouds.up.json("/v1/picture").await;
    let of_object = |incident: &&Value| members(incident).any(|member| member["object_id"] == object);
    let incident = incidents_of(&picture, "acme").into_iter().find(of_object).expect("an incident");
    let page = format!("/incidents/{}", incident["id"].as_str().expect("an id"));
    let views = [
        ("/".to_owned(), vec![format!("Repair: {whole} (Acme)")]),
        ("/board.txt".to_owned(), vec![format!("repair: {whole} (Acme)")]),
        (page.clone(), vec![whole.to_owned(), ARMS[0].to_owned(), ARMS[1].to_owned(), arms[0].into(), arms[1].into()]),
        (
            format!("{page}/text"),
            vec![format!("Acme: {whole}; "), format!("us-east-1: {}", arms[0]), format!("eu-west-1: {}", arms[1])],
        ),
    ];
    for (path, wanted) in views {
        let until = Instant::now() + PATIENCE;
        loop {
            let (_, seen) = clouds.up.get(&path).await;
            if wanted.iter().all(|words| seen.contains(words)) {
                break;
            }
            assert!(Instant::now() < until, "{path} does not show {wanted:?}: {seen}");
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// What the figures are, for whoever reads of a failure.
fn show(picture: &Value) {
    for incident in incidents(picture) {
        let objects: Vec<&Value> = members(incident).map(|member| &member["object_id"]).collect();
        println!("{}: {} of {objects:?}", incident["id"], incident["counts"]);
    }
}

fn incidents(picture: &Value) -> &[Value] {
    picture["incidents"].as_array().map_or(&[], Vec::as_slice)
}

/// The incidents that an organisation speaks of.
fn incidents_of<'a>(picture: &'a Value, org: &str) -> Vec<&'a Value> {
    let speaks =
        |incident: &&Value| members(incident).any(|member| member["speaker"]["org"] == org || member["speaker"] == org);
    incidents(picture).iter().filter(speaks).collect()
}

fn members(incident: &Value) -> impl Iterator<Item = &Value> {
    incident["members"].as_array().into_iter().flatten()
}

/// What an organisation's figures of one quantity add up to in the incident of an object; none if it gives none.
fn total(picture: &Value, org: &str, object: &str, quantity: &str) -> Option<u64> {
    let incident =
        incidents_of(picture, org).into_iter().find(|incident| members(incident).any(|m| m["object_id"] == object))?;
    let groups = incident["counts"].as_array()?.iter().filter(|group| group["quantity"] == quantity);
    let figures = groups.flat_map(|group| group["figures"].as_array().into_iter().flatten());
    let system = object.split('.').next().unwrap_or_default();
    let own = figures.filter(|figure| figure["speaker"] == org && population(figure).contains(system));
    let values: Vec<u64> = own.filter_map(|figure| figure["value"].as_u64()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

fn population(figure: &Value) -> &str {
    figure["population"].as_str().unwrap_or_default()
}

/// The tallies of the repairs of AWS's machines, all arms together, once they fit.
async fn run_when(clouds: &Clouds, what: &str, fits: impl Fn(&dyn Fn(&str) -> u64) -> bool) -> BTreeMap<String, u64> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut sums = BTreeMap::from([("succeeded".to_owned(), 0)]);
        for claim in current(&clouds.logged().await, "io.entente.remediation.v1") {
            for arm in claim["arms"].as_array().into_iter().flatten().filter(|arm| arm["block"]["provider"] == "aws") {
                for (member, count) in arm["tally"].as_object().into_iter().flatten() {
                    *sums.entry(member.clone()).or_insert(0) += count.as_u64().unwrap_or(0);
                }
            }
        }
        if fits(&|member| sums.get(member).copied().unwrap_or(0)) {
            return sums;
        }
        assert!(Instant::now() < until, "{what}: {sums:?}");
        sleep(Duration::from_millis(250)).await;
    }
}

/// The newest revision of each object of a type.
fn current(logged: &[Vec<u8>], kind: &str) -> Vec<Value> {
    let events = logged.iter().filter_map(|payload| serde_json::from_slice::<Value>(payload).ok());
    let mut newest: BTreeMap<String, Value> = BTreeMap::new();
    for event in events.filter(|event| event["type"] == kind) {
        newest.insert(event["data"]["object_id"].as_str().unwrap_or_default().to_owned(), event["data"].clone());
    }
    newest.into_values().collect()
}

/// No figure of any picture says that none are affected.
fn never_none(picture: &Value) {
    for incident in incidents(picture) {
        for group in incident["counts"].as_array().into_iter().flatten().filter(|group| group["quantity"] == "affected")
        {
            for figure in group["figures"].as_array().into_iter().flatten() {
                assert_ne!(figure["value"], 0, "{figure}");
            }
        }
    }
}

/// The current claim of an object, from the log.
async fn claim(clouds: &Clouds, picture: &Value, org: &str, object: &str) -> Value {
    assert!(!incidents_of(picture, org).is_empty());
    let logged = clouds.logged().await;
    let events = logged.iter().filter_map(|payload| serde_json::from_slice::<Value>(payload).ok());
    let own = events.filter(|event| event["data"]["object_id"] == object && event["data"]["speaker"]["org"] == org);
    own.max_by_key(|event| event["data"]["rev"].as_u64()).map(|event| event["data"].clone()).expect("it was said")
}
