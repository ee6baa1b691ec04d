//! How words came here where they are not the speaker's own: read from its public page, or told by somebody by phone. A
//! speaker of whom nothing but such calls tell is never shown as if it were on the bus itself.

use entente_correlator::picture::{Cell, Incident, Row};
use entente_schemas::speaker::Relay;

use crate::name::{org, plain};

/// How the words came here; none for the speaker's own.
pub(crate) fn relayed(relay: Relay, by: Option<&str>) -> Option<String> {
    match relay {
        Relay::Own => None,
        Relay::Polled => Some("public page".to_owned()),
        Relay::Relayed => Some(as_told(by).unwrap_or_else(|| "as told".to_owned())),
        Relay::Other => Some("relayed".to_owned()),
    }
}

/// `as told by GCP`, of words that were only heard of.
pub(crate) fn as_told(by: Option<&str>) -> Option<String> {
    by.map(|by| format!("as told by {}", plain(by, 80)))
}

/// A speaker by name, with who told of it: `Azure, as told by GCP`.
pub(crate) fn whose(speaker: &str, told_by: Option<&str>) -> String {
    as_told(told_by).map_or_else(|| org(speaker), |told| format!("{}, {told}", org(speaker)))
}

/// The same of a speaker in an incident.
pub(crate) fn whose_in(incident: &Incident, speaker: &str) -> String {
    let lane = incident.lanes.iter().find(|lane| lane.speaker == speaker);
    whose(speaker, lane.and_then(|lane| lane.told_by.as_deref()))
}

/// `as told by GCP`, if all that a speaker claims on the board was told.
pub(crate) fn told_all(row: &Row) -> Option<String> {
    let claims = row.cells.iter().filter_map(|cell| if let Cell::Claim(claim) = cell { Some(claim) } else { None });
    let mut told = claims.map(|claim| claim.told_by.as_deref());
    let first = told.next()??;
    let others = told.collect::<Option<Vec<&str>>>()?;
    if others.iter().all(|one| *one == first) { as_told(Some(first)) } else { Some("as told by several".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn only_a_lane_that_was_told_says_so() {
        let incident = fixture::incident();
        let said = ["aws", "azure", "gcp", "microsoft"].map(|speaker| whose_in(&incident, speaker));
        assert_eq!(said, ["AWS", "Azure, as told by GCP", "GCP", "Microsoft"]);
    }

    #[test]
    fn a_row_is_told_only_if_all_of_it_is() {
        let rows = fixture::picture().matrix.rows;
        let told: Vec<Option<String>> = rows.iter().take(5).map(told_all).collect();
        assert_eq!(told, [None, None, None, Some("as told by AWS".to_owned()), None]);
    }
}
