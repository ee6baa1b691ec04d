//! The command against a real server: the examples of its help as they are typed, moments of the log, streams that are
//! cut, and commands that run side by side without a server.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::help::{KINDS, examples, said_before};
use crate::run::{command, entente, shell};
use crate::running::{Up, nats_server, until};

fn answer(data: &Path, line: &[&str]) -> Value {
    serde_json::from_str(&entente(data, &[line, &["--json"]].concat()).well()).unwrap()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// Says something under each id that the examples name; gives the example's id and the one that stands for it.
fn ground(data: &Path) -> Vec<(String, String)> {
    said_before(data);
    let mut ids = Vec::new();
    for named in ["gcp.public:DK3LfKowzJPpZq4Q9YqP", "azure.rss:1K80-N_8"] {
        let said = answer(data, &["publish", "impact", named, "--class", "compute"]);
        ids.push((named.to_owned(), said["object_id"].as_str().unwrap().to_owned()));
    }
    let incident =
        answer(data, &["incident", &text(&answer(data, &["events"])["events"][11], "object_id")])["id"].clone();
    ids.push(("inc-2kq7c4w1xz".to_owned(), incident.as_str().unwrap().to_owned()));
    ids
}

#[test]
fn every_example_works_as_it_is_typed() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    std::fs::write(data.join("statement.txt"), "We are aware.\n").unwrap();
    let ids = ground(data);
    let kinds = KINDS.map(|kind| vec!["publish", kind]);
    let others = ["picture", "incident", "why", "events", "verify"].map(|name| vec![name]);
    for command in kinds.into_iter().chain(others) {
        let help = entente(data, &[&command[..], &["--help"]].concat()).well();
        for example in examples(&help) {
            let typed = ids.iter().fold(example.clone(), |line, (named, id)| line.replace(named, id));
            let ran = shell(data, &typed);
            assert_eq!(ran.code, Some(0), "{typed}\n{ran:?}");
        }
    }
    assert_eq!(up.end(), Some(0));
}

#[test]
fn what_a_claim_is_about_is_found_by_every_name_or_refused() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--org", "gcp", "--role", "provider"]);
    let said = answer(data, &["publish", "impact", "DNS slow", "--class", "dns"]);
    let (object, event) = (text(&said, "object_id"), text(&said, "id"));
    let declared =
        ["publish", "constraint", "declare", &object, "--name", "channel-file-291", "--reason", "used on the bridge"];
    entente(data, &declared).well();
    let incident = text(&answer(data, &["incident", &object]), "id");
    for name in ["channel-file-291", &incident, &object, &event, "1"] {
        entente(data, &["publish", "note", name, "--about", name]).well();
        entente(data, &["publish", "impact", name, "--class", "dns", "--about", name]).well();
        entente(data, &["publish", "notice", name, "--about", name]).well();
    }
    let said_there = answer(data, &["events", "--about", "channel-file-291", "--limit", "50"])["events"].clone();
    let of_family = |name: &str| said_there.as_array().unwrap().iter().filter(|line| line["family"] == name).count();
    assert_eq!((of_family("message"), of_family("impact"), of_family("notice")), (5, 6, 5), "{said_there:#}");
    let complaint = entente(data, &["publish", "note", "x", "--about", "channel-file-219"]).complaint(2);
    assert!(complaint.contains("nothing on the log answers to `channel-file-219`"), "{complaint}");
    let complaint = entente(data, &["publish", "note", "x", "--ref", "tracking:1K80-N_8"]).complaint(2);
    assert!(complaint.contains("--ref tracking_id:1K80-N_8; kinds: cve, vendor_bulletin, tracking_id"), "{complaint}");
    assert!(!complaint.contains("/v1/"), "{complaint}");
    let complaint = entente(data, &["publish", "remediation", "no-such"]).complaint(2);
    assert!(complaint.contains("`entente events --family approach` lists what there is"), "{complaint}");
    assert!(!complaint.contains("/v1/") && !complaint.contains("in problems"), "{complaint}");
    for (flag, key) in [("--provider", "provider"), ("--lane", "lane")] {
        let told = entente(data, &["picture", flag, "gpc"]).err;
        assert!(told.contains(&format!("no incident has {key} `gpc`; did you mean `gcp`? known: gcp")), "{told}");
        assert_eq!(entente(data, &["picture", flag, "gcp"]).err, "");
    }
    entente(data, &["publish", "note", "turned\u{202e}round"]).well();
    assert!(entente(data, &["events"]).well().contains("turnedround"));
    assert_eq!(up.end(), Some(0));
}

