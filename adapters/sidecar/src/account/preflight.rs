//! `--preflight`: each call that the feeds make is made once, and all that the sidecar needs on its machine is looked at, so
//! that what is missing is told with its remedy before anything runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use entente_journal::{Bus, Clock, Scope};
use futures::StreamExt as _;
use serde::Serialize;
use tokio::time::timeout;

use super::adapter::{Adapter, Check};
use super::link::trouble_of;
use super::listen::{Listen, ask};
use super::runner::{Made, StartError, make_folder};
use super::settings::Settings;
use super::skew::Skew;
use super::socket::socket;
use crate::poll::Failure;

/// Calls that are made at once.
const AT_ONCE: usize = 4;
/// How long a sidecar that runs already may take to say so.
const HEALTH: Duration = Duration::from_secs(2);
/// What a provider may take longer than one call's time, when it asks for credentials first.
const LONGER: u32 = 3;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// It is there.
    Ok,
    /// It is not granted, or not there.
    Missing,
    /// Nobody answers.
    Unreachable,
    /// Something else is wrong.
    Failed,
}

/// One line of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The feed, or the sidecar itself.
    pub feed: String,
    /// What was called or looked at.
    pub api: String,
    /// The permission that it needs; empty where none has a name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub permission: String,
    /// How it came out.
    pub found: Found,
    /// What is wrong and the remedy; what was found where all is well and it is worth a word.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preflight {
    /// Whether all is there.
    pub ok: bool,
    /// The lines.
    pub checks: Vec<Row>,
}

impl Row {
    fn new(feed: &str, api: &str, found: Found, text: impl Into<String>) -> Self {
        Self { feed: feed.to_owned(), api: api.to_owned(), permission: String::new(), found, text: text.into() }
    }
}

/// Looks at everything. The data folder of a running sidecar is left alone: what the adapter needs to keep while it is
/// checked stands in a folder of its own within, which is removed.
///
/// # Errors
/// If the parts of the sidecar cannot be made at all.
pub async fn preflight<A: Adapter>(settings: Settings, feeds: A::Feeds) -> Result<Preflight, StartError> {
    let mut checks = vec![folder(&settings.data), listening(&settings.listen).await];
    let scratch = Scratch::within(&settings.data);
    let longest = settings.timeout * LONGER;
    let scopes: BTreeSet<Scope> = settings.scopes();
    let mut scratched = settings;
    scratched.data.clone_from(&scratch.0);
    let mut made = Made::of::<A>(scratched, feeds, Clock::wall()).await?;
    checks.extend(bus(&made, &scopes).await);
    let calls = made.checks().into_iter().map(|check| called(check, longest));
    checks.extend(futures::stream::iter(calls).buffered(AT_ONCE).collect::<Vec<_>>().await);
    checks.push(clock(&made.skew));
    let ok = checks.iter().all(|row| row.found == Found::Ok);
    Ok(Preflight { ok, checks })
}

/// A folder that is gone when this is.
struct Scratch(PathBuf);

