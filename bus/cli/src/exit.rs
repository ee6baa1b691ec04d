//! How the command ends: the exit codes, and every error of the parts below translated into one of them, with what
//! went wrong on one line and the next step on another.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done as asked.
    Done = 0,
    /// It was tried and did not work.
    Failed = 1,
    /// A mistake in the flags, the configuration or the claim; nothing was done.
    Mistake = 2,
    /// There is no such incident, object or event.
    NotFound = 3,
    /// No server answers, or another process holds the data folder or the port.
    Unreachable = 4,
    /// `verify` or `doctor` found something to mend.
    Findings = 5,
    /// Interrupted a second time while ending in order.
    Interrupted = 130,
}

/// The exit codes as `--help` prints them.
pub const CODES: &str = "\
Exit codes:
  0    done
  1    it was tried and did not work
  2    a mistake in the flags, the configuration or the claim; nothing was done
  3    there is no such incident, object or event
  4    no server answers, or another process holds the data folder or the port
  5    verify or doctor found something to mend
  130  interrupted a second time while ending in order

With --json an error is one JSON object on standard error: error, hint and exit.";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong; empty if there is nobody to tell, as after a closed pipe.
    pub what: String,
    /// The next step; empty if `what` says it.
    pub next: String,
}

impl Failure {
    /// A failure with its next step.
    pub fn new(exit: Exit, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { exit, what: what.into(), next: next.into() }
    }

    /// Something was tried and did not work.
    pub fn failed(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Exit::Failed, what, next)
    }

    /// An error of a library of ours, whose message ends in its next step after a semicolon.
    pub fn of(exit: Exit, error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let (what, next) = text.split_once("; ").unwrap_or((&text, ""));
        Self::new(exit, what, next)
    }

    /// A command line that cannot be read, in the parser's words: what is wrong, and behind it what helps.
    pub fn of_command_line(told: &str) -> Self {
        let mut parts = told.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
        let what = parts.next().unwrap_or_default().trim_start_matches("error: ");
        // How to pass a misspelt flag as a value helps nobody.
        let mut tips = parts.filter_map(|part| part.strip_prefix("tip: "));
        let next = tips.find(|tip| !tip.starts_with("to pass"));
        Self::new(Exit::Mistake, what, next.unwrap_or("see --help"))
    }

    /// The reader of our output has gone; that is no error.
    pub fn unheard() -> Self {
        Self::new(Exit::Done, "", "")
    }

    /// The lines that are printed; empty if nothing is to be said.
    pub fn lines(&self) -> String {
        let mut text = String::new();
        if !self.what.is_empty() {
            text.push_str(&format!("entente: {}\n", self.what));
        }
        if !self.next.is_empty() {
            text.push_str(&format!("   next: {}\n", self.next));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_in_the_help() {
        for exit in [
            Exit::Done,
            Exit::Failed,
            Exit::Mistake,
            Exit::NotFound,
            Exit::Unreachable,
            Exit::Findings,
            Exit::Interrupted,
        ] {
            let code = format!("  {:<5}", exit as u8);
            assert!(CODES.lines().any(|line| line.starts_with(&code)), "{exit:?}");
        }
    }

    #[test]
    fn an_error_of_a_library_is_split_into_what_and_next() {
        let error = std::io::Error::other("the disk is full; free some of it; or buy one");
        let failure = Failure::of(Exit::Failed, &error);
        assert_eq!((failure.what.as_str(), failure.next.as_str()), ("the disk is full", "free some of it; or buy one"));
        assert_eq!(Failure::of(Exit::Failed, &std::io::Error::other("it broke")).lines(), "entente: it broke\n");
    }

    #[test]
    fn a_closed_pipe_says_nothing_and_is_no_error() {
        let failure = Failure::unheard();
        assert_eq!((failure.lines().as_str(), failure.exit), ("", Exit::Done));
    }

    #[test]
    fn a_command_line_s_error_keeps_its_tip() {
        let told = "error: unexpected argument '--severty' found\n\n  tip: a similar argument exists: '--severity'\n\n\
                    Usage: entente publish impact\n\nFor more information, try '--help'.\n";
        let failure = Failure::of_command_line(told);
        assert_eq!(failure.what, "unexpected argument '--severty' found");
        assert_eq!((failure.next.as_str(), failure.exit), ("a similar argument exists: '--severity'", Exit::Mistake));
        assert_eq!(Failure::of_command_line("error: x\n\nUsage: y").next, "see --help");
    }

    #[test]
    fn what_and_next_step_stand_on_lines_of_their_own() {
        let failure = Failure::failed("it broke", "mend it");
        assert_eq!(failure.lines(), "entente: it broke\n   next: mend it\n");
    }
}
