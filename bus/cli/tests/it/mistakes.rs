//! A mistake says what was expected, ends with its code, and publishes nothing.

use crate::double::Double;
use crate::run::entente;

#[test]
fn a_mistake_says_what_was_expected() {
    let double = Double::start();
    for (line, part) in [
        (vec!["impact", "x", "--severity", "critcal"], "'critical'"),
        (vec!["impact", "x", "--severty", "critical"], "'--severity'"),
        (vec!["impcat", "x"], "'impact'"),
        (vec!["impact", "x", "--since", "25:00"], "expected a time such as 04:09"),
        (vec!["impact", "x", "--affected", "many"], "expected a figure such as 1200"),
        (vec!["impact", "x", "--region", "us-east-1"], "--class: missing"),
        (vec!["impact", "x", "--block", "clas=dns"], "did you mean `class`?"),
        (vec!["impact"], "title: missing; expected what is broken"),
        (vec!["impact", "x", "--tlp", "amber"], "needs a sharing group"),
        (vec!["impact", "x", "--tlp", "green", "--audience", "banks"], "expected amber, amber+strict or red in banks"),
        (vec!["impact", "x", "--for", "local"], "local is your own organisation, whose words need no --for"),
        (vec!["notice", "x", "--about", "same=a:1"], "--about: the first is the claim or incident itself"),
        (vec!["note", "x", "--about", "part_off=a:1"], "did you mean `part_of`?"),
        (
            vec!["impact", "--still", "a:1", "--next-update", "+30m", "--severity", "critical"],
            "would drop --severity, --next-update; use --object a:1 to say it anew",
        ),
        (vec!["note", "again", "--still", "a:1", "--to", "aws", "--by", "Ann"], "would drop TEXT, --to;"),
        (vec!["impact", "x", "--for", "Crowd Strike"], "expected an organisation's slug"),
        (vec!["impact", "x", "--for", "aws", "--certainty", "observed"], "at most `likely`"),
        (vec!["impact", "x", "--outcome", "restored"], "outcome: stands with"),
        (vec!["impact", "x", "--file", "/nowhere/x.json"], "/nowhere/x.json cannot be read"),
        (vec!["request", ""], "text: missing; expected the text: entente publish request"),
        (vec!["notice", "x"], "about: missing; expected --about ID"),
        (vec!["estimate"], "expected a figure or a share"),
        (vec!["constraint", "must_link", "a:1", "b:2"], "reason: missing; expected --reason TEXT"),
        (vec!["constraint", "must_link", "a:1", "--reason", "r"], "must_link needs at least 2"),
        (vec!["remediation", "no-colon"], "approach_id: expected <native system>:<native id>"),
        (vec!["approach", "x", "--said-rate", "80%"], "--said-by"),
    ] {
        let complaint = entente(double.data.path(), &[&["publish"], &line[..]].concat()).complaint(2);
        assert!(complaint.contains(part), "{line:?}: {complaint}");
    }
    assert!(double.taken().is_empty());
}

#[test]
fn all_mistakes_of_a_line_are_told_at_once() {
    let double = Double::start();
    let complaint = entente(double.data.path(), &["publish", "constraint", "--expires", "noon"]).complaint(2);
    assert!(complaint.contains("expected a time"), "{complaint}");
    let complaint = entente(double.data.path(), &["publish", "constraint"]).complaint(2);
    for part in ["kind: missing", "objects: missing", "reason: missing", "next: "] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
}

#[test]
fn a_wrong_token_is_told_with_the_next_step() {
    let double = Double::start();
    std::fs::write(double.data.path().join("token"), "another\n").unwrap();
    let complaint = entente(double.data.path(), &["publish", "note", "x"]).complaint(1);
    assert!(complaint.contains("wrong token") && complaint.contains("next: use the token file"), "{complaint}");
}

#[test]
fn mistakes_in_the_settings_stop_every_command() {
    let double = Double::start();
    std::fs::write(double.data.path().join("config.toml"), "ogr = \"aws\"\nport = true\n").unwrap();
    let complaint = entente(double.data.path(), &["publish", "note", "x"]).complaint(2);
    for part in ["did you mean org?", "port: `true`: expected a port", "--print-config"] {
        assert!(complaint.contains(part), "{part} in {complaint}");
    }
    assert!(double.taken().is_empty());
}

#[test]
fn with_json_a_mistake_is_an_object() {
    let double = Double::start();
    for (line, exit, error, hint) in [
        (vec!["incident", "inc-unknown", "--json"], 3, "there is no incident inc-unknown", "see `entente events`"),
        (vec!["publish", "note", "--json"], 2, "text: missing", "--help has examples"),
        (vec!["publish", "note", "x", "--severty", "y", "--json"], 2, "unexpected argument '--severty'", "see --help"),
        (vec!["picture", "--json", "--with", "overdu"], 2, "[possible values: disagreement, overdue]", "'overdue'"),
        (vec!["pictur", "--json"], 2, "unrecognized subcommand 'pictur'", "'picture'"),
    ] {
        let told = entente(double.data.path(), &line).complaint(exit);
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        let has = |member: &str, part: &str| told[member].as_str().unwrap().contains(part);
        assert!(has("error", error) && has("hint", hint) && told["exit"] == exit, "{line:?}: {told}");
    }
    assert!(entente(double.data.path(), &["picture", "--json", "--help"]).well().contains("Usage"));
}
