//! July 2024 through the real command: two incidents and never one, and the eight answers on the incident page at three
//! moments of the night, each as far as the log had come then.

use entente_tests::night::{Moment, Night};
use serde_json::Value;

const QUESTIONS: [&str; 8] = ["affected", "count", "cause", "working", "owes", "told", "unknown", "fresh"];

#[tokio::test(flavor = "multi_thread")]
async fn two_incidents_and_eight_answers_at_three_moments_of_the_night() {
    let mut night = Night::begin().await;
    let moments = [night.until_the_revert().await, night.until_the_driver_is_named().await, night.until_noon().await];
    for moment in &moments {
        println!("\nat {}, log position {}", moment.at, moment.position);
        let incident = two_incidents(&night, moment).await;
        eight_answers(&night, moment, &incident).await;
    }
    people_were_first(&night, &moments[0]).await;
    silence_is_of_one_incident(&night, &moments[2]).await;
    what_is_disputed_is_shown(&night, &moments[2]).await;
    assert_eq!(night.up.stop().await, Some(0), "{}", night.up.log());
    let verified = night.up.run(&["verify", "--json"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

fn members(incident: &Value) -> Vec<&str> {
    let members = incident["members"].as_array().expect("members");
    members.iter().filter_map(|member| member["object_id"].as_str()).collect()
}

/// The one that AWS's report belongs to, beside the one of Azure's storage.
async fn two_incidents(night: &Night, moment: &Moment) -> Value {
    let picture = night.up.json(&format!("/v1/picture?{}", moment.query())).await;
    let incidents = picture["incidents"].as_array().expect("incidents");
    let names: Vec<&Value> = incidents.iter().map(|incident| &incident["name"]).collect();
    println!("{names:?}");
    assert_eq!(incidents.len(), 2, "{names:?}");
    assert_eq!(picture["totals"]["incidents"], 2);
    assert_eq!(picture["held_back"].as_array().map(Vec::len), Some(0), "{}", picture["held_back"]);
    let of = |object: &str| incidents.iter().find(|incident| members(incident).iter().any(|id| id.contains(object)));
    let (storage, windows) = (of("1K80-N_8").expect("the storage"), of(&night.windows).expect("the Windows incident"));
    assert_ne!(storage["id"], windows["id"]);
    assert!(members(storage).iter().any(|id| id.contains("codehost")), "{:?}", members(storage));
    windows.clone()
}

async fn eight_answers(night: &Night, moment: &Moment, incident: &Value) {
    let id = incident["id"].as_str().expect("an id");
    let (status, page) = night.up.get(&format!("/incidents/{id}?{}", moment.query())).await;
    assert_eq!(status, 200, "{page}");
    for question in QUESTIONS {
        let answer = answer(&page, question);
        println!("{question:>9}: {answer}");
        assert!(answer.chars().filter(|c| c.is_alphanumeric()).count() >= 5, "{question} is answered by {answer:?}");
    }
    let (status, text) = night.up.get(&format!("/incidents/{id}/text?{}", moment.query())).await;
    assert_eq!(status, 200);
    assert!(text.lines().count() > 12 && !text.contains("<div"), "{text}");
    println!("{text}");
}

/// The text within the element that answers a question, without its own heading.
fn answer(page: &str, question: &str) -> String {
    let marked = format!("data-q=\"{question}\"");
    assert_eq!(page.matches(&marked).count(), 1, "{marked} stands once");
    let (_, after) = page.split_once(&marked).expect("it stands there");
    let (_, inside) = after.split_once('>').expect("a tag ends");
    let end = inside.find("data-q=").or_else(|| inside.find("</section>")).unwrap_or(inside.len());
    let mut text = String::new();
    for (index, piece) in inside[..end].split('<').enumerate() {
        let shown = if index == 0 { piece } else { piece.split_once('>').map_or("", |(_, shown)| shown) };
        text.push(' ');
        text.push_str(shown.trim());
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Before 06:48 no feed knows of it: the desk's report is marked invented, and the vendor's words were passed on.
async fn people_were_first(night: &Night, moment: &Moment) {
    let incident = night.up.json(&format!("/v1/incidents/{}?{}", night.windows, moment.query())).await;
    let lanes = incident["lanes"].as_array().expect("lanes");
    let claim = |speaker: &str| &lanes.iter().find(|lane| lane["speaker"] == speaker).expect("a lane")["claim"];
    assert_eq!((&claim("aws")["relay"], &claim("aws")["invented"]), (&"own".into(), &true.into()));
    assert_eq!(claim("crowdstrike")["relay"], "relayed");
    assert_eq!(claim("crowdstrike")["told_by"], "liaison, AWS");
    assert!(lanes.iter().all(|lane| lane["claim"]["relay"] != "polled"), "{lanes:#?}");
    assert!(members(&incident).iter().all(|id| id.starts_with("aws:")), "{:?}", members(&incident));
}

/// Azure said nothing of its storage for nine hours and spoke of the restarting machines an hour ago.
async fn silence_is_of_one_incident(night: &Night, moment: &Moment) {
    let picture = night.up.json(&format!("/v1/picture?{}", moment.query())).await;
    let rows = picture["matrix"]["rows"].as_array().expect("rows");
    let row = |speaker: &str| rows.iter().find(|row| row["speaker"] == speaker).expect("a row");
    assert!(row("azure")["silent_since"].is_null(), "{}", row("azure"));
    assert!(row("crowdstrike")["silent_since"].as_str().is_some_and(|since| since.starts_with("2024-07-19T09:45")));
    let incidents = picture["incidents"].as_array().expect("incidents");
    let storage = incidents.iter().find(|one| members(one).iter().any(|id| id.contains("1K80-N_8"))).expect("it");
    let lane = storage["lanes"].as_array().expect("lanes").iter().find(|lane| lane["speaker"] == "azure");
    assert!(lane.expect("a lane")["silent_since"].as_str().is_some_and(|since| since.starts_with("2024-07-19T02:55")));
}

async fn what_is_disputed_is_shown(night: &Night, moment: &Moment) {
    let incident = night.up.json(&format!("/v1/incidents/{}?{}", night.windows, moment.query())).await;
    let disagreements = incident["disagreements"].as_array().expect("disagreements");
    let kinds: Vec<&str> = disagreements.iter().filter_map(|disagreement| disagreement["kind"].as_str()).collect();
    assert!(kinds.contains(&"start") && kinds.contains(&"severity"), "{kinds:?}");
    let ids = members(&incident);
    for part in ["gcp.public:winvm4july", "1VT1-LX0"] {
        assert!(ids.iter().any(|id| id.contains(part)), "{part} in {ids:?}");
    }
    let unknown = incident["unknowns"].as_array().expect("unknowns");
    assert!(unknown.iter().any(|gap| gap["speaker"] == "azure" && gap["kind"] == "region"), "{unknown:?}");
}
