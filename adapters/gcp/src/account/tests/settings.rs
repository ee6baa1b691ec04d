//! The adapter's tables in the settings: what is read, and what is told of what does not go together.

use entente_sidecar::account::{Adapter, Layers, Settings};

use super::super::config::Feeds;
use crate::account::Gcp;

fn read(text: &str) -> Result<Feeds, String> {
    let base = "org = \"acme\"\naudience = \"gaaaaaaaaaaaaaaaa\"\n";
    let file = Some(("sidecar.toml".to_owned(), format!("{base}{text}")));
    let layers = Layers { file, ..Layers::default() };
    Settings::read::<Gcp>(&layers).map(|(_, feeds)| feeds).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn every_feed_is_read_with_its_defaults() {
    let feeds = read(
        "[gcp]\nprojects = [\"acme-prod-417\"]\n[feeds.gcp-compute]\nguest = [\"groups\", \"inventory\", \"serial\"]\n\
         [feeds.gcp-operations]\n[feeds.gcp-psh]\n[feeds.gcp-osconfig]\njobs = [\"mend\"]\nevery = \"5m\"\n",
    );
    let feeds = feeds.unwrap();
    let guest = feeds.compute.unwrap().own.signals();
    assert!(guest.groups && guest.inventory.is_some() && guest.ports == 20);
    assert_eq!(feeds.psh.unwrap().own.lookback().num_days(), 14);
    assert_eq!(feeds.operations.unwrap().own.lookback().num_hours(), 24);
    assert_eq!(feeds.osconfig.unwrap().cadence.quiet.as_secs(), 300);
}

#[test]
fn nothing_is_read_that_has_no_table() {
    let feeds = read("").unwrap();
    let read = [feeds.compute.is_some(), feeds.operations.is_some(), feeds.psh.is_some(), feeds.osconfig.is_some()];
    assert_eq!(read, [false; 4]);
}

#[test]
fn all_that_does_not_go_together_is_told_at_once() {
    let mistakes = read(
        "[gcp]\nprojects = [\"Acme Prod\", \"acme-a\", \"acme-a\"]\norganization = \"acme.example\"\n\
         credentials = \"none\"\n[feeds.gcp-operations]\n[feeds.gcp-psh]\nlookback = \"1h\"\n\
         [feeds.gcp-weather]\n[endpoints]\nosconfig = \"http://acme.example\"\n",
    );
    let mistakes = mistakes.err().unwrap();
    for told in [
        "gcp.projects[0]",
        "gcp.projects[2]",
        "gcp.organization",
        "gcp.credentials",
        "feeds.gcp-operations",
        "feeds.gcp-psh.lookback",
        "feeds.gcp-weather",
        "endpoints.osconfig",
    ] {
        assert!(mistakes.contains(told), "{told} is missing: {mistakes}");
    }
}

#[test]
fn signals_have_limits() {
    let table = "[gcp]\nprojects = [\"acme-prod-417\"]\n[feeds.gcp-compute]\nguest = [\"serial\"]\n";
    for (setting, path) in [
        ("serial_machines = 0", "serial_machines"),
        ("serial_machines = 201", "serial_machines"),
        ("inventory_silent = \"24h\"\ninventory_off_days = 1", "inventory_off_days"),
        ("correlated_machines = 0", "correlated_machines"),
        ("guest = [\"smell\"]", "guest"),
    ] {
        let text = table.replace("guest = [\"serial\"]", setting);
        let mistakes = read(&text).err().unwrap();
        assert!(mistakes.contains(&format!("feeds.gcp-compute.{path}")), "{setting}: {mistakes}");
    }
}

#[test]
fn the_default_file_names_every_feed_and_every_setting() {
    let text = Settings::default_file::<Gcp>();
    for slug in ["gcp-compute", "gcp-operations", "gcp-psh", "gcp-osconfig"] {
        assert!(text.contains(&format!("# [feeds.{slug}]")), "{slug}");
    }
    assert!(Gcp::RATES.iter().all(|rate| text.contains(rate.api)));
    // Every line that is commented out as a setting is one that can be read.
    let own = Gcp::DEFAULTS.lines().map(|line| match line.strip_prefix("# ") {
        Some(setting) if setting.starts_with('[') || is_setting(setting) => setting,
        _ => line,
    });
    let text = own.collect::<Vec<_>>().join("\n").replace("projects = []", "projects = [\"acme-prod-417\"]");
    let feeds = read(&text);
    assert!(feeds.as_ref().is_ok_and(|feeds| feeds.compute.is_some() && feeds.osconfig.is_some()), "{:?}", feeds.err());
}

fn is_setting(line: &str) -> bool {
    line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
}
