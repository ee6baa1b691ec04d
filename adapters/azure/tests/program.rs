//! The program itself: what it prints is what it reads.
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::process::Command;

use entente_azure::Azure;
use entente_sidecar::account::{Adapter as _, Layers, Settings};

fn printed() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_entente-azure")).arg("--print-config").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn read(text: &str) -> Result<Settings, String> {
    let file = Some(("entente-azure.toml".to_owned(), text.to_owned()));
    let read = Settings::read::<Azure>(&Layers { file, ..Layers::default() });
    read.map(|(settings, _)| settings).map_err(|mistakes| mistakes.to_string())
}

/// The printed file, filled in, with every table and key in force that stands there as a comment.
fn filled() -> String {
    let in_force = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest.to_owned(),
        _ => line.to_owned(),
    };
    let text: Vec<String> = printed().lines().map(in_force).collect();
    let text = text.join("\n").replacen("org = \"\"", "org = \"acme\"", 1);
    text.replacen("audience = \"\"", "audience = \"gabcdefghijklmnop\"", 1)
}

#[test]
fn every_setting_that_is_printed_is_read() {
    let settings = read(&filled()).unwrap();
    let feeds =
        ["azure-vm", "azure-resource-health", "azure-service-health", "azure-emerging", "azure-repair", "azure-push"];
    assert!(feeds.iter().all(|slug| filled().contains(&format!("\n[feeds.{slug}]")) && settings.scope(slug).is_some()));
    assert_eq!(settings.adapter, Azure::NAME);
}

#[test]
fn what_is_optional_is_printed_as_a_comment() {
    let printed = printed();
    for line in ["#guest_signal = true", "#silent_after = \"10m\"", "#others = false", "#days = 14", "#impacted = true"]
    {
        assert!(printed.lines().any(|printed| printed == line), "{line} in {printed}");
    }
}