#[test]
fn an_object_is_gone_on_with_by_its_position() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    let said = answer(data, &["publish", "impact", "DNS slow", "--class", "dns"]);
    let (object, event) = (text(&said, "object_id"), text(&said, "id"));
    assert!(entente(data, &["publish", "impact", "--object", "1", "--phase", "monitoring"]).well().contains(&object));
    assert!(entente(data, &["publish", "impact", "--still", &event]).well().contains("revision 3"));
    let complaint = entente(data, &["publish", "impact", "--still", "99"]).complaint(3);
    assert!(complaint.contains("the log has no record `99`") && complaint.contains("`entente events`"), "{complaint}");
    for line in [vec!["events"], vec!["incident", &object]] {
        let shown = entente(data, &line).well();
        assert!(shown.lines().any(|line| line.ends_with(&object)), "{shown}");
    }
    let named = ["publish", "approach", "Reboot it", "--object", "local:reboot"];
    assert!(entente(data, &named).well().contains("local:reboot, revision 1"));
    assert!(entente(data, &named).well().contains("local:reboot, revision 2"));
    let of_another = ["publish", "approach", "Rescue disk", "--object", "bank:rescue-disk"];
    assert!(entente(data, &of_another).well().contains("bank:rescue-disk, revision 1"));
    let complaint = entente(data, &["publish", "approach", "--object", "local:rebot"]).complaint(3);
    assert!(complaint.contains("no desk has published approach") && complaint.contains("with its name"), "{complaint}");
    assert_eq!(up.end(), Some(0));
}

#[test]
fn what_was_said_is_listed_up_to_any_moment() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    let impact = answer(data, &["publish", "impact", "DNS slow", "--class", "dns"])["object_id"].clone();
    let impact = impact.as_str().unwrap();
    for word in ["one", "two", "three"] {
        entente(data, &["publish", "note", word]).well();
    }
    let said = |line: &[&str]| -> Vec<String> {
        let found = answer(data, &[&["events"], line].concat());
        let lines = found["events"].as_array().unwrap().clone();
        lines.iter().map(|line| line["says"].as_str().unwrap().rsplit(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(said(&["--family", "message"]), ["one", "two", "three"]);
    assert_eq!(said(&["--family", "message", "--as-of", "-1"]), ["one", "two"]);
    assert_eq!(said(&["--limit", "2"]), ["two", "three"]);
    assert_eq!(said(&["--about", impact]).len(), 1);
    let last = answer(data, &["events", "--limit", "1"])["events"][0]["logged"].as_str().unwrap().to_owned();
    let (second, _) = last.split_once('.').unwrap();
    assert_eq!(said(&["--family", "message", "--as-of", second]), ["one", "two", "three"], "{last}");
    let text = entente(data, &["events", "--limit", "1"]);
    assert!(text.err.contains("there are earlier ones"), "{text:?}");
    assert!(text.well().contains("three"));
    let complaint = entente(data, &["events", "--about", "inc-unknown"]).complaint(3);
    assert!(complaint.contains("nothing was said of `inc-unknown`"), "{complaint}");
    assert_eq!(up.end(), Some(0));
}

#[test]
fn a_claim_that_is_tried_has_the_role_that_it_is_published_with() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--org", "gcp", "--role", "provider"]);
    // The server goes on as it was started, whatever the file says now.
    std::fs::write(data.join("config.toml"), "org = \"gcp\"\nrole = \"observer\"\n").unwrap();
    let tried: Value = serde_json::from_str(&entente(data, &["publish", "note", "x", "--dry-run"]).well()).unwrap();
    let id = answer(data, &["publish", "note", "x"])["id"].as_str().unwrap().to_owned();
    let http = format!("{}/v1/events/{id}", up.address);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let body = runtime.block_on(async { reqwest::get(http).await.unwrap().text().await.unwrap() });
    let published: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(tried["speaker"], published["payload"]["data"]["speaker"]);
    assert_eq!(tried["speaker"]["role"], "provider");
    assert_eq!(up.end(), Some(0));
}

#[test]
fn claims_side_by_side_without_a_server_take_their_turns() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let start = |word: &&str| {
        let mut line = command(data);
        line.args(["publish", "note", word]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        line.spawn().unwrap()
    };
    let running: Vec<_> = ["one", "two", "three"].iter().map(start).collect();
    for child in running {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(answer(data, &["events"])["events"].as_array().unwrap().len(), 3);
    // One that keeps running takes its turn too, and those that still wait are handed over to it.
    let running: Vec<_> = ["four", "five"].iter().map(start).collect();
    let up = Up::start(data, &[]);
    for child in running {
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    assert_eq!(answer(data, &["events"])["events"].as_array().unwrap().len(), 5);
    assert_eq!(up.end(), Some(0));
}

/// Stands before a server and cuts every connection when it has passed on so many bytes of the answer.
fn cutting(server: &str, after: usize) -> String {
    let server = server.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let name = own.clone();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let (server, name) = (server.clone(), name.clone());
            std::thread::spawn(move || pass_on(client, &server, &name, after));
        }
    });
    own
}

