//! A log that recorded feeds are played into: its clock, its times, and what a start may not do to them. And what is left
//! of a start that was killed, or finds its port taken.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::run::entente;
use crate::running::{Up, nats_server};

fn said(data: &Path) -> String {
    std::fs::read_to_string(data.join("said")).unwrap()
}

fn note(data: &Path, text: &str) {
    entente(data, &["publish", "note", text]).well();
}

/// The picture: what its clock shows, and what is held back.
fn picture(data: &Path, moment: &[&str]) -> (String, Value) {
    let shown = entente(data, &[&["picture", "--json"], moment].concat()).well();
    let picture: Value = serde_json::from_str(&shown).unwrap();
    (picture["at"].as_str().unwrap().to_owned(), picture["held_back"].clone())
}

/// When the log took the record at a position, as it is shown.
fn taken(data: &Path, position: &str) -> String {
    picture(data, &["--as-of", position]).0
}

#[test]
fn a_log_is_played_forward_only_and_each_record_keeps_its_time() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--clock-from", "2024-07-19T04:00:00Z"]);
    note(data, "the first");
    assert!(said(data).contains("the clock shows 2024-07-19 04:0"), "{}", said(data));
    assert_eq!(up.end(), Some(0));

    note(data, "the second, without a server");
    assert!(picture(data, &[]).0.starts_with("2024-07-19T04:"), "who only asks goes on under the log's own clock");

    for set in ["2024-07-19T04:00:00Z", "2024-07-19T03:00:00Z"] {
        let again = entente(data, &["up", "--port", "0", "--no-public-feeds", "--clock-from", set]);
        let complaint = again.complaint(2);
        for part in ["before the log's last record, of 2024-07-19 04:", "--clock-from 2024-07-19T04:", "--data DIR"] {
            assert!(complaint.contains(part), "{part} in {complaint}");
        }
    }
    let up = Up::start(data, &["--clock-from", "2024-07-19T05:00:00Z"]);
    note(data, "the third");
    assert!(taken(data, "1").starts_with("2024-07-19T04:") && taken(data, "3").starts_with("2024-07-19T05:"));
    assert_eq!(up.end(), Some(0));

    let up = Up::start(data, &[]);
    assert!(said(data).contains("what comes now is dated by this machine's"), "{}", said(data));
    note(data, "the fourth");
    let (now, held_back) = picture(data, &[]);
    assert!(!now.starts_with("2024-07-19") && taken(data, "4").get(..10) == now.get(..10), "{now}");
    assert!(taken(data, "2").starts_with("2024-07-19T04:") && taken(data, "3").starts_with("2024-07-19T05:"));
    assert_eq!(held_back, serde_json::json!([]));
    assert_eq!(up.end(), Some(0));
}

#[test]
fn a_clock_that_no_record_can_have_stops_the_start() {
    let data = tempfile::tempdir().unwrap();
    for set in ["1999-12-31T23:59:59Z", "2100-01-01"] {
        let again = entente(data.path(), &["up", "--port", "0", "--no-public-feeds", "--clock-from", set]);
        let complaint = again.complaint(2);
        assert!(complaint.contains("no record can have") && complaint.contains("from 2000 to 2099"), "{complaint}");
    }
}

#[test]
fn the_wall_s_clock_does_not_take_up_what_was_played_ahead_of_it() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--clock-from", "2098-01-01T00:00:00Z"]);
    note(data, "long after");
    assert_eq!(up.end(), Some(0));
    let complaint = entente(data, &["up", "--port", "0", "--no-public-feeds"]).complaint(2);
    for part in ["before the log's last record, of 2098-01-01", "--clock-from 2098-01-01T"] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
    note(data, "who does not set the clock back goes on");
}

#[test]
fn a_server_of_another_s_log_does_not_take_the_clock_of_its_folder_s_own() {
    if !nats_server() {
        return;
    }
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let up = Up::start(ours.path(), &[]);
    std::fs::write(theirs.path().join("clock"), "{\"after\":0,\"shift_ms\":-86400000}\n").unwrap();
    let (nats, key) = (std::fs::read_to_string(ours.path().join("nats")).unwrap(), ours.path().join("key"));
    let line = ["serve", "--nats", nats.trim(), "--seed", key.to_str().unwrap(), "--port", "0"];
    let complaint = entente(theirs.path(), &line).complaint(2);
    assert!(complaint.contains("filled under another clock") && complaint.contains("--data DIR"), "{complaint}");
    assert_eq!(up.end(), Some(0));
}

#[test]
fn who_listens_where_a_killed_server_did_is_not_handed_the_token() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    stranger.set_nonblocking(true).unwrap();
    std::fs::write(data.join("address"), format!("http://{}\n", stranger.local_addr().unwrap())).unwrap();
    std::fs::write(data.join("token"), "abcdefghijklmnopqrstuvwxyz234567\n").unwrap();
    let ran = entente(data, &["publish", "note", "to the log and to nobody else"]);
    assert!(ran.err.contains("no server runs: starting one for this command"), "{ran:?}");
    assert!(ran.well().contains("at position 1"));
    assert_eq!(stranger.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody has called");
}

#[test]
fn a_port_that_is_taken_is_told_with_the_flag_that_names_another() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let complaint = entente(temporary.path(), &["up", "--no-public-feeds", "--port", &port]).complaint(4);
    for part in [&format!("port {port} of 127.0.0.1 cannot be listened on"), "next: choose another with --port"] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
}