impl Scratch {
    fn within(data: &Path) -> Self {
        Self(data.join(format!("preflight-{}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::debug!(%error, "the folder of the preflight");
        }
    }
}

async fn called(check: Check, longest: Duration) -> Row {
    let Check { feed, api, permission, call } = check;
    let outcome = timeout(longest, call).await.unwrap_or_else(|_| {
        let text = format!("{api}: no answer within {} s; look at network, proxy and the endpoint", longest.as_secs());
        Err(Failure::new("stalled", text))
    });
    let (found, text) = match outcome {
        Ok(()) => (Found::Ok, String::new()),
        Err(failure) => (found(&failure.error.code), failure.error.text),
    };
    Row { feed, api, permission, found, text }
}

fn found(code: &str) -> Found {
    match code {
        "forbidden" | "expired" | "unauthenticated" | "not-in-plan" => Found::Missing,
        "unreachable" | "stalled" | "truncated" | "timeout" | "broken-off" => Found::Unreachable,
        _ => Found::Failed,
    }
}

fn clock(skew: &Skew) -> Row {
    match (skew.words(), skew.offset_ms()) {
        (Some(words), _) => Row::new("sidecar", "clock", Found::Failed, words),
        (None, Some(offset)) => Row::new("sidecar", "clock", Found::Ok, format!("{offset} ms from the provider's")),
        (None, None) => Row::new("sidecar", "clock", Found::Ok, "no provider has told the time"),
    }
}

fn folder(data: &Path) -> Row {
    let probe = data.join(format!("preflight-{}.probe", std::process::id()));
    let written = make_folder(data).and_then(|()| std::fs::write(&probe, b"x"));
    let written = written.and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Row::new("sidecar", "data folder", Found::Ok, ""),
        Err(error) => {
            let text = format!("{}: {error}; mend its permissions, or set `data`", data.display());
            Row::new("sidecar", "data folder", Found::Failed, text)
        }
    }
}

/// Whether the address can be had; it is given back at once.
async fn listening(listen: &Listen) -> Row {
    let had = match listen {
        Listen::Port(address) => tokio::net::TcpListener::bind(address).await.map(drop),
        Listen::Socket(path) => match socket(path).await {
            Ok(_) => std::fs::remove_file(path),
            Err(error) => Err(error),
        },
    };
    match had {
        Ok(()) => Row::new("sidecar", "listen", Found::Ok, ""),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            let answer = ask(listen, "/healthz", HEALTH).await;
            if answer.is_ok_and(|answer| answer.good) {
                return Row::new("sidecar", "listen", Found::Ok, format!("a sidecar answers at {listen} already"));
            }
            let text = format!("{listen} is in use; end what uses it, or set another address (`listen`)");
            Row::new("sidecar", "listen", Found::Failed, text)
        }
        Err(error) => {
            let text = format!("{listen}: {error}; set another address (`listen`)");
            Row::new("sidecar", "listen", Found::Failed, text)
        }
    }
}

async fn bus(made: &Made, scopes: &BTreeSet<Scope>) -> Vec<Row> {
    let bus = match Bus::connect(&made.access()).await {
        Ok(bus) => bus,
        Err(error) => {
            let key = made.identity.public();
            let text = format!("{error}; the key of this sidecar is {key}");
            return vec![Row::new("sidecar", "bus", Found::Unreachable, text)];
        }
    };
    let mut rows = vec![Row::new("sidecar", "bus", Found::Ok, format!("as {}", made.identity.public()))];
    for scope in scopes {
        let api = format!("group {}", scope.audience);
        rows.push(match trouble_of(&bus, scope).await {
            None => Row::new("sidecar", &api, Found::Ok, ""),
            Some(trouble) => Row::new("sidecar", &api, Found::Missing, trouble),
        });
    }
    bus.close().await;
    rows
}

impl std::fmt::Display for Preflight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |found: Found| match found {
            Found::Ok => "ok",
            Found::Missing => "missing",
            Found::Unreachable => "unreachable",
            Found::Failed => "failed",
        };
        let head = ["FEED", "CALL", "PERMISSION", ""].map(str::to_owned);
        let rows = self
            .checks
            .iter()
            .map(|row| [row.feed.clone(), row.api.clone(), row.permission.clone(), word(row.found).to_owned()]);
        let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
        let width =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths = [0, 1, 2].map(|column| width(column).unwrap_or(0));
        let texts = std::iter::once("").chain(self.checks.iter().map(|row| row.text.as_str()));
        for ([feed, api, permission, found], text) in rows.iter().zip(texts) {
            let [first, second, third] = widths;
            writeln!(f, "{}", format!("{feed:first$}  {api:second$}  {permission:third$}  {found}").trim_end())?;
            if !text.is_empty() {
                writeln!(f, "    {text}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_and_tells_the_remedy() {
        let mut denied = Row::new("acme-vm", "acme.List", Found::Missing, "grant acme:List to the sidecar's identity");
        denied.permission = "acme:List".to_owned();
        let checks = vec![Row::new("sidecar", "bus", Found::Ok, ""), denied];
        let told = "FEED     CALL       PERMISSION\nsidecar  bus                    ok\n\
                    acme-vm  acme.List  acme:List   missing\n    grant acme:List to the sidecar's identity\n";
        assert_eq!(Preflight { ok: false, checks }.to_string(), told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_never_ends_is_unreachable() {
        let check = Check::new("acme-vm", "acme.List", "acme:List", std::future::pending());
        let row = called(check, Duration::from_secs(60)).await;
        assert_eq!((row.found, row.text.contains("no answer within 60 s")), (Found::Unreachable, true));
    }
}
