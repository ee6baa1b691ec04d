//! The views: what the server says, unchanged but for control characters; pipes that close; keys that nobody knows.

use std::process::Stdio;

use crate::double::Double;
use crate::run::{command, entente};

#[test]
fn views_print_text_or_json() {
    let double = Double::start();
    let folder = double.data.path();
    let folded = "the board state=open\n2 closed incidents are left out: `--all` lists them too\n";
    assert_eq!(entente(folder, &["picture"]).well(), folded);
    assert_eq!(entente(folder, &["picture", "--all", "--provider", "gcp"]).well(), "the board provider=gcp\n");
    assert_eq!(entente(folder, &["picture", "--state", "closed"]).well(), "the board state=closed\n");
    entente(folder, &["publish", "note", "one"]).well();
    assert_eq!(entente(folder, &["picture", "--all", "--as-of", "-1"]).well(), "the board as_of=0\n");
    assert!(entente(folder, &["picture", "--json", "--as-of", "3"]).well().contains("\"as_of\""));
    let incident = "the incident gcp.public:a/b?c\n\nOBJECTS\n  gcp: Windows  gcp.public:a/b?c\n";
    assert_eq!(entente(folder, &["incident", "gcp.public:a/b?c"]).well(), incident);
    let why = entente(folder, &["why", "gcp.public:1"]).well();
    assert!(why.contains("gcp.public:1 and local:2: one artifact"), "{why}");
    let json: serde_json::Value = serde_json::from_str(&entente(folder, &["why", "x:1", "--json"]).well()).unwrap();
    assert_eq!(json["why"][0]["reasons"][0], "one artifact");
}

#[test]
fn what_is_not_there_has_a_code_of_its_own() {
    let double = Double::start();
    let complaint = entente(double.data.path(), &["incident", "inc-unknown"]).complaint(3);
    assert!(complaint.contains("there is no incident inc-unknown"), "{complaint}");
    let complaint = entente(double.data.path(), &["publish", "retract", "99"]).complaint(3);
    assert!(complaint.contains("there is no event 99"), "{complaint}");
    let complaint = entente(double.data.path(), &["publish", "impact", "--still", "local:1"]).complaint(3);
    assert!(complaint.contains("no desk has published impact local:1"), "{complaint}");
    let complaint = entente(double.data.path(), &["picture", "--as-of", "soon"]).complaint(2);
    assert!(complaint.contains("'soon' for '--as-of <POSITION|-RECORDS|TIME>': expected a position such as 120, so many records back such as -3"), "{complaint}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let double = Double::start();
    let mut child = command(double.data.path())
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""));
}
