//! The eight answers that every incident opens with (CORRELATION 5): each a line that can be said aloud in a bridge call,
//! and a smaller one beneath. An answer is never empty: what nobody said is said to be so.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entente_schemas::family::CauseStatus;

use crate::incident::cause::{established, named};
use crate::incident::count::interval;
use crate::picture::{Answer, Brief, Cause, CountGroup, Figure, Incident, Lane, Owed};
use crate::sight::is_blind;
use crate::words;

/// The eight answers at `at`.
pub(crate) fn brief(incident: &Incident, at: DateTime<Utc>) -> Brief {
    Brief {
        affected: affected(incident),
        count: count(incident, at),
        cause: cause(incident, at),
        working: working(incident),
        owes: owes(incident, at),
        told: told(incident, at),
        unknown: unknown(incident),
        fresh: fresh(incident, at),
    }
}

fn answer(lead: impl Into<String>, detail: impl Into<String>) -> Answer {
    Answer { lead: lead.into(), detail: detail.into() }
}

fn names(lanes: impl Iterator<Item = String>) -> String {
    words::list(&lanes.collect::<Vec<_>>(), 4)
}

fn affected(incident: &Incident) -> Answer {
    let places = places(incident);
    let silent: Vec<String> =
        incident.lanes.iter().filter(|lane| lane.claim.is_none()).map(|lane| words::org(&lane.speaker)).collect();
    let detail = if silent.is_empty() { String::new() } else { format!("no claim from {}", words::list(&silent, 4)) };
    if places.is_empty() {
        let speakers = names(incident.lanes.iter().filter(|l| l.claim.is_some()).map(|l| words::org(&l.speaker)));
        return answer(format!("Services not stated, by {speakers}"), detail);
    }
    let said = places.iter().map(|(provider, what)| {
        let what: Vec<String> = what.iter().map(|((_, what), by)| words::as_told(what, by.as_deref())).collect();
        format!("{provider}: {}", words::list(&what, 2))
    });
    let said: Vec<String> = said.collect();
    let lead = said.iter().take(3).cloned().collect::<Vec<_>>().join("; ");
    let more = if said.len() > 3 { format!("; and {} more", said.len() - 3) } else { String::new() };
    answer(format!("{lead}{more}"), detail)
}

/// What is hit, the worst first, and who passed it on where nobody says so at first hand.
type Hits = BTreeMap<(Reverse<u8>, String), Option<String>>;

/// What is hit at each provider, the worst hit first.
fn places(incident: &Incident) -> Vec<(String, Hits)> {
    let mut places: BTreeMap<String, Hits> = BTreeMap::new();
    for claim in incident.lanes.iter().filter_map(|lane| lane.claim.as_ref()) {
        for block in &claim.blocks {
            let os = block.os_family();
            let what = format!("{} {}", words::class_on(block.service_class, os), words::state(block.state));
            let at = places.entry(words::org(&block.provider)).or_default();
            let worst = Reverse(words::state_rank(block.state));
            let told_by = at.entry((worst, what)).or_insert_with(|| claim.told_by.clone());
            if claim.told_by.is_none() {
                *told_by = None;
            }
        }
    }
    let mut places: Vec<(String, Hits)> = places.into_iter().collect();
    places.sort_by_key(|(_, hits)| hits.keys().next().map(|(worst, _)| *worst));
    places
}

