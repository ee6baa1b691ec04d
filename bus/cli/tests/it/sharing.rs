//! Sharing groups through the command: what is said into them and shown of them, what is refused, and what is left of it
//! when processes are killed and streams deleted.

use std::fs::File;
use std::path::Path;

use entente_journal::Identity;
use serde_json::{Value, json};

use crate::audience::create;
use crate::run::{command, entente};
use crate::running::{Up, nats_server, until};

fn answer(data: &Path, line: &[&str]) -> Value {
    serde_json::from_str(&entente(data, &[line, &["--json"]].concat()).well()).unwrap()
}

/// Deletes a group's stream behind everybody's back.
fn delete(data: &Path, id: &str) {
    let url = std::fs::read_to_string(data.join("nats")).unwrap().trim().to_owned();
    let seed = Identity::open(&data.join("key")).unwrap().seed().to_owned();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = async_nats::ConnectOptions::with_nkey(seed).connect(url).await.unwrap();
        async_nats::jetstream::new(client).delete_stream(format!("A_actual_{id}")).await.unwrap();
    });
}

#[test]
fn it_is_told_who_reads_what_is_published_and_it_goes_nowhere_else() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--org", "aws", "--role", "provider"]);
    let open = entente(data, &["publish", "note", "before there were groups"]).well();
    assert!(!open.contains("everybody"), "nobody else could be meant: {open}");
    // Whoever publishes right after the group was made is not told that there is none.
    let banks = create(data, "banks");
    let line = ["publish", "impact", "Only for banks", "--class", "compute", "--audience", "banks"];
    let told = entente(data, &line).well();
    assert!(told.contains(", TLP:AMBER banks, at position banks:1 of the log\n"), "{told}");
    let told = entente(data, &["publish", "note", "For all"]).well();
    assert!(told.contains(", revision 1, for everybody, at position 2 of the log\n"), "{told}");
    let told = entente(data, &["publish", "note", "By id", "--audience", &banks, "--tlp", "red"]).well();
    assert!(told.contains(", TLP:RED banks, at position banks:2 of the log\n"), "{told}");

    for (words, part) in [
        (["--audience", "bnaks"].as_slice(), "`bnaks` is no audience that is read here; did you mean `banks`?"),
        (&["--audience", "clouds"], "expected one of: all, banks"),
        (&["--tlp", "red"], "--tlp: red needs a sharing group, --audience NAME"),
        (&["--audience", "banks", "--tlp", "green"], "expected amber, amber+strict or red in banks"),
        (&["--audience", "all", "--tlp", "amber"], "expected clear or green for all"),
        (&["--about", "banks:1"], "is known only in sharing group banks"),
    ] {
        let complaint = entente(data, &[&["publish", "note", "x"], words].concat()).complaint(2);
        assert!(complaint.contains(part) && complaint.contains("next: "), "{words:?}: {complaint}");
    }
    for (words, whither) in [
        (["--audience", "banks", "--tlp", "amber+strict"].as_slice(), "sharing group banks, marked TLP:AMBER+STRICT"),
        (&["--audience", &banks], "sharing group banks, marked TLP:AMBER"),
        (&[], "everybody would read it, marked TLP:GREEN"),
    ] {
        let tried = entente(data, &[&["publish", "note", "x", "--dry-run"], words].concat());
        assert!(tried.err.contains(whither), "{words:?}: {tried:?}");
        assert!(tried.well().contains("\"text\": \"x\""));
    }
    assert_eq!(answer(data, &["events"])["events"].as_array().unwrap().len(), 4, "nothing else was published");
    // What goes on with something stays where that stands, marked as that is.
    let revised = entente(data, &["publish", "impact", "--object", "banks:1", "--severity", "major"]);
    assert!(revised.err.contains("note: It went to sharing group banks"), "{revised:?}");
    assert!(revised.out.contains(", revision 2, TLP:AMBER banks, at position banks:3 of the log\n"), "{revised:?}");
    let again = entente(data, &["publish", "impact", "--still", "banks:1"]).well();
    assert!(again.contains(", revision 3, TLP:AMBER banks, at position banks:4 of the log\n"), "{again}");
    let withdrawn = entente(data, &["publish", "retract", "banks:2", "--reason", "wrong_fact"]).well();
    assert!(withdrawn.contains(", TLP:RED banks, at position banks:5 of the log\n"), "{withdrawn}");
    let line = ["publish", "retract", "banks:4", "--reason", "wrong_fact", "--audience", "all"];
    let complaint = entente(data, &line).complaint(2);
    assert!(complaint.contains("it stands in audience banks, where alone it can be withdrawn"), "{complaint}");
    assert_eq!(up.end(), Some(0));
    // What needs no server says so as well.
    let tried = entente(data, &["publish", "note", "x", "--dry-run", "--audience", "banks"]);
    assert!(tried.err.contains("it would go to sharing group banks, marked TLP:AMBER"), "{tried:?}");
    let complaint = entente(data, &["publish", "note", "x", "--dry-run", "--audience", "bnaks"]).complaint(2);
    assert!(complaint.contains("did you mean `banks`?") && complaint.contains("entente audience list"), "{complaint}");
    let told = entente(data, &["publish", "note", "Without a server", "--audience", "banks"]).well();
    assert!(told.contains(", TLP:AMBER banks, at position banks:6 of the log\n"), "{told}");
}

