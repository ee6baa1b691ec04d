//! Unknowns: what nobody said, or what one who should has not said. Absence is an object of its own, never a zero.

use entente_schemas::block::BlockState;

use crate::join::facets::{Found, Key};
use crate::join::scene::Scene;
use crate::picture::{Cause, CountGroup, Lane, Unknown};
use crate::sight::is_blind;
use crate::words;

/// What is unknown about an incident, everybody's gaps first.
pub(crate) fn unknowns(scene: &Scene<'_>, lanes: &[Lane], causes: &[Cause], counts: &[CountGroup]) -> Vec<Unknown> {
    let claims = || lanes.iter().filter_map(|lane| lane.claim.as_ref());
    let mut found = Vec::new();
    if counts.is_empty() {
        found.push(gap("count", None, "How many are hit: no claim.".to_owned()));
    }
    if causes.is_empty() {
        found.push(gap("cause", None, "The cause: no hypothesis claimed.".to_owned()));
    }
    if claims().all(|claim| claim.occurred_at.is_none()) {
        found.push(gap("start", None, "When it began: not stated by anybody.".to_owned()));
    }
    for lane in lanes {
        found.extend(of_lane(scene, lane));
    }
    found
}

/// Of one who has a lane and claims nothing: whether others name it, or a part of what it makes, or it said other things.
fn without_claim(scene: &Scene<'_>, lane: &Lane) -> String {
    let name = words::org(&lane.speaker);
    if lane.heard.is_some() {
        return format!("{name} has spoken here and has claimed no impact of its own.");
    }
    let vertices = scene.hits.iter().filter_map(|hit| scene.ground.graph.vertex(&hit.entry.header().object_id));
    let keys = vertices.flat_map(|vertex| &vertex.facets.keys);
    let mut made = keys.filter(|(key, _)| matches!(key, Key::Product(vendor, _) if *vendor == lane.speaker)).peekable();
    if made.peek().is_some() && made.all(|(_, found)| *found == Found::Implied) {
        return format!("A part of what {name} makes is named, and {name} has claimed nothing here.");
    }
    format!("{name} is named and has claimed nothing here.")
}

fn of_lane(scene: &Scene<'_>, lane: &Lane) -> Vec<Unknown> {
    let name = words::org(&lane.speaker);
    let Some(claim) = &lane.claim else {
        return vec![gap("speaker", Some(&lane.speaker), without_claim(scene, lane))];
    };
    let name = words::as_told(name, claim.told_by.as_deref());
    let mut found = Vec::new();
    if claim.occurred_at.is_none() {
        found.push(gap("start", Some(&lane.speaker), format!("{name}: start not stated.")));
    }
    if !claim.phase.is_open() && claim.occurred_end.is_none() {
        found.push(gap("end", Some(&lane.speaker), format!("{name}: end not stated.")));
    }
    if claim.blocks.iter().all(|block| block.regions.is_empty()) {
        found.push(gap("region", Some(&lane.speaker), format!("{name}: region not stated.")));
    }
    if claim.phase.is_open() && claim.state == BlockState::Unknown {
        let words = claim.native.as_ref().and_then(|n| n.status.clone().or_else(|| n.category.clone()));
        let own = words.map(|word| format!(" Its own word: {word}.")).unwrap_or_default();
        found.push(gap("state", Some(&lane.speaker), format!("{name}: state not told.{own}")));
    }
    found
}

/// Speakers of the incident that cannot be seen now.
pub(crate) fn unseen(lanes: &[Lane]) -> Vec<Unknown> {
    let blind = lanes.iter().filter(|lane| is_blind(&lane.sight));
    blind
        .map(|lane| {
            let since =
                lane.sight.blind_since.map(|at| at.format(" since %-d %b %H:%M").to_string()).unwrap_or_default();
            let reason = lane.sight.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            gap("sight", Some(&lane.speaker), format!("{} cannot be seen{since}{reason}.", words::org(&lane.speaker)))
        })
        .collect()
}

fn gap(kind: &str, speaker: Option<&str>, text: String) -> Unknown {
    Unknown { kind: kind.to_owned(), speaker: speaker.map(str::to_owned), text }
}