fn count(incident: &Incident, at: DateTime<Utc>) -> Answer {
    let Some(group) = headline_group(&incident.counts) else {
        return answer("No claim", "no speaker has given a figure");
    };
    let (quantity, counted) = (words::quantity(group.quantity), |number| words::counted(number, group.unit));
    let lead = match (group.lo, group.hi) {
        (Some(lo), Some(hi)) if lo == hi => format!("{} {quantity}", counted(lo)),
        (Some(lo), Some(hi)) => format!("{} to {} {quantity}", words::figure(lo), counted(hi)),
        (Some(lo), None) => format!("At least {} {quantity}", counted(lo)),
        (None, Some(hi)) => format!("At most {} {quantity}", counted(hi)),
        (None, None) => format!("{} {quantity}: interval not given", words::units(group.unit)),
    };
    let by = |figure: &Figure| words::as_told(words::org(&figure.speaker), figure.told_by.as_deref());
    let by = names(group.figures.iter().map(by).collect::<BTreeSet<_>>().into_iter());
    let newest = group.figures.iter().map(|figure| figure.as_of).max();
    let as_of = newest.map(|time| format!(", as of {}", words::clock(time, at))).unwrap_or_default();
    let invented = if group.figures.iter().any(|figure| figure.invented) { ", invented" } else { "" };
    let point = group.figures.iter().any(|f| f.lo.is_none() || f.hi.is_none());
    let interval_note =
        if point && group.figures.iter().filter_map(interval).count() > 0 { ", interval not given by all" } else { "" };
    answer(lead, format!("{}, {by}{as_of}{interval_note}{invented}", group.regime))
}

/// What is affected, in the unit that most speakers use.
fn headline_group(counts: &[CountGroup]) -> Option<&CountGroup> {
    let affected = counts.iter().filter(|group| group.quantity == entente_schemas::count::Quantity::Affected);
    affected.max_by_key(|group| group.figures.len()).or_else(|| counts.first())
}

fn cause(incident: &Incident, at: DateTime<Utc>) -> Answer {
    let Some(best) = incident.causes.iter().find(|cause| cause.status != CauseStatus::RuledOut) else {
        let ruled = incident.causes.first().map(|c| format!("{} ruled out by {}", named(c), words::org(&c.speaker)));
        return answer("No hypothesis claimed", ruled.unwrap_or_else(|| "nobody has named a cause".to_owned()));
    };
    let with = |status: CauseStatus| {
        let named_alike = incident.causes.iter().filter(|c| c.status == status && named(c) == named(best));
        named_alike.map(by).collect::<Vec<_>>()
    };
    let speakers = words::list(&with(best.status), 3);
    let others: Vec<String> = incident
        .causes
        .iter()
        .filter(|c| named(c) != named(best) || c.status == CauseStatus::RuledOut)
        .map(|c| format!("{} {} {}", named(c), established(c.status), by(c)))
        .collect();
    let since = format!("since {}", words::clock(best.since, at));
    let detail = if others.is_empty() { since } else { format!("{since}; {}", words::list(&others, 2)) };
    answer(format!("{}, {} {speakers}", named(best), established(best.status)), detail)
}

/// Whose claim a cause is, and who passed it on.
fn by(cause: &Cause) -> String {
    words::as_told(words::org(&cause.speaker), cause.told_by.as_deref())
}

fn working(incident: &Incident) -> Answer {
    if let Some(approach) = incident.approaches.iter().find(|approach| approach.pooled.is_some_and(|p| !p.too_early)) {
        let rate = approach.pooled.and_then(|p| p.lo_ppm.zip(p.hi_ppm));
        let rate = rate.map(|(lo, hi)| format!("{} to {}", words::percent(lo), words::percent(hi)));
        let untold = approach.pooled.map_or(0, |p| p.untold);
        let rate = rate.unwrap_or_else(|| format!("no rate, {}", words::untold(untold)));
        let by =
            names(approach.runs.iter().map(|run| words::as_told(words::org(&run.speaker), run.told_by.as_deref())));
        let n = approach.pooled.map_or(0, |p| p.n);
        let reach = approach.reach.as_ref().map(|reach| format!("; {}", words::reached(reach))).unwrap_or_default();
        let detail = format!("observed success, {} known outcomes, {by}{reach}", words::figure(n));
        return answer(format!("{}: {rate}", approach.name), detail);
    }
    let approaches: Vec<String> = incident.approaches.iter().map(|approach| approach.name.clone()).collect();
    let advice = incident.advisories.first();
    match (approaches.is_empty(), advice) {
        (false, _) => answer(words::list(&approaches, 2), working_detail(incident)),
        (true, Some(advice)) => {
            let by = words::as_told(words::org(&advice.speaker), advice.told_by.as_deref());
            let by = format!("{} by {by}", advice.category.to_string().replace('_', " "));
            answer(words::cut(&advice.title, 120), format!("{by}; no run reported"))
        }
        (true, None) => answer("No approach claimed", "nobody has described or run a repair"),
    }
}

