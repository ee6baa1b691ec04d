//! `entente watch`: says every change as it is logged, rings, and runs a command for each; for ever, through restarts of
//! the server.

use std::convert::Infallible;
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use reqwest::Response;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;

use crate::args::Place;
use crate::client::{Client, reason};
use crate::events::{between, family};
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::line::{in_words, text};
use crate::marking::Names;
use crate::view::{AsOf, end_of_log};
use crate::{say, sse};

const EXAMPLES: &str = "\
Examples:
  entente watch --bell
  entente watch --speaker gcp --exec 'mail -s \"$ENTENTE_SPEAKER: $ENTENTE_SAYS\" desk@example.org'
  entente watch --json --from 0
  entente watch --from -10m

The command of --exec is run by sh, once for each change and one after the other, with the change as JSON on its
standard input and ENTENTE_POSITION, ENTENTE_ID, ENTENTE_SPEAKER, ENTENTE_FAMILY, ENTENTE_OBJECT, ENTENTE_INCIDENT,
ENTENTE_SAYS, ENTENTE_AUDIENCE and ENTENTE_TLP in its environment; the last two are empty for what everybody may read,
and else say which sharing group it must not leave, and how it is marked. It is ended after 60 s. What it prints goes to standard error.";

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
    /// Begin after this position of the log, so many records back (-3), or at this time (default: with what comes next)
    #[arg(long, value_name = "POSITION|-RECORDS|TIME", allow_hyphen_values = true)]
    from: Option<AsOf>,
    /// Print each change as one line of JSON
    #[arg(long)]
    json: bool,
}

/// Watches for ever.
///
/// # Errors
/// If the reader of the output has gone.
pub async fn run(watch: Watch, place: &Place) -> Result<Exit, Failure> {
    let (folder, _) = place.open()?;
    let mut told_to: Option<String> = None;
    let (mut wait, mut told) = (FIRST_WAIT, String::new());
    loop {
        let before = told_to.clone();
        let lost = match follow(&watch, &folder, &mut told_to).await {
            Ok(never) => match never {},
            Err(Ended::Unheard(failure)) => return Err(failure),
            Err(Ended::Lost(lost)) => lost,
        };
        wait = if told_to == before { wait } else { FIRST_WAIT };
        if told != lost {
            say::progress(&format!("{lost}: trying again until it answers"));
            told = lost;
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Why a connection is followed no longer.
enum Ended {
    /// It was lost: another one may hold.
    Lost(String),
    /// Nobody reads what is printed.
    Unheard(Failure),
}

impl Ended {
    fn lost(failure: Failure) -> Self {
        Self::Lost(failure.what)
    }
}

/// Follows one connection to its end. `told_to` is the position up to which all was told: it moves on only after that
/// was done, and the next connection begins there.
async fn follow(watch: &Watch, folder: &Folder, told_to: &mut Option<String>) -> Result<Infallible, Ended> {
    let none = || Ended::Lost(format!("no server runs on {}", folder.path().display()));
    let client = Client::running(folder).await.map_err(Ended::lost)?.ok_or_else(none)?;
    let mut at = match told_to.take() {
        Some(position) => position,
        None => watch.begin(&client, folder).await.map_err(Ended::lost)?,
    };
    *told_to = Some(at.clone());
    let mut response = connect(&client, &at).await?;
    let mut reader = sse::Reader::default();
    loop {
        let piece = match tokio::time::timeout(SILENT, response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => return Err(Ended::Lost("the server has ended".to_owned())),
            Ok(Err(error)) => return Err(Ended::Lost(format!("the connection was lost: {}", reason(&error)))),
            Err(_) => return Err(Ended::Lost("the server has fallen silent".to_owned())),
        };
        for message in reader.take(&piece).map_err(|error| Ended::Lost(error.to_string()))? {
            watch.heed(&client, folder, &at, &message).await?;
            if !message.id.is_empty() {
                at = message.id;
            }
            *told_to = Some(at.clone());
        }
    }
}

/// The stream of what comes after a position.
async fn connect(client: &Client, at: &str) -> Result<Response, Ended> {
    let url = client.url(&["v1", "live"], &[("view", "json".to_owned())]);
    let resume = [("Last-Event-ID", at.to_string())];
    let opened = tokio::time::timeout(SILENT, client.open(url, &resume)).await;
    opened.map_err(|_| Ended::Lost("the server does not answer".to_owned()))?.map_err(Ended::lost)
}

impl Watch {
    async fn begin(&self, client: &Client, folder: &Folder) -> Result<String, Failure> {
        match &self.from {
            Some(from) => from.begin(client, folder.now()).await,
            None => end_of_log(client).await,
        }
    }

    /// Tells what a message says: all records after position `at`, also those that it only counts.
    async fn heed(&self, client: &Client, folder: &Folder, at: &str, message: &sse::Message) -> Result<(), Ended> {
        if message.event == "reload" {
            say::progress("the log is not the one that was followed before: going on from its end");
        }
        let Ok(notice) = serde_json::from_str::<Value>(&message.data) else { return Ok(()) };
        let Some(lines) = notice.get("lines").and_then(Value::as_array) else { return Ok(()) };
        let names = Names::of(folder);
        if notice.get("missed").and_then(Value::as_u64).is_some_and(|missed| missed > 0) {
            let whole = between(client, at, &text(&notice, "position")).await.map_err(Ended::lost)?;
            return self.tell(&whole, &names).await.map_err(Ended::Unheard);
        }
        self.tell(lines, &names).await.map_err(Ended::Unheard)
    }

    async fn tell(&self, lines: &[Value], names: &Names) -> Result<(), Failure> {
        for line in lines.iter().filter(|line| self.wants(line)) {
            let said = if self.json { line.to_string() } else { say::shown(&in_words(line, &time(line), names)) };
            say::print(&format!("{said}\n"))?;
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

fn time(line: &Value) -> String {
    let logged = text(line, "logged");
    logged.get(11..19).unwrap_or(&logged).to_owned()
}

fn ring() {
    use std::io::Write as _;
    let _ = std::io::stderr().lock().write_all(b"\x07");
}

const VARIABLES: [(&str, &str); 9] = [
    ("ENTENTE_POSITION", "position"),
    ("ENTENTE_ID", "id"),
    ("ENTENTE_SPEAKER", "speaker"),
    ("ENTENTE_FAMILY", "family"),
    ("ENTENTE_OBJECT", "object_id"),
    ("ENTENTE_INCIDENT", "incident"),
    ("ENTENTE_SAYS", "says"),
    ("ENTENTE_AUDIENCE", "audience"),
    ("ENTENTE_TLP", "tlp"),
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
    fn a_change_is_told_with_the_time_of_day() {
        assert!(
            in_words(&line(), &time(&line()), &Names::default())
                .starts_with("05:27:00       7  gcp: critical boot loop")
        );
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
        let command = format!("echo \"[$ENTENTE_AUDIENCE] [$ENTENTE_TLP]\" > {}", file.display());
        for (more, told) in [(json!({}), "[] []\n"), (json!({ "audience": "g1", "tlp": "red" }), "[g1] [red]\n")] {
            let mut line = line();
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            carry_out(&command, &line).await;
            assert_eq!(std::fs::read_to_string(&file).unwrap(), told);
        }
    }
}
