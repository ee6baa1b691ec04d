//! What `entente publish` hands over: claims that the publishers' schema takes, with nothing in them that nobody said.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::double::Double;
use crate::help::KINDS;
use crate::run::{Ran, command, entente};

/// The shortest line that says something of each kind.
fn shortest(kind: &str) -> Vec<&str> {
    match kind {
        "remediation" => vec!["local:rescue-vm"],
        "estimate" => vec!["~8.5M"],
        "notice" => vec!["We are aware.", "--about", "gcp.public:1"],
        "constraint" => vec!["must_link", "gcp.public:1", "azure.rss:2", "--reason", "one artifact"],
        "retract" => vec!["1"],
        _ => vec!["some words"],
    }
}

#[test]
fn the_shortest_line_of_each_kind_is_a_whole_claim() {
    let double = Double::start();
    entente(double.data.path(), &["publish", "note", "first"]).well();
    for kind in KINDS {
        let out = entente(double.data.path(), &[&["publish", kind], &shortest(kind)[..]].concat()).well();
        assert!(out.starts_with("published ") && out.contains("\nhttp://127.0.0.1:"), "{kind}: {out}");
    }
    assert_eq!(double.taken().len(), KINDS.len() + 1);
}

#[test]
fn a_full_impact_fits_one_command_line() {
    let double = Double::start();
    let line = [
        "publish",
        "impact",
        "Windows VMs in boot loop",
        "--class",
        "compute",
        "--os",
        "windows",
        "--provider",
        "aws",
        "--region",
        "us-east-1",
        "--state",
        "affected_unavailable",
        "--severity",
        "critical",
        "--since",
        "2024-07-19T04:09:00Z",
        "--affected",
        "1200..1500",
        "--cause-vendor",
        "crowdstrike",
        "--cause-product",
        "falcon",
        "--artifact",
        "C-00000291",
        "--next-update",
        "2024-07-19T06:00:00Z",
        "--counted-at",
        "2024-07-19T05:00:00Z",
        "--symptom",
        "csagent.sys",
        "--effect",
        "unavailable",
        "--invented",
        "--by",
        "Ann",
    ];
    entente(double.data.path(), &line).well();
    let request = &double.taken()[0];
    let mut claim = request["claim"].clone();
    for completed in ["object_id", "rev"] {
        claim.as_object_mut().unwrap().remove(completed);
    }
    let expected = json!({
        "title": "Windows VMs in boot loop", "kind": "incident", "phase": "investigating", "severity": "critical",
        "effect": ["unavailable"], "symptoms": ["csagent.sys"], "next_update_by": "2024-07-19T06:00:00Z",
        "blocks": [{ "provider": "aws", "service_class": "compute", "state": "affected_unavailable",
            "regions": ["us-east-1"], "severity": "critical", "asset": { "os_family": "windows" } }],
        "suspected_cause": { "vendor": "crowdstrike", "product": "falcon", "artifact": "C-00000291",
            "status": "hypothesis" },
        "counts": [{ "unit": "vm", "quantity": "affected", "lo": 1200, "hi": 1500, "method": "expert_judgement",
            "as_of": "2024-07-19T05:00:00Z" }],
        "speaker": { "org": "local", "role": "observer", "relay": "own" },
        "author": { "org": "local", "person": "Ann", "role": "observer" },
        "times": { "occurred_at": "2024-07-19T04:09:00Z", "fidelity": "minute", "observed_at": "2024-07-19T12:00:00Z" },
        "certainty": "observed", "invented": true,
    });
    assert_eq!(claim, expected);
    assert_eq!(request["family"], "impact");
    assert!(request["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap().get_version_num() == 7);
}

#[test]
fn what_was_told_by_phone_is_the_other_organisation_s_word() {
    let double = Double::start();
    let line = ["publish", "impact", "Update reverted", "--for", "crowdstrike", "--class", "security_agent"];
    entente(double.data.path(), &line).well();
    let claim = double.taken()[0]["claim"].clone();
    assert_eq!(claim["speaker"], json!({ "org": "crowdstrike", "role": "vendor", "relay": "relayed" }));
    assert_eq!((&claim["certainty"], &claim["author"]["org"]), (&json!("likely"), &json!("local")));
    assert_eq!(claim["blocks"][0]["provider"], "crowdstrike");
}

#[test]
fn a_figure_that_was_passed_on_is_not_counted_by_us() {
    let double = Double::start();
    let folder = double.data.path();
    let method = |line: &[&str]| {
        entente(folder, &[&["publish"], line].concat()).well();
        let claim = double.taken().last().unwrap()["claim"].clone();
        let of_count = claim["counts"][0]["method"].as_str();
        of_count.or(claim["method"].as_str()).unwrap().to_owned()
    };
    for (line, expected) in [
        (vec!["estimate", "8.5M"], "expert_judgement"),
        (vec!["estimate", "8500000", "--for", "microsoft"], "vendor_statement"),
        (vec!["estimate", "8.5 million", "--for", "statista", "--role", "observer"], "third_party"),
        (vec!["estimate", "8.5M", "--for", "microsoft", "--method", "sample_survey"], "sample_survey"),
        (vec!["impact", "x", "--class", "dns", "--affected", "1,200"], "exact_enumeration"),
        (vec!["impact", "x", "--class", "dns", "--affected", "1.2k"], "expert_judgement"),
        (vec!["impact", "x", "--class", "dns", "--affected", "1200", "--for", "gcp"], "vendor_statement"),
        (vec!["impact", "x", "--class", "dns", "--affected", "1200..1,500", "--for", "gcp"], "vendor_statement"),
    ] {
        assert_eq!(method(&line), expected, "{line:?}");
    }
}

#[test]
fn remarks_are_told_beside_the_answer() {
    let double = Double::start();
    let ran = entente(double.data.path(), &["publish", "note", "a remark, please"]);
    assert!(ran.err.contains("note: Nobody is addressed."), "{ran:?}");
    assert!(ran.well().starts_with("published message"));
    let ran = entente(double.data.path(), &["publish", "note", "a remark, please", "--json"]);
    assert_eq!(ran.err, "");
    assert_eq!(serde_json::from_str::<Value>(&ran.well()).unwrap()["remarks"], json!(["Nobody is addressed."]));
}

#[test]
fn a_dry_run_shows_what_the_running_server_would_publish() {
    let double = Double::start();
    let ran = entente(double.data.path(), &["publish", "note", "a remark, please", "--dry-run"]);
    assert!(ran.err.contains("note: Nobody is addressed."), "{ran:?}");
    let claim: Value = serde_json::from_str(&ran.well()).unwrap();
    // The double completes times with one of its own.
    assert_eq!(claim["times"]["observed_at"], "2024-07-19T12:00:00Z");
    assert_eq!(double.taken(), Vec::<Value>::new());
}

#[test]
fn a_revision_changes_what_the_flags_say_and_nothing_else() {
    let double = Double::start();
    let folder = double.data.path();
    let first = ["publish", "impact", "DNS slow", "--class", "dns", "--state", "affected_degraded", "--affected", "10"];
    entente(folder, &first).well();
    let object = double.taken()[0]["claim"]["object_id"].as_str().unwrap().to_owned();
    let line =
        ["publish", "impact", "--object", &object, "--phase", "monitoring", "--state", "restored", "--restored", "9"];
    entente(folder, &line).well();
    let taken = double.taken();
    let (before, after) = (&taken[0]["claim"], &taken[1]["claim"]);
    assert_eq!((&after["title"], &after["phase"]), (&before["title"], &json!("monitoring")));
    assert_eq!(
        (&after["blocks"][0]["state"], &after["blocks"][0]["service_class"]),
        (&json!("restored"), &json!("dns"))
    );
    let quantities: Vec<&Value> = after["counts"].as_array().unwrap().iter().map(|count| &count["quantity"]).collect();
    assert_eq!(quantities, ["affected", "restored"]);
    entente(folder, &["publish", "impact", "--still", &object]).well();
    let mut still = double.taken()[2]["claim"].clone();
    assert!(still["times"].as_object_mut().unwrap().remove("confirmed_at").is_some());
    assert_eq!(still.as_object_mut().unwrap().remove("cause"), Some(json!("still")));
    still["rev"] = after["rev"].clone();
    assert_eq!(&still, after);
    let requests = double.taken();
    assert_eq!((&requests[2]["still"], &requests[1]["still"]), (&json!(true), &Value::Null));
}

#[test]
fn standard_input_gives_members_and_flags_go_over_them() {
    let double = Double::start();
    let mut child = command(double.data.path())
        .args(["publish", "impact", "--file", "-", "--severity", "major", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let members = br#"{"title": "from a file", "severity": "minor", "kind": "incident"}"#;
    child.stdin.take().unwrap().write_all(members).unwrap();
    let out = Ran::from(child.wait_with_output().unwrap()).well();
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&answer["position"], answer["link"].is_string()), (&json!(1), true));
    let claim = &double.taken()[0]["claim"];
    assert_eq!((&claim["title"], &claim["severity"]), (&json!("from a file"), &json!("major")));
}

#[test]
fn a_retraction_names_its_target_as_the_log_has_it() {
    let double = Double::start();
    entente(double.data.path(), &["publish", "note", "wrong", "--id", "01912b6e-1111-7000-8000-000000000001"]).well();
    entente(double.data.path(), &["publish", "retract", "1", "--reason", "duplicate"]).well();
    let taken = double.taken();
    let (target, claim) = (&taken[0], &taken[1]["claim"]);
    assert_eq!(claim["target"], "01912b6e-1111-7000-8000-000000000001");
    assert_eq!((&claim["target_object"], &claim["target_rev"]), (&target["claim"]["object_id"], &json!(1)));
    assert_eq!(claim["target_source"], "//local/desk/01J3XQ4Z6Y7W8V9T0S1R2Q3P4N");
}

#[test]
fn a_message_begins_its_own_thread_unless_it_goes_on_one() {
    let double = Double::start();
    entente(double.data.path(), &["publish", "request", "How many?", "--to", "aws", "--about", "inc-1"]).well();
    entente(double.data.path(), &["publish", "commitment", "Soon", "--thread", "aws:1", "--due", "2024-07-20"]).well();
    let taken = double.taken();
    let (request, commitment) = (&taken[0]["claim"], &taken[1]["claim"]);
    assert_eq!(request["thread_id"], request["object_id"]);
    assert_eq!(request["refs"], json!([{ "kind": "incident", "value": "inc-1", "relation": "related" }]));
    assert_eq!((&commitment["thread_id"], &commitment["state"]), (&json!("aws:1"), &json!("committed")));
}

#[test]
fn a_dry_run_checks_without_a_server() {
    let data = tempfile::tempdir().unwrap();
    let ran = entente(data.path(), &["publish", "impact", "DNS slow", "--class", "dns", "--dry-run"]);
    assert!(ran.err.contains("was not looked up"), "{ran:?}");
    let claim: Value = serde_json::from_str(&ran.well()).unwrap();
    assert_eq!(claim["blocks"][0]["service_class"], "dns");
}