fn working_detail(incident: &Incident) -> String {
    let several = incident.approaches.len() > 1;
    let run = incident.approaches.iter().find_map(|approach| Some((approach, approach.reach.as_ref()?)));
    let said = incident.approaches.iter().find_map(|approach| approach.said_rate.as_ref());
    let said = said.map(|rate| {
        format!("; {} says {} to {}", words::org(&rate.by), words::percent(rate.lo), words::percent(rate.hi))
    });
    let observed = run.map_or_else(
        || "no run reported".to_owned(),
        |(approach, reach)| {
            let of = if several { format!("{}: ", words::cut(&approach.name, 60)) } else { String::new() };
            format!("{of}{}; too early: fewer than 30 known outcomes", words::reached(reach))
        },
    );
    format!("{observed}{}", said.unwrap_or_default())
}

fn owes(incident: &Incident, at: DateTime<Utc>) -> Answer {
    let owed: Vec<&Owed> = incident.owed.iter().filter(|owed| !owed.settled).collect();
    let Some(first) = owed.first() else {
        let settled = incident.owed.iter().filter(|owed| owed.settled).max_by_key(|owed| &owed.position);
        let nothing = "no open request, offer, commitment or promised update";
        return match settled {
            Some(last) => answer("Nothing is owed now", format!("{}: {}", answered(last), words::cut(&last.text, 80))),
            None => answer("Nothing asked or promised", nothing),
        };
    };
    let overdue = owed.iter().filter(|owed| owed.overdue).count();
    let lead = format!("{} {}", debtors(first), when_due(first, at));
    let lead = if overdue > 1 { format!("{overdue} overdue, first {lead}") } else { lead };
    let what = if first.kind == "update" {
        "its promised next update".to_owned()
    } else {
        format!("{}: {}", first.kind, words::cut(&first.text, 80))
    };
    let stop = if what.ends_with(['?', '!', '.', '…']) { "" } else { "." };
    let next = owed.get(1).map(|next| format!("{stop} Then {} {}", debtors(next), when_due(next, at)));
    let more = match owed.len().saturating_sub(2) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    answer(lead, format!("{what}{}{more}", next.unwrap_or_default()))
}

/// What became of a request, and by whom.
fn answered(owed: &Owed) -> String {
    let by: BTreeSet<String> = owed.answers.iter().map(|reply| words::org(&reply.speaker)).collect();
    let state = owed.state.map(|state| state.to_string().replace('_', " ")).unwrap_or_default();
    format!("{}, {state} by {}", owed.kind, words::list(&by.into_iter().collect::<Vec<_>>(), 3))
}

fn debtors(owed: &Owed) -> String {
    let by: Vec<String> = owed.by.iter().map(|org| words::org(org)).collect();
    if by.is_empty() { "anybody".to_owned() } else { words::list(&by, 3) }
}

/// A time and no age: the answer would change every minute otherwise, and draw the eye to nothing new.
fn when_due(owed: &Owed, at: DateTime<Utc>) -> String {
    match owed.due_at {
        Some(due) if owed.overdue => format!("overdue since {}", words::clock(due, at)),
        Some(due) => format!("by {}", words::clock(due, at)),
        None => "without a time".to_owned(),
    }
}

