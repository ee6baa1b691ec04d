//! The words of patch jobs as data.

use std::collections::BTreeMap;

use entente_sidecar::fleet::Progress;
use serde::Deserialize;

/// What has come of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    Targeted,
    Running,
    Ended,
    Partial,
    Failed,
    Cancelled,
    Unsupported,
    Lost,
}

/// Whether a job goes on, and if not, what has come of a machine that it left halfway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Job {
    Open,
    Cancelled,
    Failed,
    Lost,
}

/// The table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    version: u32,
    machine: BTreeMap<String, Step>,
    job: BTreeMap<String, Job>,
}

impl Table {
    /// The table that is compiled in. One that cannot be read is empty: nothing is known of any job then; a test reads it.
    pub(crate) fn compiled_in() -> Self {
        toml::from_str(include_str!("../../../mapping/osconfig.toml")).unwrap_or_else(|error| {
            tracing::error!(%error, "the table of patch jobs does not parse");
            Self::default()
        })
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn job(&self, word: &str) -> Option<Job> {
        self.job.get(word).copied()
    }

    /// How the repair of a machine goes whose state is this, in a job of that state; nothing for a word that is not listed.
    pub(super) fn progress(&self, word: &str, job: Job) -> Option<Progress> {
        let step = *self.machine.get(word)?;
        let halfway = matches!(step, Step::Targeted | Step::Running);
        let step = match job {
            Job::Cancelled if halfway => Step::Cancelled,
            Job::Failed if halfway => Step::Failed,
            Job::Lost if halfway => Step::Lost,
            _ => step,
        };
        Some(match step {
            Step::Targeted => Progress::Targeted,
            Step::Running => Progress::Running,
            Step::Ended => Progress::Ended,
            Step::Partial => Progress::Partial,
            Step::Failed => Progress::Failed,
            Step::Cancelled => Progress::Cancelled,
            Step::Unsupported => Progress::Unsupported,
            Step::Lost => Progress::Lost,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_a_closed_job_left_halfway_has_come_to_an_end() {
        let table = Table::compiled_in();
        let told = |word, job| table.progress(word, table.job(job).unwrap());
        assert_eq!(told("REBOOTING", "PATCHING"), Some(Progress::Running));
        assert_eq!(told("REBOOTING", "CANCELED"), Some(Progress::Cancelled));
        assert_eq!(told("PENDING", "TIMED_OUT"), Some(Progress::Failed));
        assert_eq!(told("STARTED", "SUCCEEDED"), Some(Progress::Lost));
        assert_eq!(told("SUCCEEDED", "CANCELED"), Some(Progress::Ended));
        assert_eq!(told("NO_AGENT_DETECTED", "PATCHING"), Some(Progress::Unsupported));
        assert_eq!((told("DREAMING", "PATCHING"), table.job("DREAMING")), (None, None));
    }
}
