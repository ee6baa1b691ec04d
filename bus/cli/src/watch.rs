//! `entente watch`: says every change as it is logged, rings, and runs a command for each; for ever, through restarts of
//! the server.

use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use entente_schemas::family::Family;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::args::Place;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::{say, sse};

const EXAMPLES: &str = "\
Examples:
  entente watch --bell
  entente watch --speaker gcp --exec 'mail -s \"$ENTENTE_SPEAKER: $ENTENTE_SAYS\" desk@example.org'
  entente watch --json --from 0

The command of --exec is run by sh, once for each change and one after the other, with the change as JSON on its
standard input and ENTENTE_POSITION, ENTENTE_ID, ENTENTE_SPEAKER, ENTENTE_FAMILY, ENTENTE_OBJECT, ENTENTE_INCIDENT and
ENTENTE_SAYS in its environment. It is ended after 60 s. What it prints goes to standard error.";

/// The server beats every 5 s; a stream that is silent for longer has been lost.
const SILENT: Duration = Duration::from_secs(15);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const COMMAND_MAX: Duration = Duration::from_secs(60);

/// Say every change as it happens; ring, or run a command for each
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Watch {
    /// Ring the terminal's bell at each change
    #[arg(long)]
    bell: bool,
    /// Run this command for each change
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// Only what this organisation says
    #[arg(long, value_name = "ORG")]
    speaker: Option<String>,
    /// Only claims of this family
    #[arg(long, value_name = "FAMILY", value_parser = family())]
    family: Option<String>,
    /// Only what belongs to this incident
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Begin after this position of the log (default: with what comes next)
    #[arg(long, value_name = "POSITION")]
    from: Option<u64>,
    /// Print each change as one line of JSON
    #[arg(long)]
    json: bool,
}

fn family() -> clap::builder::PossibleValuesParser {
    Family::ALL.iter().map(|family| family.token()).collect::<Vec<_>>().into()
}

