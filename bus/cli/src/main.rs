//! `entente`: one command for everything; see `args` for the list and `exit` for how it ends.

mod args;
mod ask;
mod audience;
mod carrier;
mod client;
mod command_words;
mod completions;
mod desks;
mod doctor;
mod events;
mod exit;
mod feeds;
mod figure;
mod folder;
mod incident;
mod line;
mod log;
mod marking;
mod moment;
mod picture;
mod publish;
mod readers;
mod reads;
mod say;
mod serve;
mod settings;
mod sse;
mod station;
mod stop;
mod up;
mod verify;
mod view;
mod watch;
mod why;
mod word;

use std::process::ExitCode;

use args::{Cli, Command};
use exit::{Exit, Failure};

fn main() -> ExitCode {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a TLS provider was installed before ours");
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        say::speak_json();
    }
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    log_to_stderr();
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            say::failure(&failure);
            failure.exit.into()
        }
    }
}

/// Help and version are no errors; a command line that cannot be read is told as every error is, if a program listens.
fn refused(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && say::speaks_json() {
        say::failure(&Failure::of_command_line(&error.render().to_string()));
    } else if error.print().is_err() {
        return Exit::Failed.into();
    }
    if error.use_stderr() { Exit::Mistake.into() } else { Exit::Done.into() }
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ENTENTE_LOG");
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    // A log on a full disk must not take the work with it: what cannot be written of it is left out.
    let log = log.log_internal_errors(false);
    if log.try_init().is_err() {
        say::progress("a log was set up before ours; ENTENTE_LOG has no effect");
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::failed(format!("no runtime can be made: {error}"), "raise the limits on threads and open files")
    })?;
    let place = cli.place;
    let done = runtime.block_on(async {
        match cli.command {
            Command::Up(up) => up::run(up, &place).await,
            Command::Serve(serve) => serve::run(serve, &place).await,
            Command::Watch(watch) => watch::run(watch, &place).await,
            Command::Picture(picture) => picture::run(picture, &place).await,
            Command::Incident(incident) => incident::run(incident, &place).await,
            Command::Why(why) => why::run(why, &place).await,
            Command::Events(events) => events::run(events, &place).await,
            Command::Publish(publish) => publish::run(publish, &place).await,
            Command::Audience(audience) => audience::run(audience, &place).await,
            Command::Verify(verify) => verify::run(verify, &place).await,
            Command::Doctor(doctor) => doctor::run(doctor, &place).await,
            Command::Completions(completions) => completions::run(&completions),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    done
}
