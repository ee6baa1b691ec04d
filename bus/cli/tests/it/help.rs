//! Every command explains itself, and every example that it gives works.

use crate::double::Double;
use crate::run::{entente, shell};

const COMMANDS: [&[&str]; 11] = [
    &[],
    &["up"],
    &["serve"],
    &["watch"],
    &["picture"],
    &["incident"],
    &["why"],
    &["events"],
    &["verify"],
    &["doctor"],
    &["completions"],
];

pub const KINDS: [&str; 14] = [
    "impact",
    "advisory",
    "approach",
    "remediation",
    "estimate",
    "notice",
    "note",
    "request",
    "offer",
    "commitment",
    "decision",
    "roster",
    "constraint",
    "retract",
];

/// The examples in a help text, lines that go on joined.
pub fn examples(help: &str) -> Vec<String> {
    let (_, after) = help.split_once("Examples:\n").unwrap_or_default();
    let joined = after.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| line.contains("entente ")).map(str::to_owned).collect()
}

#[test]
fn every_command_has_help() {
    let data = tempfile::tempdir().unwrap();
    for command in COMMANDS {
        let help = entente(data.path(), &[command, &["--help"]].concat()).well();
        assert!(help.contains("Usage: entente"), "{command:?}");
    }
    for kind in KINDS {
        let help = entente(data.path(), &["publish", kind, "--help"]).well();
        assert!(!examples(&help).is_empty(), "{kind} gives no example");
    }
}

#[test]
fn the_help_lists_the_exit_codes() {
    let data = tempfile::tempdir().unwrap();
    let help = entente(data.path(), &["--help"]).well();
    assert!(help.contains("Exit codes:") && help.contains("130  interrupted"), "{help}");
}

#[test]
fn every_example_of_publish_and_of_the_views_works() {
    for command in
        KINDS.map(|kind| vec!["publish", kind]).into_iter().chain([vec!["picture"], vec!["incident"], vec!["why"]])
    {
        let double = Double::start();
        let folder = double.data.path();
        std::fs::write(folder.join("statement.txt"), "We are aware.\n").unwrap();
        let help = entente(folder, &[&command[..], &["--help"]].concat()).well();
        for example in examples(&help) {
            prepare(&double, &example);
            let ran = shell(folder, &example);
            assert_eq!(ran.code, Some(0), "{example}\n{ran:?}");
        }
    }
}

/// An example that revises or retracts needs something that was said before, under the id that it names.
fn prepare(double: &Double, example: &str) {
    let words: Vec<&str> = example.split_whitespace().collect();
    let folder = double.data.path();
    let named = words.iter().position(|word| ["--object", "--still"].contains(word)).and_then(|at| words.get(at + 1));
    if let (Some(object), Some(kind)) = (named, words.get(2)) {
        entente(folder, &["publish", kind, "said before", "--object", object, "--file", "/dev/null"]);
        let file = folder.join("before.json");
        std::fs::write(&file, "{}").unwrap();
        let file = file.to_str().unwrap();
        entente(folder, &["publish", kind, "said before", "--object", object, "--file", file]).well();
    }
    if words.get(2) == Some(&"retract") {
        while double.taken().len() < 120 {
            let id = format!("01912b6e-1111-7000-8000-{:012}", 120 - double.taken().len());
            entente(folder, &["publish", "note", "said before", "--id", &id]).well();
        }
    }
}

#[test]
fn completions_know_every_command_flag_and_word() {
    let data = tempfile::tempdir().unwrap();
    let known = ["events", "--about", "--as-of", "--exec", "--print-config", "--next-update", "--dry-run"];
    let words = ["affected_unavailable", "vendor_statement", "offline_disk_repair", "coordinator"];
    for sh in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = entente(data.path(), &["completions", sh]).well();
        for name in KINDS.iter().chain(COMMANDS.iter().copied().flatten()).chain(&known) {
            // Some shells are told the flags without their hyphens.
            assert!(script.contains(name.trim_start_matches('-')), "{sh}: {name}");
        }
        // Those two shells complete commands and flags only.
        if !["elvish", "powershell"].contains(&sh) {
            assert!(words.iter().all(|word| script.contains(word)), "{sh}");
        }
    }
}
