//! `entente verify`: reads the whole log and checks signatures, chains, gaps and keys; of a running server, or of a
//! stopped one's data folder.

use std::fmt::Write as _;

use clap::Args;
use entente_journal::Report;
use serde_json::json;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::log::Log;
use crate::say;

const EXAMPLES: &str = "\
Examples:
  entente verify
  entente verify --json";

/// Check the whole log: signatures, chains, gaps, keys
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Checks the log.
///
/// # Errors
/// If it cannot be read.
pub async fn run(verify: Verify, place: &Place) -> Result<Exit, Failure> {
    let (folder, settings) = place.open()?;
    let log = match Log::of_running(&folder).await? {
        Some(log) => log,
        None => {
            if !folder.path().join("js").is_dir() {
                let what = format!("there is no log in {}", folder.path().display());
                return Err(Failure::new(
                    Exit::NotFound,
                    what,
                    "name its data folder with --data DIR, or start `entente up`",
                ));
            }
            say::progress("no server runs: starting nats-server for the time of the check");
            Log::own(&folder, &settings, &|text| say::progress(text)).await?
        }
    };
    let report = entente_journal::verify(&log.bus, &log.scope).await;
    let stream = log.scope.log_stream();
    log.close().await;
    let report = report.map_err(|error| Failure::of(Exit::Unreachable, &error))?;
    say::print(&if verify.json { as_json(&stream, &report) } else { as_text(&stream, &report) })?;
    Ok(if report.is_clean() { Exit::Done } else { Exit::Findings })
}

fn as_json(stream: &str, report: &Report) -> String {
    format!("{:#}\n", json!({ "stream": stream, "sound": report.is_clean(), "report": report }))
}

fn as_text(stream: &str, report: &Report) -> String {
    let mut text = format!(
        "log {stream}: {} records of {} sources; {} signed, {} refused; {} missing, {} erased, {} breaks of chain\n",
        report.records, report.sources, report.signed, report.refused, report.gaps, report.erased, report.breaks
    );
    for problem in &report.problems {
        let _ = writeln!(text, "  {}", say::shown(problem));
    }
    text.push_str(if report.is_clean() { "the log is sound\n" } else { "the log has faults\n" });
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_sound_as_long_as_nothing_is_found() {
        let sound = Report { records: 3, signed: 3, sources: 1, missing: 1, erased: 1, ..Report::default() };
        let text = as_text("A_actual_all", &sound);
        assert!(text.contains("0 missing, 1 erased") && text.ends_with("the log is sound\n"), "{text}");
        assert!(as_json("A_actual_all", &sound).contains("\"sound\": true"));
        let faulty = Report { gaps: 1, problems: vec!["sequence 2 is missing".into()], ..sound };
        let text = as_text("A_actual_all", &faulty);
        assert!(text.contains("  sequence 2 is missing\n") && text.ends_with("the log has faults\n"), "{text}");
        assert!(as_json("A_actual_all", &faulty).contains("\"sound\": false"));
    }
}
