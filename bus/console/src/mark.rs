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
            BlockState::AffectedUnavailable => harm.hit(G::Down, "unavailable"),
            BlockState::AffectedPartial => harm.hit(G::Part, "partial"),
            BlockState::AffectedDegraded => harm.hit(G::Slow, "degraded"),
            BlockState::Unknown | BlockState::Other if matches!(severity, Severity::NotStated | Severity::Other) => {
                Self { glyph: G::Unknown, colour: "unk", word: "state unknown" }
            }
            BlockState::Unknown | BlockState::Other => harm,
        }
    }

    /// The mark of something that is hit. The shape is the severity's; where nobody stated one, it tells how far it is hit.
    fn hit(self, extent: G, word: &'static str) -> Self {
        Self { glyph: if self.glyph == G::Unknown { extent } else { self.glyph }, word, ..self }
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
    fn what_is_down_partial_or_slow_is_told_apart_in_word_and_shape() {
        let states = [BlockState::AffectedUnavailable, BlockState::AffectedPartial, BlockState::AffectedDegraded];
        let unstated = states.map(|state| Mark::of(state, Severity::NotStated));
        assert_eq!(unstated.map(|mark| mark.word), ["unavailable", "partial", "degraded"]);
        assert_eq!(unstated.map(|mark| mark.glyph), [G::Down, G::Part, G::Slow]);
        assert_eq!(states.map(|state| Mark::of(state, Severity::Major).glyph), [G::Major; 3]);
    }

    #[test]
    fn a_state_not_told_keeps_the_severity_that_was() {
        assert_eq!(Mark::of(BlockState::Unknown, Severity::Info).word, "information");
        assert_eq!(Mark::of(BlockState::Unknown, Severity::NotStated).word, "state unknown");
    }
}
