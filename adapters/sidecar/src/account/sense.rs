//! What cannot be, though its form is right: outcomes of more than was attempted, signs in an id that nobody can see. Held
//! against what neighbours send, since one slip in a tool's arithmetic would stand on everybody's board.

use entente_schemas::family::{Body, Claim, Tally};
use serde_json::Value;

use super::cloudevents::Fault;

/// Members that name something, wherever they stand.
const IDS: [&str; 6] = ["object_id", "approach_id", "same_as", "replaces", "operator", "value"];

/// Whether a text holds a sign that cannot be seen and could make two ids look like one.
pub(super) fn is_hidden(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Texts with signs that no text needs, each with its path; ids may hold no line breaks either.
pub(super) fn hidden(data: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    look(data, "data", false, &mut faults);
    faults
}

fn look(value: &Value, path: &str, names: bool, faults: &mut Vec<Fault>) {
    let breaks = |c: char| !names && matches!(c, '\n' | '\r' | '\t');
    match value {
        Value::String(text) if text.chars().any(|c| c.is_control() && !breaks(c)) => {
            faults.push(Fault::new(path, "holds a control character; leave it out"));
        }
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(index, value)| look(value, &format!("{path}.{index}"), names, faults));
        }
        Value::Object(members) => members
            .iter()
            .for_each(|(name, value)| look(value, &format!("{path}.{name}"), IDS.contains(&name.as_str()), faults)),
        _ => {}
    }
}

/// Runs of which more came to an end than was attempted, where both are told.
pub(super) fn impossible(claim: &Claim) -> Vec<Fault> {
    let Body::Remediation(run) = &claim.body else { return Vec::new() };
    let tallies = run.arms.iter().map(|arm| &arm.tally).enumerate();
    tallies.filter_map(|(index, tally)| beyond(tally).map(|(name, what)| fault(index, name, what))).collect()
}

fn fault(arm: usize, name: &str, what: String) -> Fault {
    Fault::new(format!("data.arms.{arm}.tally.{name}"), what)
}

/// The first outcome with which they are more than were attempted.
fn beyond(tally: &Tally) -> Option<(&'static str, String)> {
    let attempted = tally.attempted?;
    let mut ended: u64 = 0;
    for (name, count) in [("succeeded", tally.succeeded), ("partial", tally.partial), ("failed", tally.failed)] {
        ended = ended.saturating_add(count.unwrap_or_default());
        if ended > attempted {
            return Some((
                name,
                format!("succeeded, partial and failed are at least {ended}, of {attempted} attempted"),
            ));
        }
    }
    None
}
