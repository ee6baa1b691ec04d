//! Marks of state and severity: shape, word and colour together, so that none of them is needed alone.

use entente_correlator::picture::LaneClaim;
use entente_correlator::words;
use entente_schemas::block::{BlockState, Severity};
use maud::{Markup, html};

use crate::glyph::{G, glyph};

/// How a claim is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The shape.
    pub(crate) glyph: G,
    /// The end of its colour's class names: `crit` of `s-crit` and `k-crit`.
    pub(crate) colour: &'static str,
    /// The word.
    pub(crate) word: &'static str,
}

impl Mark {
    /// The mark of a state: its severity gives the colour while it is hit, since a claim of being restored is not red.
    pub(crate) fn of(state: BlockState, severity: Severity) -> Self {
        let harm = Self::severity(severity);
        match state {
            BlockState::Restored => Self { glyph: G::Ok, colour: "ok", word: "restored" },
            BlockState::NotAffected => Self { glyph: G::Good, colour: "off", word: "unaffected" },
            BlockState::Excluded => Self { glyph: G::Not, colour: "off", word: "excluded" },
            BlockState::Restoring => Self { glyph: G::Restoring, word: "restoring", ..harm },
            BlockState::Unknown | BlockState::Other if matches!(severity, Severity::NotStated | Severity::Other) => {
                Self { glyph: G::Unknown, colour: "unk", word: "state unknown" }
            }
            BlockState::Unknown | BlockState::Other => harm,
            state => Self { word: words::state(state), ..harm },
        }
    }

    /// The mark of a severity alone.
    pub(crate) fn severity(severity: Severity) -> Self {
        let word = words::severity(severity);
        let (glyph, colour) = match severity {
            Severity::Critical => (G::Crit, "crit"),
            Severity::Major => (G::Major, "major"),
            Severity::Minor => (G::Minor, "minor"),
            Severity::Info => (G::Info, "info"),
            Severity::None => (G::Ok, "ok"),
            Severity::NotStated | Severity::Other => (G::Unknown, "unk"),
        };
        Self { glyph, colour, word }
    }

    /// The mark of the claim that speaks in a lane.
    pub(crate) fn of_lane(claim: &LaneClaim) -> Self {
        Self::of(claim.state, claim.severity)
    }

    /// Shape and word.
    pub(crate) fn show(self) -> Markup {
        html! { span.st { (glyph(self.glyph, &format!("k-{}", self.colour))) (self.word) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_restored_is_not_red() {
        let mark = Mark::of(BlockState::Restored, Severity::Critical);
        assert_eq!((mark.colour, mark.word), ("ok", "restored"));
    }

    #[test]
    fn a_state_not_told_keeps_the_severity_that_was() {
        assert_eq!(Mark::of(BlockState::Unknown, Severity::Info).word, "information");
        assert_eq!(Mark::of(BlockState::Unknown, Severity::NotStated).word, "state unknown");
    }
}