/// Watches for ever.
///
/// # Errors
/// If the reader of the output has gone.
pub async fn run(watch: Watch, place: &Place) -> Result<Exit, Failure> {
    let (folder, _) = place.open()?;
    let mut place = watch.from.map(|position| position.to_string());
    let (mut wait, mut told) = (FIRST_WAIT, String::new());
    loop {
        let before = place.clone();
        let lost = follow(&watch, &folder, &mut place).await?;
        wait = if place == before { wait } else { FIRST_WAIT };
        if told != lost {
            say::progress(&format!("{lost}; trying again until it answers"));
            told = lost;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Follows one connection to its end and says why it ended.
async fn follow(watch: &Watch, folder: &Folder, place: &mut Option<String>) -> Result<String, Failure> {
    let Some(client) = Client::running(folder).await? else {
        return Ok(format!("no server runs on {}", folder.path().display()));
    };
    let url = client.url(&["v1", "live"], &[("view", "json".to_owned())]);
    let resume: Vec<(&'static str, String)> = place.iter().map(|id| ("Last-Event-ID", id.clone())).collect();
    let mut response = match client.open(url, &resume).await {
        Ok(response) => response,
        Err(failure) => return Ok(failure.what),
    };
    let mut reader = sse::Reader::default();
    loop {
        let piece = match tokio::time::timeout(SILENT, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => return Ok("the server has ended".to_owned()),
            Ok(Err(error)) => return Ok(format!("the connection was lost: {}", crate::client::reason(&error))),
            Err(_) => return Ok("the server has fallen silent".to_owned()),
        };
        let messages = match reader.take(&piece) {
            Ok(messages) => messages,
            Err(error) => return Ok(error.to_string()),
        };
        for message in messages {
            watch.heed(&message).await?;
            if !message.id.is_empty() {
                *place = Some(message.id);
            }
        }
    }
}

impl Watch {
    async fn heed(&self, message: &sse::Message) -> Result<(), Failure> {
        let Ok(notice) = serde_json::from_str::<Value>(&message.data) else { return Ok(()) };
        if let Some(missed) = notice.get("missed").and_then(Value::as_u64).filter(|missed| *missed > 0) {
            say::progress(&format!("{missed} earlier changes are left out; /v1/events has them"));
        }
        let lines = notice.get("lines").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for line in lines.iter().filter(|line| self.wants(line)) {
            let text = if self.json { line.to_string() } else { say::shown(&in_words(line)) };
            say::print(&format!("{text}\n"))?;
            if self.bell {
                ring();
            }
            if let Some(command) = &self.exec {
                carry_out(command, line).await;
            }
        }
        Ok(())
    }

    fn wants(&self, line: &Value) -> bool {
        let is = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| *wanted == text(line, name));
        is("speaker", &self.speaker) && is("family", &self.family) && is("incident", &self.incident)
    }
}

fn ring() {
    use std::io::Write as _;
    let _ = std::io::stderr().lock().write_all(b"\x07");
}

fn text(line: &Value, name: &str) -> String {
    match line.get(name) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn in_words(line: &Value) -> String {
    let (position, logged, incident) = (text(line, "position"), text(line, "logged"), text(line, "incident"));
    let time = logged.get(11..19).unwrap_or(&logged);
    let incident = if incident.is_empty() { incident } else { format!("  [{incident}]") };
    let says = text(line, "says").replace(['\n', '\t'], " ");
    format!("{time} {position:>7}  {}: {says}{incident}", text(line, "speaker"))
}

const VARIABLES: [(&str, &str); 7] = [
    ("ENTENTE_POSITION", "position"),
    ("ENTENTE_ID", "id"),
    ("ENTENTE_SPEAKER", "speaker"),
    ("ENTENTE_FAMILY", "family"),
    ("ENTENTE_OBJECT", "object_id"),
    ("ENTENTE_INCIDENT", "incident"),
    ("ENTENTE_SAYS", "says"),
];

/// Runs the command for one change. That it fails is said and changes nothing.
async fn carry_out(command: &str, line: &Value) {
    let mut shell = tokio::process::Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::piped()).stdout(std::io::stderr()).kill_on_drop(true);
    for (variable, member) in VARIABLES {
        shell.env(variable, text(line, member).replace('\0', ""));
    }
    let mut child = match shell.spawn() {
        Ok(child) => child,
        Err(error) => return say::progress(&format!("the command of --exec does not start: {error}")),
    };
    if let Some(mut stdin) = child.stdin.take() {
        let json = format!("{line}\n");
        // A command that does not read its input is free not to.
        let _ = tokio::time::timeout(COMMAND_MAX, stdin.write_all(json.as_bytes())).await;
    }
    match tokio::time::timeout(COMMAND_MAX, child.wait()).await {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => say::progress(&format!("the command of --exec failed: {status}")),
        Ok(Err(error)) => say::progress(&format!("the command of --exec is lost: {error}")),
        Err(_) => say::progress(&format!("the command of --exec took over {} s and was ended", COMMAND_MAX.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line() -> Value {
        json!({ "position": 7, "id": "a", "logged": "2024-07-19T05:27:00Z", "speaker": "gcp", "family": "impact",
                "object_id": "gcp.public:1", "says": "critical\nboot loop", "incident": "inc-2kq7c4w1xz" })
    }

    #[test]
    fn a_change_is_one_line() {
        assert_eq!(in_words(&line()), "05:27:00       7  gcp: critical boot loop  [inc-2kq7c4w1xz]");
    }

    #[tokio::test]
    async fn the_command_gets_the_change_on_its_input_and_in_its_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let command =
            format!("cat > {0}; echo \"$ENTENTE_SPEAKER $ENTENTE_POSITION $ENTENTE_SAYS\" >> {0}", file.display());
        carry_out(&command, &line()).await;
        let text = std::fs::read_to_string(&file).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        assert_eq!(serde_json::from_str::<Value>(first).unwrap(), line());
        assert_eq!(rest, "gcp 7 critical\nboot loop\n");
    }
}