#[test]
fn every_view_of_the_command_marks_what_is_of_a_group() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &["--org", "aws", "--role", "provider"]);
    let impact = |title, more: &[&str]| {
        answer(data, &[&["publish", "impact", title, "--class", "compute", "--artifact", "csagent.sys"], more].concat())
    };
    let open = impact("Seen by all", &[])["object_id"].as_str().unwrap().to_owned();
    let banks = create(data, "banks");
    let hidden = impact("Seen by banks", &["--audience", "banks", "--tlp", "red"]);
    let hidden = hidden["object_id"].as_str().unwrap();

    let events = entente(data, &["events"]).well();
    let marked =
        |line: &&str| line.contains("Seen by banks") && line.contains(" banks:1 ") && line.contains("TLP:RED banks");
    assert_eq!(events.lines().filter(marked).count(), 1, "{events}");
    assert_eq!(events.matches("TLP:").count(), 1, "{events}");
    for line in [["picture"].as_slice(), &["incident", hidden], &["why", hidden]] {
        let shown = entente(data, line).well();
        assert!(shown.lines().take(2).any(|line| line.contains("TLP:RED")), "{line:?}: {shown}");
        let plain = entente(data, &[line, &["--as-of", "1"]].concat());
        assert!(!plain.out.contains("TLP:") && !plain.out.contains("Seen by banks"), "{line:?}: {plain:?}");
    }
    let why = entente(data, &["why", &open]).well();
    assert!(why.contains(&format!("{hidden}  aws: Seen by banks  [in sharing group banks]")), "{why}");
    assert!(why.contains(&format!("{open}  aws: Seen by all\n")), "{why}");
    let incident = entente(data, &["incident", &open]).well();
    assert!(incident.contains(&format!("{hidden}  [in sharing group banks]")), "{incident}");
    assert_eq!(answer(data, &["why", hidden])["tlp"], "red");

    let of = |as_of: &str| answer(data, &["picture", "--as-of", as_of])["totals"]["claims"].clone();
    assert_eq!([of("1"), of("banks:1"), of("1,banks:1"), of("-1"), of("-2")], [1, 1, 2, 1, 0].map(Value::from));
    let complaint = entente(data, &["picture", "--as-of", "bnaks:1"]).complaint(2);
    assert!(complaint.contains("known here are banks"), "{complaint}");
    assert_eq!(entente(data, &["picture", "--as-of", "banks:9"]).code, Some(3), "the group's log has not come so far");

    let verified = entente(data, &["verify"]).well();
    assert!(verified.contains(&format!("log A_actual_{banks} of sharing group banks: 1 records")), "{verified}");
    assert_eq!(answer(data, &["verify"])["logs"].as_array().unwrap().len(), 2);
    let good = entente(data, &["doctor", "--offline"]);
    assert!(good.out.contains(&format!("good  sharing group banks: A_actual_{banks} answers")), "{good:?}");
    assert_eq!(up.end(), Some(0));
}