fn told(incident: &Incident, at: DateTime<Utc>) -> Answer {
    let newest = incident.told.iter().max_by_key(|told| (told.said_at, &told.position));
    let Some(newest) = newest else {
        let speakers = names(incident.lanes.iter().map(|lane| words::org(&lane.speaker)));
        return answer("No public statement known", format!("nothing read from {speakers}"));
    };
    let less: Vec<String> =
        incident.told.iter().filter(|told| told.says_less).map(|told| words::org(&told.speaker)).collect();
    let told: BTreeSet<&str> = incident.told.iter().map(|told| told.speaker.as_str()).collect();
    let untold = incident.lanes.iter().filter(|lane| !told.contains(lane.speaker.as_str()));
    let untold: Vec<String> = untold.map(|lane| words::org(&lane.speaker)).collect();
    let mut detail = Vec::new();
    if !less.is_empty() {
        detail.push(format!("{} told less than claimed here", words::list(&less, 3)));
    }
    if !untold.is_empty() {
        detail.push(format!("no statement from {}", words::list(&untold, 3)));
    }
    if detail.is_empty() {
        let speakers = if incident.told.len() == 1 { "speaker" } else { "speakers" };
        detail.push(format!("{} {speakers} told customers", incident.told.len()));
    }
    let when = words::clock(newest.said_at, at);
    let by = words::as_told(words::org(&newest.speaker), newest.told_by.as_deref());
    answer(format!("{by} {when}: \"{}\"", words::cut(&newest.text, 90)), detail.join("; "))
}

fn unknown(incident: &Incident) -> Answer {
    let questions: Vec<&str> = incident.disagreements.iter().filter(|d| d.open).map(|d| d.question.as_str()).collect();
    let lead = match (questions.len(), incident.unknowns.len()) {
        (0, 0) => "No disagreement, no gap in what is claimed".to_owned(),
        (0, gaps) => many(gaps, "gap", "gaps"),
        (open, 0) => many(open, "disagreement", "disagreements"),
        (open, gaps) => format!("{}, {}", many(open, "disagreement", "disagreements"), many(gaps, "gap", "gaps")),
    };
    let gaps: Vec<&str> = incident.unknowns.iter().map(|gap| gap.text.trim_end_matches('.')).take(2).collect();
    let more = incident.unknowns.len().saturating_sub(2);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let asked = questions.iter().take(3).copied().collect::<Vec<_>>().join(" ");
    answer(lead, format!("{asked} {}{more}", gaps.join("; ")).trim())
}

fn many(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn fresh(incident: &Incident, at: DateTime<Utc>) -> Answer {
    let heard = || incident.lanes.iter().filter_map(|lane| Some((lane.heard?, &lane.speaker, &lane.told_by)));
    let told = |(heard, speaker, told_by): (DateTime<Utc>, &String, &Option<String>)| {
        let told_by = told_by.as_ref().map(|by| format!(", as told by {by}")).unwrap_or_default();
        format!("{} ({}{told_by})", words::age(at - heard), words::org(speaker))
    };
    let lead = match (heard().max(), heard().min()) {
        (Some(newest), Some(oldest)) if newest.1 != oldest.1 => {
            format!("Newest word {}, oldest {}", told(newest), told(oldest))
        }
        (Some(newest), _) => format!("Newest word {}", told(newest)),
        _ => "Nobody heard yet".to_owned(),
    };
    let of = |pick: &dyn Fn(&Lane) -> bool| -> Vec<String> {
        incident.lanes.iter().filter(|lane| pick(lane)).map(|lane| words::org(&lane.speaker)).collect()
    };
    let (blind, silent) = (of(&|lane| is_blind(&lane.sight)), of(&|lane| lane.silent_since.is_some()));
    let overdue = of(&|lane| lane.overdue_since.is_some());
    let mut detail = Vec::new();
    for (word, lanes) in [("blind", blind), ("silent", silent), ("overdue", overdue)] {
        if !lanes.is_empty() {
            detail.push(format!("{word}: {}", words::list(&lanes, 3)));
        }
    }
    if detail.is_empty() {
        detail.push("nobody blind, silent or overdue".to_owned());
    }
    answer(lead, detail.join("; "))
}