fn pass_on(mut client: TcpStream, server: &str, name: &str, after: usize) -> Option<()> {
    let mut upstream = TcpStream::connect(server).ok()?;
    let mut buffer = vec![0; 16 * 1024];
    let read = client.read(&mut buffer).ok()?;
    // One question a connection: each is read once.
    let head = String::from_utf8_lossy(buffer.get(..read)?).replace(name, server);
    let head = head.replacen("\r\n\r\n", "\r\nconnection: close\r\n\r\n", 1);
    let is_stream = head.starts_with("GET /v1/live");
    upstream.write_all(head.as_bytes()).ok()?;
    let mut passed = 0;
    loop {
        let read = upstream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        client.write_all(buffer.get(..read)?).ok()?;
        passed += read;
        if is_stream && passed > after {
            let _ = client.shutdown(Shutdown::Both);
            return None;
        }
    }
}

#[test]
fn a_stream_that_is_cut_loses_nothing_and_doubles_nothing() {
    if !nats_server() {
        return;
    }
    let (temporary, watched) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let data = temporary.path();
    let up = Up::start(data, &[]);
    entente(data, &["publish", "note", "before the watch"]).well();
    let mut told = File::create(watched.path().join("address")).unwrap();
    told.lock().unwrap();
    writeln!(told, "http://{}", cutting(&up.address, 700)).unwrap();
    let seen = watched.path().join("seen");
    let mut watch = command(watched.path())
        .args(["watch", "--json"])
        .stdout(File::create(&seen).unwrap())
        .stderr(File::create(watched.path().join("said")).unwrap())
        .spawn()
        .unwrap();
    let lines = || std::fs::read_to_string(&seen).unwrap().lines().count();
    // The first is said until it is heard: then the watch has begun.
    let mut words = 0;
    until("the first word", || {
        words += 1;
        entente(data, &["publish", "note", &format!("word {words}")]).well();
        lines() > 0
    });
    for _ in 0..6 {
        words += 1;
        entente(data, &["publish", "note", &format!("word {words}")]).well();
    }
    let position = |line: &str| serde_json::from_str::<Value>(line).unwrap()["position"].as_u64().unwrap();
    let seen = || -> Vec<u64> { std::fs::read_to_string(&seen).unwrap().lines().map(position).collect() };
    let end = answer(data, &["events", "--limit", "1"])["as_of"].as_u64().unwrap();
    until("the last word", || seen().last() == Some(&end));
    let seen = seen();
    let first = seen[0];
    assert_eq!(seen, (first..=end).collect::<Vec<_>>());
    let said = std::fs::read_to_string(watched.path().join("said")).unwrap();
    assert!(said.lines().any(|line| serde_json::from_str::<Value>(line).unwrap()["note"] != json!(null)), "{said}");
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(up.end(), Some(0));
}

#[test]
fn what_must_not_have_been_said_leaves_the_log() {
    if !nats_server() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let up = Up::start(data, &[]);
    let said = answer(data, &["publish", "note", "The bridge's number is 555 0100"])["position"].to_string();
    let late = ["publish", "retract", "99", "--reason", "legal"];
    assert_eq!(entente(data, &late).code, Some(3), "nothing stands there");
    entente(data, &["publish", "retract", &said, "--reason", "legal", "--text", "it names a person's telephone"])
        .well();
    // Until then the check finds a target that still stands.
    until("the erasing", || entente(data, &["verify"]).code == Some(0));
    let report = answer(data, &["verify"]);
    assert_eq!((&report["report"]["erased"], &report["report"]["records"]), (&json!(1), &json!(1)), "{report}");
    assert!(!entente(data, &["events"]).well().contains("555 0100"));
    assert_eq!(up.end(), Some(0));
    let again = Up::start(data, &[]);
    assert!(entente(data, &["events"]).well().contains("erase"));
    assert!(!entente(data, &["events", "--as-of", &said]).well().contains("555 0100"));
    assert_eq!(again.end(), Some(0));
}
