//! How long the contract waits: long for what must come about, since a machine may be slow or busy, and a while for what
//! must not, since nothing tells that it never will.

use std::time::Duration;

/// How long is waited, and for what less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a fact that must come about; without it a sentence is broken.
    pub fact: Duration,
    /// How long is looked whether something happens that must not. It ends at once where it does.
    pub absence: Duration,
    /// A fact that an adapter is known not to bring about, by a part of its name, and how long it is waited for: where a
    /// sentence is broken on purpose.
    pub doubted: Option<(&'static str, Duration)>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { fact: Duration::from_secs(180), absence: Duration::from_secs(2), doubted: None }
    }
}

impl Patience {
    /// How long the fact of that name may take.
    pub(super) fn with(&self, what: &str) -> Duration {
        self.doubted.filter(|(doubted, _)| what.contains(doubted)).map_or(self.fact, |(_, brief)| brief)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_doubted_is_given_up_early() {
        let brief = Duration::from_secs(1);
        let patience = Patience { doubted: Some(("is told", brief)), ..Patience::default() };
        assert_eq!((patience.with("the trouble is told"), patience.with("all is well")), (brief, patience.fact));
    }
}
