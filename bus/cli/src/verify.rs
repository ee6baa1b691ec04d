//! `entente verify`: reads the whole log, of every audience, and checks signatures, chains, gaps and keys; of a running
//! server, or of a stopped one's data folder.

use std::fmt::Write as _;

use clap::Args;
use entente_journal::Report;
use serde_json::json;

use crate::args::Place;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
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
        None if folder.path().join("js").is_dir() => Log::for_the_time(&folder, &settings).await?,
        None => {
            let what = format!("there is no log in {}", folder.path().display());
            let next = "name its data folder with --data DIR, or start `entente up`";
            return Err(Failure::new(Exit::NotFound, what, next));
        }
    };
    let checked = check(&log, &folder).await;
    log.close().await;
    let checked = checked?;
    say::print(&if verify.json { as_json(&checked) } else { as_text(&checked) })?;
    Ok(if checked.iter().all(Checked::is_sound) { Exit::Done } else { Exit::Findings })
}

/// One stream of the log, as it was found.
struct Checked {
    stream: String,
    /// The local name of its sharing group.
    group: Option<String>,
    /// What was found, or why it cannot be read.
    report: Result<Report, String>,
}

impl Checked {
    fn is_sound(&self) -> bool {
        self.report.as_ref().is_ok_and(Report::is_clean)
    }
}

/// Checks the stream that everybody reads and those of all sharing groups. One that cannot be read is a finding beside the
/// others.
async fn check(log: &Log, folder: &Folder) -> Result<Vec<Checked>, Failure> {
    let mut checked = Vec::new();
    for (group, scope) in log.scopes(folder)? {
        let report = match (entente_journal::verify(&log.bus, &scope).await, &group) {
            (Err(error), None) => return Err(Failure::of(Exit::Unreachable, &error)),
            (report, _) => report.map_err(|error| error.to_string()),
        };
        checked.push(Checked { stream: scope.log_stream(), group, report });
    }
    Ok(checked)
}

/// One stream is told as it is; several as a list.
fn as_json(checked: &[Checked]) -> String {
    let one = |one: &Checked| match &one.report {
        Ok(report) => json!({ "stream": one.stream, "sound": one.is_sound(), "report": report }),
        Err(error) => json!({ "stream": one.stream, "sound": false, "error": error }),
    };
    match checked {
        [only] => format!("{:#}\n", one(only)),
        several => {
            let sound = several.iter().all(Checked::is_sound);
            format!("{:#}\n", json!({ "sound": sound, "logs": several.iter().map(one).collect::<Vec<_>>() }))
        }
    }
}

fn as_text(checked: &[Checked]) -> String {
    checked.iter().map(told).collect()
}

fn told(Checked { stream, group, report }: &Checked) -> String {
    let group = group.as_ref().map(|name| format!(" of sharing group {name}")).unwrap_or_default();
    let report = match report {
        Ok(report) => report,
        Err(error) => return format!("log {stream}{group}: {error}\nthe log has faults\n"),
    };
    let mut text = format!(
        "log {stream}{group}: {} records of {} sources; {} signed, {} refused; {} missing, {} erased, {} breaks of chain\n",
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

    fn of(group: Option<&str>, report: Result<Report, String>) -> Checked {
        Checked { stream: "A_actual_all".into(), group: group.map(str::to_owned), report }
    }

    #[test]
    fn a_log_is_sound_as_long_as_nothing_is_found() {
        let sound = Report { records: 3, signed: 3, sources: 1, missing: 1, erased: 1, ..Report::default() };
        let text = as_text(&[of(None, Ok(sound.clone()))]);
        assert!(text.contains("0 missing, 1 erased") && text.ends_with("the log is sound\n"), "{text}");
        assert!(as_json(&[of(None, Ok(sound.clone()))]).contains("\"sound\": true"));
        let faulty = Report { gaps: 1, problems: vec!["sequence 2 is missing".into()], ..sound };
        let text = as_text(&[of(None, Ok(faulty.clone()))]);
        assert!(text.contains("  sequence 2 is missing\n") && text.ends_with("the log has faults\n"), "{text}");
        assert!(as_json(&[of(None, Ok(faulty))]).contains("\"sound\": false"));
    }

    #[test]
    fn each_stream_is_told_and_one_that_cannot_be_read_beside_the_others() {
        let both = [of(None, Ok(Report::default())), of(Some("banks"), Err("it is gone".into()))];
        let text = as_text(&both);
        assert!(text.contains("the log is sound\nlog A_actual_all of sharing group banks: it is gone\n"), "{text}");
        let json: serde_json::Value = serde_json::from_str(&as_json(&both)).unwrap();
        assert_eq!(
            (&json["sound"], &json["logs"][0]["sound"], &json["logs"][1]["error"]),
            (&false.into(), &true.into(), &"it is gone".into())
        );
    }
}
