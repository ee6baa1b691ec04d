//! The program: what its flags ask for, how it begins, and how it ends.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};
use entente_journal::Clock;
use tokio_util::sync::CancellationToken;

use super::adapter::Adapter;
use super::listen::{Listen, ask};
use super::preflight::preflight;
use super::runner::Sidecar;
use super::settings::{KEYS, Layers, Settings, usual_data};
use super::stop::Signals;

const AFTER: &str = "\
ENTENTE_LOG chooses the lines on stderr, as in ENTENTE_LOG=warn or ENTENTE_LOG=off,entente=debug. Unset, only Entente's own
are shown: those of the libraries that call the provider may name accounts, roles and people.

Exit codes:
  0    done
  1    it was tried and did not work
  2    a mistake in the flags or the settings; nothing was done
  5    --preflight or --probe found something to mend
  130  interrupted a second time while ending in order";

/// What a program ends with, and what it says then.
struct End {
    code: u8,
    what: String,
}

impl End {
    fn failed(error: impl std::fmt::Display) -> Self {
        Self { code: 1, what: error.to_string() }
    }

    fn mistake(error: impl std::fmt::Display) -> Self {
        Self { code: 2, what: error.to_string() }
    }
}

type Done = Result<u8, End>;

/// The whole of a sidecar's `main`.
#[must_use]
pub fn main<A: Adapter>() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed before ours");
    }
    let flags = match command::<A>().try_get_matches() {
        Ok(flags) => flags,
        Err(error) => {
            let printed = error.print();
            return ExitCode::from(if printed.is_err() { 1 } else { u8::from(error.use_stderr()) * 2 });
        }
    };
    if let Some(wrong) = super::log::begin() {
        say(&wrong);
    }
    let code = run::<A>(&flags).unwrap_or_else(|end| {
        let (what, next) = step(&end.what).unwrap_or((&end.what, ""));
        say(&format!("entente-{}: {what}", A::NAME));
        if !next.is_empty() {
            say(&format!("   next: {next}"));
        }
        end.code
    });
    ExitCode::from(code)
}

/// What happened and what to do next, where a message of one line tells both: what stands in brackets is left whole.
fn step(what: &str) -> Option<(&str, &str)> {
    if what.contains('\n') {
        return None;
    }
    let mut depth = 0_usize;
    let end = what.char_indices().find(|(at, c)| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && what.get(*at..).is_some_and(|rest| rest.starts_with("; "))
    });
    let (said, next) = what.split_at_checked(end?.0)?;
    Some((said, next.trim_start_matches("; ")))
}

fn command<A: Adapter>() -> Command {
    let flag = |name: &'static str, help: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    let settings = KEYS.map(|(key, help)| {
        Arg::new(key).long(key.replace('_', "-")).value_name(key.to_uppercase()).help(help).help_heading("Settings")
    });
    Command::new(format!("entente-{}", A::NAME))
        .version(env!("CARGO_PKG_VERSION"))
        .about(format!("The {} sidecar of Entente: what an account sees, told to a sharing group. Read-only", A::NAME))
        .after_help(AFTER)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .env("ENTENTE_CONFIG")
                .help("The settings' file; without it `config.toml` in the usual data folder, if it is there"),
        )
        .args(settings)
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("PATH=VALUE")
                .action(ArgAction::Append)
                .help("Set anything else, as in --set feeds.NAME.every=\"30s\""),
        )
        .arg(flag("print-config", "Print every setting with its default, and end"))
        .arg(
            flag("preflight", "Make each call once, print what is missing and its remedy, and end")
                .conflicts_with("print-config"),
        )
        .arg(
            Arg::new("probe")
                .long("probe")
                .value_name("WHAT")
                .value_parser(["healthz", "readyz", "metrics"])
                .conflicts_with_all(["print-config", "preflight"])
                .help(
                    "Ask the sidecar that runs on these settings, print its answer, and end: for probes of containers",
                ),
        )
        .arg(flag("json", "With --preflight: print JSON").requires("preflight"))
}

