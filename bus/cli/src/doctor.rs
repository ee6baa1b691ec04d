//! `entente doctor`: looks at everything that the other commands rest on, and says for each how it is and what to do.

mod feeds;
mod folder;
mod machine;
mod server;

use std::fmt::Write as _;

use clap::Args;
use entente_journal::Tip;
use serde::Serialize;

use crate::args::Place;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::marking::Names;
use crate::say;
use crate::settings::{Layer, Settings};

const EXAMPLES: &str = "\
Examples:
  entente doctor
  entente doctor --offline --json";

/// Check everything that Entente rests on, and say what to do
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// Ask nothing outside this machine
    #[arg(long)]
    offline: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should be.
    Good,
    /// It works, and something should be known.
    Note,
    /// It has to be mended.
    Bad,
}

/// What was found about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The thing.
    pub about: String,
    /// How it is.
    pub state: State,
    /// In words.
    pub what: String,
    /// What to do; empty if nothing.
    pub next: String,
}

impl Finding {
    /// All is well.
    pub fn good(about: &str, what: impl Into<String>) -> Self {
        Self { about: about.to_owned(), state: State::Good, what: what.into(), next: String::new() }
    }

    /// Something to know.
    pub fn note(about: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { about: about.to_owned(), state: State::Note, what: what.into(), next: next.into() }
    }

    /// Something to mend.
    pub fn bad(about: &str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { about: about.to_owned(), state: State::Bad, what: what.into(), next: next.into() }
    }
}

/// Looks at everything.
///
/// # Errors
/// If there is no data folder to be had.
pub async fn run(doctor: Doctor, place: &Place) -> Result<Exit, Failure> {
    let folder = Folder::choose(place.data.as_deref())?;
    let findings = examine(&folder, doctor.offline).await;
    say::print(&if doctor.json { format!("{:#}\n", serde_json::json!(findings)) } else { as_text(&findings) })?;
    let worst = findings.iter().map(|finding| finding.state).max();
    Ok(if worst == Some(State::Bad) { Exit::Findings } else { Exit::Done })
}

async fn examine(folder: &Folder, offline: bool) -> Vec<Finding> {
    let mut findings = vec![folder::writable(folder)];
    findings.extend(folder::secrets(folder));
    findings.extend(machine::disk(folder.path()));
    findings.extend(folder::set_back(folder));
    findings.extend(folder::played(folder));
    let settings = match Settings::read(folder, &Layer::new()) {
        Ok(settings) => {
            let role = settings.role;
            findings.push(Finding::good("settings", format!("transmitting for {} ({role})", settings.org)));
            settings
        }
        Err(failure) => {
            findings.push(Finding::bad("settings", failure.what, failure.next));
            return findings;
        }
    };
    let client = match Client::running(folder).await {
        Ok(client) => client,
        Err(failure) => {
            findings.push(Finding::bad("server", failure.what, failure.next));
            None
        }
    };
    findings.push(machine::nats_server(folder, &settings).await);
    match client {
        Some(client) => {
            findings.push(server::answers(&client).await);
            findings.extend(server::log(folder).await);
            findings.extend(feeds::states(&client, &Names::of(folder)).await);
        }
        None => {
            findings.push(Finding::note("server", "none runs on this data folder", "start one with `entente up`"));
            findings.push(machine::port(&settings));
            findings.extend(feeds::reachable(&settings, offline).await);
        }
    }
    findings
}

/// Says it loudly if this machine's clock and the log's do not agree.
pub fn warn_of_clock(tip: &Tip) {
    let found = server::clock(tip);
    if found.state == State::Bad {
        say::progress(&format!("WARNING: this machine's clock is {}\n   next: {}", found.what, found.next));
    }
}

fn as_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.state {
            State::Good => "good",
            State::Note => "note",
            State::Bad => "BAD ",
        };
        let what = say::shown(&finding.what).replace('\n', "\n        ");
        let _ = writeln!(text, "{mark}  {}: {what}", finding.about);
        if !finding.next.is_empty() {
            let _ = writeln!(text, "      next: {}", say::shown(&finding.next));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_says_what_to_do() {
        let findings =
            [Finding::good("disk", "80 GB free"), Finding::bad("settings", "mistakes:\n  ogr", "mend config.toml")];
        let text = as_text(&findings);
        assert_eq!(
            text,
            "good  disk: 80 GB free\nBAD   settings: mistakes:\n          ogr\n      next: mend config.toml\n"
        );
    }
}
