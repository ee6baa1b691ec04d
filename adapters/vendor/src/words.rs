//! Status pages' words into the bus's words. Some products shout theirs, so case says nothing.

use std::sync::LazyLock;

use entente_schemas::block::{BlockState, Severity};
use entente_schemas::family::{ImpactKind, Outcome, Phase};
use entente_sidecar::mapping::{Lookup, Mapping, Meaning};

use crate::incident::Incident;

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| Mapping::compiled_in(include_str!("../mapping.toml")));

/// The mapping table of status pages.
pub(crate) fn mapping() -> &'static Mapping {
    &MAPPING
}

/// What an item's own words come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) kind: ImpactKind,
    pub(crate) phase: Phase,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) severity: Severity,
    /// The state of what is hit, where the page does not say it of each component.
    pub(crate) state: BlockState,
}

/// Reads the words of an incident.
pub(crate) fn words(incident: &Incident, planned: bool, lookup: &mut Lookup<'_>) -> Words {
    let impact = meaning(lookup, "impact", incident.impact(), Severity::NotStated.as_str());
    let planned = planned || incident.scheduled_for().is_some() || impact.kind == Some(ImpactKind::Maintenance);
    let otherwise = match (incident.resolved().is_some(), planned) {
        (true, _) => Phase::Resolved,
        (false, true) => Phase::Scheduled,
        (false, false) => Phase::Investigating,
    };
    let status = meaning(lookup, "status", incident.status(), otherwise.as_str());
    let planned = planned || status.kind == Some(ImpactKind::Maintenance);
    Words {
        kind: if planned { ImpactKind::Maintenance } else { ImpactKind::Incident },
        phase: status.phase.unwrap_or(otherwise),
        outcome: status.outcome,
        severity: impact.severity.unwrap_or(Severity::NotStated),
        state: impact.state.unwrap_or(BlockState::Unknown),
    }
}

/// What a word says, whatever its case; one that is not listed is noted as it was written.
pub(crate) fn meaning(lookup: &mut Lookup<'_>, field: &str, word: Option<&str>, read_as: &str) -> Meaning {
    let lower = word.map(str::to_lowercase);
    match lower.as_deref().and_then(|lower| lookup.mapping().word(field, lower)) {
        Some(meaning) => meaning.clone(),
        None => lookup.word(field, word, read_as),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_lists_what_the_code_asks_for() {
        let mapping = Mapping::parse(include_str!("../mapping.toml")).unwrap();
        for list in ["impact", "notice", "post"] {
            assert!(!mapping.digest_members(list).is_empty(), "no digest.{list}");
        }
        assert!(mapping.version() > 0);
    }

    #[test]
    fn case_says_nothing_and_unknown_words_are_noted_as_written() {
        let mut lookup = Lookup::new(mapping());
        assert_eq!(meaning(&mut lookup, "status", Some("INVESTIGATING"), "").phase, Some(Phase::Investigating));
        assert_eq!(meaning(&mut lookup, "status", Some("Pondering"), "investigating").phase, None);
        let unmapped: Vec<_> = lookup.into_unmapped().into_keys().collect();
        assert_eq!((unmapped[0].word.as_str(), unmapped[0].read_as.as_str()), ("Pondering", "investigating"));
    }
}