fn run<A: Adapter>(flags: &ArgMatches) -> Done {
    if flags.get_flag("print-config") {
        return printed(&Settings::default_file::<A>());
    }
    let (settings, feeds) = Settings::read::<A>(&layers::<A>(flags)?).map_err(End::mistake)?;
    // One thread does it all: a sidecar waits nearly always.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| End::failed(format!("no runtime can be made: {error}; raise the limits")))?;
    let done = runtime.block_on(async {
        if let Some(what) = flags.get_one::<String>("probe") {
            probe(&settings.listen, what, settings.timeout).await
        } else if flags.get_flag("preflight") {
            checked::<A>(settings, feeds, flags.get_flag("json")).await
        } else {
            served::<A>(settings, feeds).await
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    done
}

/// File, variables and flags as they were given.
fn layers<A: Adapter>(flags: &ArgMatches) -> Result<Layers, End> {
    let usual = usual_data(A::NAME).join("config.toml");
    let named = flags.get_one::<String>("config").map(PathBuf::from);
    let file = match named.clone().or_else(|| usual.exists().then_some(usual)) {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                End::mistake(format!(
                    "the settings {} cannot be read: {error}; name another by --config",
                    path.display()
                ))
            })?;
            Some((path.display().to_string(), text))
        }
    };
    let mut given = Vec::new();
    for (key, _) in KEYS {
        if let Some(value) = flags.get_one::<String>(key) {
            given.push((format!("--{}", key.replace('_', "-")), key.to_owned(), value.clone()));
        }
    }
    for set in flags.get_many::<String>("set").into_iter().flatten() {
        let (path, value) = set.split_once('=').ok_or_else(|| {
            End::mistake(format!("--set {set}: expected PATH=VALUE; as in --set feeds.NAME.every=\"30s\""))
        })?;
        given.push(("--set".to_owned(), path.trim().to_owned(), value.trim().to_owned()));
    }
    let variables = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    Ok(Layers { file, variables: variables.collect(), flags: given })
}

async fn served<A: Adapter>(settings: Settings, feeds: A::Feeds) -> Done {
    let signals = Signals::listen().map_err(|error| End::failed(format!("signals cannot be received: {error}")))?;
    let (org, data) = (settings.org.clone(), settings.data.clone());
    let sidecar = Sidecar::start::<A>(settings, feeds, Clock::wall()).await.map_err(End::failed)?;
    let stop = CancellationToken::new();
    let relay = tokio::spawn(signals.relay(stop.clone()));
    let slugs = sidecar.slugs().join(", ");
    tracing::info!("for {org}, feeds {slugs}; answers at {}", sidecar.address());
    stop.cancelled().await;
    tracing::info!("ending in order; a second signal ends at once");
    let waiting = sidecar.end().await;
    relay.abort();
    if waiting > 0 {
        tracing::warn!("{waiting} events wait in {} and are sent at the next start", data.display());
    }
    Ok(0)
}

async fn checked<A: Adapter>(settings: Settings, feeds: A::Feeds, json: bool) -> Done {
    let found = preflight::<A>(settings, feeds).await.map_err(End::failed)?;
    let text = if json {
        serde_json::to_string_pretty(&found).map(|text| text + "\n").map_err(End::failed)?
    } else {
        found.to_string()
    };
    printed(&text)?;
    Ok(if found.ok { 0 } else { 5 })
}

async fn probe(listen: &Listen, what: &str, longest: Duration) -> Done {
    let answer = ask(listen, &format!("/{what}"), longest).await.map_err(|error| {
        let next = "look whether the sidecar runs on these settings";
        End { code: 5, what: format!("{listen} does not answer: {error}; {next}") }
    })?;
    printed(&answer.text)?;
    Ok(if answer.good { 0 } else { 5 })
}

/// Prints; a reader that has gone is no error.
fn printed(text: &str) -> Done {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(End::failed(error)),
        _ => Ok(0),
    }
}

/// Says a line to people.
fn say(line: &str) {
    // Nobody is left to be told that nobody listens.
    writeln!(std::io::stderr(), "{line}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_step_is_told_apart_and_brackets_are_left_whole() {
        assert_eq!(step("it is away; start it; wait"), Some(("it is away", "start it; wait")));
        assert_eq!(step("no group (set one; see there); set it"), Some(("no group (set one; see there)", "set it")));
        for whole in ["it is away", "no group (audience = \"g\"; make one)", "mistakes:\n  a; b"] {
            assert_eq!(step(whole), None);
        }
    }
}
