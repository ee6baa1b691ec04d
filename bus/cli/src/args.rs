//! The command line: its commands, the flags that all of them take, and the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::{self, Failure};
use crate::folder::Folder;
use crate::settings::{Layer, Settings};
use crate::{completions, doctor, incident, picture, publish, verify, watch, why};

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
    Watch(watch::Watch),
    Picture(picture::PictureOf),
    Incident(incident::IncidentOf),
    Why(why::Why),
    Publish(publish::Publish),
    Verify(verify::Verify),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}
