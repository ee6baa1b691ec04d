//! `entente completions`: a script that teaches a shell the commands, flags and words.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Exit, Failure};
use crate::say;

const EXAMPLES: &str = "\
Examples:
  entente completions bash > entente.bash
  entente completions zsh";

/// Print a completion script for a shell
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// If nobody reads it.
pub fn run(completions: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "entente", &mut script);
    say::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
