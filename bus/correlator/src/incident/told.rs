//! Told against known: what each speaker last said to its customers, beside what it claims here. A statement that says
//! less than its speaker's own claims of that time is marked, not judged.

use std::collections::BTreeMap;
use std::sync::Arc;

use entente_schemas::block::Severity;
use entente_schemas::family::{Body, Family, Impact, Notice, Phase};

use crate::incident::lane::{role_rank, told_by};
use crate::join::scene::Scene;
use crate::picture::Told;
use crate::record::entry::Entry;
use crate::words;

/// The newest public statement of each speaker, in lane order.
pub(crate) fn told(scene: &Scene<'_>) -> Vec<Told> {
    let mut newest: BTreeMap<(u8, &str), (&Arc<Entry>, &Notice, usize)> = BTreeMap::new();
    for entry in &scene.notices {
        let Body::Notice(notice) = &entry.claim().body else { continue };
        let speaker = &entry.header().speaker;
        let key = (role_rank(speaker.role), speaker.org.as_str());
        let count = newest.get(&key).map_or(0, |(_, _, count)| *count);
        newest.insert(key, (entry, notice, count + 1));
    }
    newest.into_values().map(|(entry, notice, count)| view(scene, entry, notice, count)).collect()
}

fn view(scene: &Scene<'_>, entry: &Arc<Entry>, notice: &Notice, statements: usize) -> Told {
    let known = scene.hits.iter().filter(|hit| hit.entry.speaker() == entry.speaker());
    let worst = known.clone().max_by_key(|hit| (hit.impact.phase.is_open(), hit.impact.severity.rank()));
    Told {
        speaker: entry.speaker().to_owned(),
        told_by: told_by(entry),
        text: words::cut(&notice.text, 200),
        notice: entry.header().object_id.clone(),
        position: entry.position(),
        channel: notice.channel.clone(),
        url: notice.url.clone(),
        native_status: notice.native_status.clone(),
        said_at: entry.header().times.published_at.unwrap_or(entry.order.logged),
        statements,
        says_here: worst.map(|hit| says(hit.impact)).unwrap_or_else(|| "no claim".to_owned()),
        says_less: known_then(scene, entry).iter().any(|impact| less(entry, impact)),
        shared: entry.shared(),
    }
}

fn says(impact: &Impact) -> String {
    let phase = impact.phase.to_string().replace('_', " ");
    match impact.severity {
        Severity::NotStated | Severity::Other => phase,
        severity => format!("{phase}, {}", words::severity(severity)),
    }
}

/// What the speaker itself claimed here, not read from its public feed, when the statement was logged.
fn known_then<'a>(scene: &Scene<'a>, notice: &Entry) -> Vec<&'a Impact> {
    let own = scene.hits.iter().filter(|hit| hit.entry.speaker() == notice.speaker());
    let objects = own.filter_map(|hit| scene.ground.objects.get(Family::Impact, &hit.entry.header().object_id));
    objects
        .filter_map(|object| {
            let before = object.entries().filter(|entry| entry.order <= notice.order);
            let private = before.filter(|entry| entry.header().native.is_none());
            private.max_by_key(|entry| (entry.header().rev, &entry.order))?.claim().impact()
        })
        .collect()
}

/// The statement calls it over, or watched, while the claim is open and earlier; or it was told as less severe.
fn less(notice: &Entry, impact: &Impact) -> bool {
    let native = notice.header().native.as_ref();
    let told_phase = told_phase(notice).filter(|phase| *phase >= Phase::Monitoring.rank());
    let closes = told_phase.is_some_and(|told| impact.phase.is_open() && told > impact.phase.rank());
    let severity = native.and_then(|n| n.severity.as_deref()).and_then(|word| word.parse::<Severity>().ok());
    closes || severity.is_some_and(|told| impact.phase.is_open() && told.rank() < impact.severity.rank())
}

/// The phase that a statement tells, by its native status where that is one of our words, else by its text.
fn told_phase(notice: &Entry) -> Option<u8> {
    let Body::Notice(body) = &notice.claim().body else { return None };
    let word = body.native_status.as_deref().map(str::to_lowercase);
    let stated = word.as_deref().and_then(|word| match word {
        "available" => Some(Phase::Resolved),
        word => word.parse::<Phase>().ok(),
    });
    let read = notice.facets.assessed.iter().filter(|found| found.member == "phase");
    let read = read.filter_map(|found| found.value.parse::<Phase>().ok()).map(Phase::rank).max();
    stated.map(Phase::rank).or(read)
}
