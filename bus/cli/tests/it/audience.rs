//! Sharing groups as their users make them: beside a running `up` and without one.

use std::path::Path;

use serde_json::Value;

use crate::run::entente;
use crate::running::{Up, nats_server};

/// Makes a group and gives its id.
pub fn create(data: &Path, name: &str) -> String {
    let made: Value = serde_json::from_str(&entente(data, &["audience", "create", name, "--json"]).well()).unwrap();
    assert_eq!(made["name"], name);
    made["id"].as_str().unwrap().to_owned()
}

fn list(data: &Path) -> Value {
    serde_json::from_str(&entente(data, &["audience", "list", "--json"]).well()).unwrap()
}

fn is_id(text: &str) -> bool {
    text.len() == 17 && text.starts_with('g') && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'))
}

#[test]
fn a_group_is_made_and_listed_without_a_server_and_beside_one() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    assert!(entente(data, &["audience", "list"]).well().contains("no sharing group"));
    assert!(!data.join("js").exists(), "no nats-server is started to list nothing");
    let banks = create(data, "banks");
    assert!(is_id(&banks), "{banks}");
    assert_eq!(list(data), serde_json::json!([{ "name": "banks", "id": banks, "events": 0 }]));

    let up = Up::start(data, &[]);
    let told = entente(data, &["audience", "create", "clouds"]).well();
    let clouds = list(data)[1]["id"].as_str().unwrap().to_owned();
    assert!(told.contains(&format!("sharing group clouds is {clouds}")), "{told}");
    assert!(told.contains(&format!("\naudience = \"{clouds}\"\n")), "{told}");
    assert_ne!(clouds, banks);
    let again = entente(data, &["audience", "create", "banks"]).complaint(2);
    assert!(again.contains(&format!("`banks` is the sharing group {banks} already")), "{again}");
    assert_eq!(up.end(), Some(0));
    let names: Vec<Value> = list(data).as_array().unwrap().iter().map(|group| group["name"].clone()).collect();
    assert_eq!(names, ["banks", "clouds"]);
    let text = std::fs::read_to_string(data.join("audiences.toml")).unwrap();
    assert!(text.contains(&format!("\nbanks = \"{banks}\"\nclouds = \"{clouds}\"\n")), "{text}");
}

#[test]
fn a_group_that_lost_its_streams_or_its_name_is_told_and_mended() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let banks = create(data, "banks");
    let up = Up::start(data, &[]);
    let (file, spare) = (data.join("audiences.toml"), "gaaaaaaaaaaaaaaaa");
    let named = std::fs::read_to_string(&file).unwrap() + &format!("spare = \"{spare}\"\n");
    std::fs::write(&file, named).unwrap();
    assert!(entente(data, &["audience", "list"]).well().contains("no stream"));
    let mended = entente(data, &["audience", "create", "spare"]);
    assert!(mended.err.contains("made anew") && mended.out.contains(spare), "{mended:?}");
    assert_eq!(list(data)[1], serde_json::json!({ "name": "spare", "id": spare, "events": 0 }));
    assert_eq!(up.end(), Some(0));
    std::fs::write(&file, format!("banks = \"{banks}\"\n")).unwrap();
    let nameless = serde_json::json!({ "name": null, "id": spare, "events": 0 });
    assert!(list(data).as_array().unwrap().contains(&nameless), "{}", list(data));
}

#[test]
fn what_cannot_be_a_group_is_refused_before_anything_is_started() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    for name in ["Banks", "all", "gaaaaaaaaaaaaaaaa", "a b", "-"] {
        let told = entente(data, &["audience", "create", "--", name]).complaint(2);
        assert!(told.contains(&format!("`{name}` is no name of a sharing group")), "{told}");
    }
    std::fs::write(data.join("audiences.toml"), "banks = 7\n").unwrap();
    for line in [["audience", "create", "clouds"].as_slice(), &["audience", "list"]] {
        let told = entente(data, line).complaint(1);
        assert!(told.contains("audiences.toml does not tell the sharing groups"), "{told}");
    }
    assert!(!data.join("js").exists());
}
