//! `entente audience`: sharing groups, the audiences beside everybody: an opaque id, the streams of it, and a name that
//! only this machine knows.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use entente_journal::{AudienceError, Audiences, audience_id};
use serde::Serialize;
use serde_json::json;

use crate::args::Place;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::log::{Log, scope_of};
use crate::say;
use crate::settings::Settings;
use crate::view::end_of_log;

/// How long a running server may take to read a group that was made; it looks once a second.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

const RIGHTS: &str = "\
Whoever reads a group's stream reads all of it, and account feeds transmit into nothing else. Who its members are, and
what each may do, is not set here yet: until then everybody whose key the NATS server knows reads every group.";

const CREATE_EXAMPLES: &str = "\
Examples:
  entente audience create banks
  entente audience create cloud-desks --json";

const LIST_EXAMPLES: &str = "\
Examples:
  entente audience list
  entente audience list --json";

/// Make and list sharing groups: audiences smaller than everybody, which account feeds need
#[derive(Args, Debug)]
#[command(after_help = RIGHTS)]
pub struct Audience {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    Create(Create),
    List(List),
}

/// Make a sharing group: an opaque id, its streams, and a name for it on this machine
#[derive(Args, Debug)]
#[command(after_help = format!("{CREATE_EXAMPLES}\n\n{RIGHTS}"))]
struct Create {
    /// What it is called on this machine: a-z, 0-9 and -, at most 24 characters. No name travels on the bus
    name: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// List the sharing groups: name, id, events, and whether the stream is there
#[derive(Args, Debug)]
#[command(after_help = LIST_EXAMPLES)]
struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A group as it is listed.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Listed {
    /// None if it has no name here.
    name: Option<String>,
    id: String,
    /// The events in its log; none if there is no such log.
    events: Option<u64>,
}

/// Makes or lists sharing groups.
///
/// # Errors
/// If the name is taken, or the log cannot be had.
pub async fn run(audience: Audience, place: &Place) -> Result<Exit, Failure> {
    let (folder, settings) = place.open()?;
    let text = match audience.what {
        What::Create(create) => create.run(&folder, &settings).await?,
        What::List(list) => list.run(&folder, &settings).await?,
    };
    say::print(&text)?;
    Ok(Exit::Done)
}

impl Create {
    async fn run(&self, folder: &Folder, settings: &Settings) -> Result<String, Failure> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| {
            Failure::failed(format!("the system gives no random bytes: {error}"), "no id can be made without them")
        })?;
        let id = audience_id(random);
        // Before a log is opened for nothing.
        let known = folder.groups()?;
        let id = match known.clone().with(&self.name, &id) {
            Ok(_) => id,
            Err(AudienceError::Taken { id, .. }) => id,
            Err(mistake) => return Err(refused(&mistake)),
        };
        let log = Log::of_folder(folder, settings).await?;
        let made = make(&log, folder, (&self.name, &id), known.id(&self.name).is_some()).await;
        log.close().await;
        made?;
        known_to_server(folder, &id).await;
        Ok(if self.json { created_json(&self.name, &id) } else { created(&self.name, &id) })
    }
}

/// Brings the streams about, then the name: a name that is read somewhere has its streams.
async fn make(log: &Log, folder: &Folder, (name, id): (&str, &str), named: bool) -> Result<(), Failure> {
    let scope = scope_of(id);
    let failed = |error| Failure::of(Exit::Failed, &error);
    if named {
        if log.bus.events_of(&scope).await.map_err(failed)?.is_some() {
            return Err(refused(&AudienceError::Taken { name: name.to_owned(), id: id.to_owned() }));
        }
        say::progress(&format!("`{name}` has an id already, and its streams are gone: they are made anew"));
    }
    log.bus.apply(&scope).await.map_err(failed)?;
    if named { Ok(()) } else { Audiences::add(&folder.audiences(), name, id).map_err(|error| refused(&error)) }
}

/// Waits until the server that runs here reads the group: who publishes into it next must not be told that there is none.
async fn known_to_server(folder: &Folder, id: &str) {
    let Ok(Some(client)) = Client::running(folder).await else { return };
    let reads = async {
        while !end_of_log(&client).await.is_ok_and(|position| position.contains(id)) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(PATIENCE, reads).await.is_err() {
        say::progress("note: the server that runs here does not read the group yet: `entente doctor` tells why");
    }
}

fn refused(error: &AudienceError) -> Failure {
    let fault = matches!(error, AudienceError::Read { .. } | AudienceError::Write { .. });
    Failure::of(if fault { Exit::Failed } else { Exit::Mistake }, error)
}

fn config(id: &str) -> String {
    format!("audience = \"{id}\"\n")
}

fn created(name: &str, id: &str) -> String {
    format!(
        "sharing group {name} is {id}; its streams are there\n\nIn the configuration of each sidecar that is to \
         transmit into it:\n\n{}",
        config(id)
    )
}

fn created_json(name: &str, id: &str) -> String {
    format!("{:#}\n", json!({ "name": name, "id": id, "config": config(id) }))
}

impl List {
    async fn run(&self, folder: &Folder, settings: &Settings) -> Result<String, Failure> {
        let groups = folder.groups()?;
        let has_log = folder.nats().exists() || folder.path().join("js").is_dir();
        let listed = if has_log {
            let log = Log::of_folder(folder, settings).await?;
            let listed = listed(&log, &groups).await;
            log.close().await;
            listed?
        } else {
            groups.iter().map(|(name, id)| of(Some(name), id, None)).collect()
        };
        if self.json {
            return Ok(format!("{:#}\n", json!(listed)));
        }
        Ok(as_text(&listed))
    }
}

/// The groups that have a name here, then those that only have a log.
async fn listed(log: &Log, groups: &Audiences) -> Result<Vec<Listed>, Failure> {
    let failed = |error| Failure::of(Exit::Unreachable, &error);
    let nameless = log.bus.groups(&log.scope.universe).await.map_err(failed)?;
    let nameless = nameless.iter().map(String::as_str).filter(|id| groups.name(id).is_none());
    let mut listed = Vec::new();
    for (name, id) in groups.iter().map(|(name, id)| (Some(name), id)).chain(nameless.map(|id| (None, id))) {
        listed.push(of(name, id, log.bus.events_of(&scope_of(id)).await.map_err(failed)?));
    }
    Ok(listed)
}

fn of(name: Option<&str>, id: &str, events: Option<u64>) -> Listed {
    Listed { name: name.map(str::to_owned), id: id.to_owned(), events }
}

fn as_text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no sharing group: `entente audience create NAME` makes one\n".to_owned();
    }
    let mut text = String::new();
    for Listed { name, id, events } in listed {
        let held = match events {
            None => "no stream: `entente audience create` with this name makes it anew".to_owned(),
            Some(1) => "1 event".to_owned(),
            Some(events) => format!("{events} events"),
        };
        let name = name.as_deref().unwrap_or("(no name here)");
        let _ = writeln!(text, "{name:<24}  {id}  {held}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_listed_with_what_its_log_holds() {
        let text = as_text(&[of(Some("banks"), "gaaaaaaaaaaaaaaaa", Some(1)), of(None, "gbaaaaaaaaaaaaaaa", Some(20))]);
        assert_eq!(
            text,
            "banks                     gaaaaaaaaaaaaaaaa  1 event\n\
             (no name here)            gbaaaaaaaaaaaaaaa  20 events\n"
        );
        assert!(as_text(&[of(Some("banks"), "gaaaaaaaaaaaaaaaa", None)]).contains("no stream"));
        assert!(as_text(&[]).contains("entente audience create NAME"));
    }
}
