//! Every command explains itself, and every example that it gives works.

use std::path::Path;

use crate::double::Double;
use crate::run::{entente, shell};

const COMMANDS: [&[&str]; 14] = [
    &[],
    &["up"],
    &["serve"],
    &["watch"],
    &["picture"],
    &["incident"],
    &["why"],
    &["events"],
    &["audience"],
    &["audience", "create"],
    &["audience", "list"],
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
        said_before(folder);
        let help = entente(folder, &[&command[..], &["--help"]].concat()).well();
        for example in examples(&help) {
            let ran = shell(folder, &example);
            assert_eq!(ran.code, Some(0), "{example}\n{ran:?}");
        }
    }
}

/// Says what the examples name, at the positions by which they name it.
pub fn said_before(data: &Path) {
    let note = |text: &str, more: &[&str]| {
        entente(data, &[&["publish", "note", text], more].concat()).well();
    };
    (1..12).for_each(|position| note(&format!("note {position}"), &[]));
    for line in [
        vec!["impact", "Windows VMs"],
        vec!["request", "How many?"],
        vec!["commitment", "Figures"],
        vec!["decision", "One name"],
        vec!["approach", "Rescue VM"],
        vec!["approach", "WinPE tool"],
    ] {
        entente(data, &[&["publish"], &line[..]].concat()).well();
    }
    note("Of another region", &[]);
    note("Said twice", &["--id", "01912b6e-1111-7000-8000-000000000001"]);
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
