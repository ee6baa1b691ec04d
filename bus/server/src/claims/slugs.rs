//! Names of organisations are free: whoever is named need not have spoken. One that nobody has, and that is one slip away
//! from one that has, is most likely mistyped; its author is told.

use std::collections::BTreeSet;

use entente_correlator::select::{EventFilter, Select};
use serde_json::Value;

use super::request::Request;
use crate::room::Moment;

/// What the author of a request should know of the organisations that it names; `own` is the desk's.
pub(super) fn mistyped(moment: &mut Moment<'_>, request: &Request, own: &str) -> Vec<String> {
    let unheard: Vec<&str> = named(request).into_iter().filter(|org| *org != own && !has_spoken(moment, org)).collect();
    if unheard.is_empty() {
        return Vec::new();
    }
    let known = known(moment, own);
    let unknown = unheard.into_iter().filter(|org| !known.contains(*org));
    let meant = unknown.filter_map(|org| Some((org, known.iter().find(|known| is_near(org, known))?)));
    meant.map(|(org, meant)| format!("Nobody called `{org}` has spoken here; did you mean `{meant}`?")).collect()
}

/// Every organisation that a request names, each once.
fn named(request: &Request) -> BTreeSet<&str> {
    let list = |name: &str| request.claim.get(name).and_then(Value::as_array).into_iter().flatten();
    let blocks = list("blocks").filter_map(provider_of);
    let arms = list("arms").filter_map(|arm| arm.get("block")).filter_map(provider_of);
    let one =
        [request.claim.get("handing_over_to"), request.claim.get("speaker").and_then(|speaker| speaker.get("org"))];
    list("to").chain(blocks).chain(arms).chain(one.into_iter().flatten()).filter_map(Value::as_str).collect()
}

fn provider_of(block: &Value) -> Option<&Value> {
    block.get("provider")
}

fn has_spoken(moment: &Moment<'_>, org: &str) -> bool {
    let filter = EventFilter { object: None, family: None, speaker: Some(org.to_owned()) };
    !moment.state.events(None, 1, &filter).is_empty()
}

/// Organisations of which something is open, whose feeds are read, or who are on duty.
fn known(moment: &mut Moment<'_>, own: &str) -> BTreeSet<String> {
    let picture = moment.picture(&Select { limit: 0, ..Select::default() });
    let speakers = picture.matrix.rows.iter().map(|row| &row.speaker);
    let feeds = picture.feeds.iter().map(|feed| &feed.org);
    let desks = picture.desks.iter().map(|desk| &desk.org);
    speakers.chain(feeds).chain(desks).cloned().chain([own.to_owned()]).collect()
}

/// Whether one letter more, less or another, or two that changed places, make one word of the other.
pub(super) fn is_near(a: &str, b: &str) -> bool {
    a.chars().count().min(b.chars().count()) >= 3 && strsim::osa_distance(a, b) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_makes_a_name_near() {
        for (typed, meant) in [("gpc", "gcp"), ("azur", "azure"), ("azzure", "azure"), ("crowdstrlke", "crowdstrike")] {
            assert!(is_near(typed, meant), "{typed}");
        }
        for (one, other) in [("aws", "aws-eu"), ("gcp", "aws"), ("ab", "ac"), ("abcd", "badc"), ("aws", "aws")] {
            assert!(!is_near(one, other), "{one} {other}");
        }
    }
}
