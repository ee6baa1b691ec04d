//! How often a feed is asked: rarely while all is quiet, often while something is going on.

use std::time::Duration;

/// The two paces of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// The pause while nothing is going on.
    pub quiet: Duration,
    /// The pause while something is.
    pub incident: Duration,
}

impl Cadence {
    /// The pause until the next answer is wanted, for [`Ask::pause`](crate::Ask::pause).
    #[must_use]
    pub fn pause(self, going_on: bool) -> Duration {
        // Whoever is asked more often than every quiet pause anyway is not asked more rarely for an incident.
        if going_on { self.incident.min(self.quiet) } else { self.quiet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_never_makes_a_feed_slower() {
        let seconds = Duration::from_secs;
        let cadence = Cadence { quiet: seconds(120), incident: seconds(20) };
        assert_eq!((cadence.pause(false), cadence.pause(true)), (seconds(120), seconds(20)));
        assert_eq!(Cadence { quiet: seconds(5), ..cadence }.pause(true), seconds(5));
    }
}