#[test]
fn a_group_whose_stream_is_deleted_under_a_running_server_is_told_and_is_whole_after_the_next_start() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    let banks = create(data, "banks");
    for text in ["one", "two"] {
        entente(data, &["publish", "note", text, "--audience", "banks"]).well();
    }
    entente(data, &["publish", "note", "open"]).well();
    delete(data, &banks);
    let findings = || answer_of_doctor(data);
    until("the doctor to find it", || findings().contains("is gone") && findings().contains("not read by the server"));
    assert_eq!(entente(data, &["doctor", "--offline"]).code, Some(5));
    let verified = entente(data, &["verify"]);
    assert_eq!(verified.code, Some(5), "{verified:?}");
    assert!(verified.out.starts_with("log A_actual_all: 1 records"), "{verified:?}");
    assert!(verified.out.contains("of sharing group banks: nobody answers for stream"), "{verified:?}");
    assert!(entente(data, &["picture"]).well().contains("SHARING GROUPS NOT READ: banks since"));
    assert!(entente(data, &["events"]).well().contains("TLP:AMBER banks"), "what was read is shown still");

    let mended = entente(data, &["audience", "create", "banks"]);
    assert!(mended.err.contains("made anew"), "{mended:?}");
    until("the server to find out", || findings().contains("was made anew or lost its end"));
    let told = entente(data, &["publish", "note", "three", "--audience", "banks"]);
    assert!(told.err.contains("note: Audience banks is not read here just now"), "{told:?}");
    assert_eq!(up.end(), Some(0));
    // The next start sends again what this desk said and the new stream has not.
    let up = Up::start(data, &[]);
    let said = || {
        answer(data, &["events"])["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["says"].to_string())
            .collect::<String>()
    };
    until("all of it", || ["one", "two", "three", "open"].iter().all(|word| said().contains(word)));
    until("a sound log", || entente(data, &["verify"]).code == Some(0));
    assert_eq!(up.end(), Some(0));
}

/// All that the doctor says, whatever it ends with.
fn answer_of_doctor(data: &Path) -> String {
    entente(data, &["doctor", "--offline"]).out
}

#[test]
fn who_watches_hears_each_word_of_a_group_once_over_a_kill() {
    if !nats_server() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path();
    let up = Up::start(data, &[]);
    create(data, "banks");
    let (heard, out) = (data.join("heard"), data.join("out"));
    let line = format!("echo \"$ENTENTE_SAYS [$ENTENTE_AUDIENCE] [$ENTENTE_TLP]\" >> {}", heard.display());
    let mut watch = command(data)
        .args(["watch", "--json", "--from", "0", "--exec", &line])
        .stdout(File::create(&out).unwrap())
        .stderr(File::create(data.join("watch-said")).unwrap())
        .spawn()
        .unwrap();
    let count = |word: &str| std::fs::read_to_string(&heard).unwrap_or_default().matches(word).count();
    entente(data, &["publish", "note", "first", "--audience", "banks"]).well();
    entente(data, &["publish", "note", "open one"]).well();
    until("the first words", || count("first") == 1 && count("open one") == 1);
    let (at, whole) = (["--at", "2030-01-01T00:00:00Z"], ["picture", "--json"]);
    let before = entente(data, &[&whole[..], &at].concat()).well();
    up.kill();
    let up = Up::start(data, &[]);
    let after = || entente(data, &[&whole[..], &at].concat()).well();
    until("the log to be read again", || after() == before);
    for audience in ["banks", "all"] {
        entente(data, &["publish", "note", &format!("after in {audience}"), "--audience", audience]).well();
    }
    until("the words after the kill", || count("after in banks") == 1 && count("after in all") == 1);
    let heard = std::fs::read_to_string(&heard).unwrap();
    assert_eq!(heard.lines().count(), 4, "each once: {heard}");
    for line in heard.lines() {
        let of_group = line.contains("first") || line.contains("banks");
        assert_eq!(line.ends_with("[] []"), !of_group, "{line}");
        assert_eq!(line.ends_with("[amber]"), of_group, "{line}");
    }
    let told = std::fs::read_to_string(&out).unwrap();
    let audiences: Vec<Value> =
        told.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["tlp"].clone()).collect();
    assert_eq!(audiences.iter().filter(|tlp| **tlp == json!("amber")).count(), 2, "{told}");
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(up.end(), Some(0));
}
