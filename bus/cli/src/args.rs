//! The command line: its commands, the flags that all of them take, and the help.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::exit::{self, Failure};
use crate::folder::Folder;
use crate::settings::{Layer, Settings};
use crate::{audience, completions, doctor, events, incident, picture, publish, serve, up, verify, watch, why};

const ABOUT: &str = "The cross-cloud incident coordination bus: who says what is broken, on one shared picture";

/// The `entente` command.
#[derive(Parser, Debug)]
#[command(name = "entente", version, about = ABOUT, after_help = exit::CODES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// If it cannot be read; help and version come as errors too.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        publish::stands_alone(&mut command, &matches)?;
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// Which data folder a command works on.
#[derive(Args, Debug)]
pub struct Place {
    /// The data folder (default: entente in $XDG_DATA_HOME, else in ~/.local/share)
    #[arg(long, global = true, value_name = "DIR", env = "ENTENTE_DATA", hide_env_values = true)]
    pub data: Option<PathBuf>,
}

impl Place {
    /// The folder and its settings.
    ///
    /// # Errors
    /// If there is no folder to be had, or the settings have mistakes.
    pub fn open(&self) -> Result<(Folder, Settings), Failure> {
        self.open_with(&Layer::new())
    }

    /// The folder and its settings, `flags` before everything.
    ///
    /// # Errors
    /// If there is no folder to be had, or the settings have mistakes.
    pub fn open_with(&self, flags: &Layer) -> Result<(Folder, Settings), Failure> {
        let folder = Folder::choose(self.data.as_deref())?;
        let settings = Settings::read(&folder, flags)?;
        Ok((folder, settings))
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    Up(up::Up),
    Serve(serve::Serve),
    Watch(watch::Watch),
    Picture(picture::PictureOf),
    Incident(incident::IncidentOf),
    Why(why::Why),
    Events(events::Events),
    Publish(publish::Publish),
    Audience(audience::Audience),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of a command and of all below it, as their lines stand in the help.
    fn examples(command: &clap::Command, found: &mut Vec<String>) {
        let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let joined = after.replace("\\\n", " ");
        let lines = joined.lines().map(str::trim).filter_map(|line| line.find("entente ").map(|at| &line[at..]));
        found.extend(lines.map(str::to_owned));
        for below in command.get_subcommands() {
            examples(below, found);
        }
    }

    /// Splits a line as a shell does, without running anything.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(" < ").next().and_then(|line| line.split(" > ").next()).unwrap_or(line);
        let script = format!("for word in {}; do printf '%s\\0' \"$word\"; done", line.replace('*', "\\*"));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn every_example_of_the_help_is_a_command_line() {
        let mut found = Vec::new();
        examples(&Cli::command(), &mut found);
        assert!(found.len() > 40, "{}", found.len());
        for example in found {
            if let Err(error) = Cli::try_parse_from(words(&example)) {
                panic!("{example}\n{error}");
            }
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
