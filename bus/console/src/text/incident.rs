//! One incident as plain text: the eight answers, then every lane, disagreement, gap, figure, repair and promise.

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Approach, Incident, Lane, LaneClaim, Run};
use entente_correlator::words;
use entente_schemas::speaker::Relay;

use super::{Text, marked, missing, moment, owing, universe};
use crate::frame::Frame;
use crate::incident::{figure, interval, no_outcome, read_as};
use crate::mark::Mark;
use crate::name::{org, plain, spaced};
use crate::number;
use crate::repair;
use crate::shared;
use crate::spoken::{relayed, whose};

/// An incident as plain text, as its page shows it: it begins with the universe, and with the moment, if that is past.
#[must_use]
pub fn incident(frame: &Frame, incident: &Incident) -> String {
    let place = format!("{}, log position {}", universe(&frame.universe), plain(&frame.place(), 200));
    let caveats: Vec<String> = moment(frame).into_iter().chain(missing(frame)).chain([place]).collect();
    written(frame, incident, &caveats)
}

fn written(frame: &Frame, incident: &Incident, caveats: &[String]) -> String {
    let (mut out, at) = (Text::new(), frame.at);
    marked(&mut out, incident.tlp);
    let state = if incident.open { "open" } else { "closed" };
    out.line(format!("ENTENTE, {}, {} UTC", plain(&incident.name, 200), at.format("%-d %b %Y %H:%M:%S")));
    caveats.iter().for_each(|caveat| out.line(caveat));
    out.line(format!("{}, {state}, first logged {}", incident.id, words::clock(incident.first_logged, at)));
    answers(&mut out, incident);
    out.heading("Lanes, each speaker's own claim");
    for lane in &incident.lanes {
        speaker(&mut out, frame, lane);
    }
    differences(&mut out, incident, at);
    figures(&mut out, frame, incident);
    repairs(&mut out, frame, incident);
    told(&mut out, frame, incident);
    out.heading("Owed");
    for one in &incident.owed {
        out.line(format!("  {}{}", owing(one, at), shared::text(frame, one.shared.as_ref())));
        for reply in &one.answers {
            let state = spaced(reply.state.as_str());
            let when = words::clock(reply.logged, at);
            out.line(format!("    {}, {when}, {state}: {}", org(&reply.speaker), plain(&reply.text, 200)));
        }
    }
    decisions(&mut out, frame, incident);
    reasons(&mut out, incident);
    out.end()
}

fn answers(out: &mut Text, incident: &Incident) {
    let brief = &incident.brief;
    out.heading("In eight answers");
    for (question, answer) in [
        ("Who is affected", &brief.affected),
        ("How many", &brief.count),
        ("Cause", &brief.cause),
        ("Which repair, where", &brief.working),
        ("Who owes what", &brief.owes),
        ("Customers were told", &brief.told),
        ("Unknown", &brief.unknown),
        ("How fresh", &brief.fresh),
    ] {
        let detail =
            if answer.detail.is_empty() { String::new() } else { format!(" ({})", plain(&answer.detail, 300)) };
        out.line(format!("  {question}: {}{detail}", plain(&answer.lead, 300)));
    }
}

fn speaker(out: &mut Text, frame: &Frame, lane: &Lane) {
    let at = frame.at;
    let Some(claim) = &lane.claim else {
        out.line(format!("  {}: not shared{}", org(&lane.speaker), sight(lane, at)));
        return;
    };
    let mark = Mark::of_lane(claim).word;
    let severity = words::severity(claim.severity);
    let severity = if severity == mark { String::new() } else { format!(", severity {severity}") };
    out.line(format!(
        "  {}: {}, {mark}{severity}{}{}{}",
        org(&lane.speaker),
        spaced(claim.phase.as_str()),
        relay(claim),
        sight(lane, at),
        shared::text(frame, claim.shared.as_ref())
    ));
    let native = claim.native.as_ref().and_then(|native| native.status.as_deref());
    let read = read_as(claim).map(|read| format!(" (read as {read})")).unwrap_or_default();
    let status =
        native.map_or_else(|| "no status word".to_owned(), |word| format!("status \"{}\"{read}", plain(word, 60)));
    out.line(format!("    own words: {status}, \"{}\"", plain(claim.words.as_deref().unwrap_or(&claim.title), 200)));
    let began = claim
        .occurred_at
        .map_or_else(|| "start not stated".to_owned(), |time| format!("began {}", words::clock(time, at)));
    let next = claim.next_update_by.filter(|_| claim.phase.is_open());
    let next = next.map_or_else(String::new, |due| {
        let word = if due < at { "OVERDUE, was due" } else { "due" };
        format!(", next update {word} {}", words::clock(due, at))
    });
    out.line(format!(
        "    {began}, changed {}{next}, certainty {}",
        words::clock(claim.changed, at),
        spaced(claim.certainty.as_str())
    ));
    out.line(format!("    where: {}", places(claim)));
}

fn relay(claim: &LaneClaim) -> String {
    let how = match claim.relay {
        Relay::Polled => Some("read from its public page".to_owned()),
        relay => relayed(relay, claim.told_by.as_deref()),
    };
    how.map(|how| format!(", {how}")).unwrap_or_default()
}

fn sight(lane: &Lane, at: DateTime<Utc>) -> String {
    match (lane.sight.blind_since, lane.silent_since) {
        (Some(since), _) => format!(", BLIND since {}", words::clock(since, at)),
        (None, Some(since)) => format!(", SILENT since {}", words::clock(since, at)),
        (None, None) => String::new(),
    }
}

fn places(claim: &LaneClaim) -> String {
    let said = claim.blocks.iter().take(4).map(|block| {
        let os = block.os_family();
        let class = plain(&words::class_on(block.service_class, os), 40);
        let regions: Vec<String> = block.regions.iter().map(|region| plain(region, 40)).collect();
        let regions = if regions.is_empty() { "region not stated".to_owned() } else { words::list(&regions, 4) };
        format!("{} {class}, {regions}", org(&block.provider))
    });
    let said: Vec<String> = said.collect();
    let more = claim.blocks.len().saturating_sub(4);
    match (said.is_empty(), more) {
        (true, _) => "not stated".to_owned(),
        (false, 0) => said.join("; "),
        (false, more) => format!("{}; and {more} more", said.join("; ")),
    }
}

fn differences(out: &mut Text, incident: &Incident, at: DateTime<Utc>) {
    out.heading("Disagreements");
    for one in &incident.disagreements {
        let positions: Vec<String> = one
            .positions
            .iter()
            .map(|stance| format!("{}: {}", org(&stance.speaker), plain(&stance.says, 120)))
            .collect();
        let ended = if one.open { "" } else { ", ended" };
        out.line(format!(
            "  {} {} (since {}{ended})",
            plain(&one.question, 200),
            positions.join("; "),
            words::clock(one.since, at)
        ));
    }
    out.heading("Unknown");
    for gap in &incident.unknowns {
        out.line(format!("  {}", plain(&gap.text, 240)));
    }
}

fn figures(out: &mut Text, frame: &Frame, incident: &Incident) {
    let at = frame.at;
    out.heading("Figures, as claimed");
    for group in &incident.counts {
        out.line(format!(
            "  {} {}: {} [{}]",
            words::units(group.unit),
            words::quantity(group.quantity),
            interval(group),
            spaced(&group.regime)
        ));
        for one in &group.figures {
            let told = relayed(one.relay, one.told_by.as_deref()).map(|how| format!(", {how}")).unwrap_or_default();
            out.line(format!(
                "    {}: {}{told}, as of {}{}",
                org(&one.speaker),
                figure(one),
                words::clock(one.as_of, at),
                shared::text(frame, one.shared.as_ref())
            ));
        }
    }
}

fn repairs(out: &mut Text, frame: &Frame, incident: &Incident) {
    out.heading("Repairs, observed success");
    for approach in &incident.approaches {
        // Runs of a group mark what is pooled of them.
        let runs = approach.runs.iter().filter_map(|run| run.shared.as_ref());
        let marked = runs.chain(&approach.shared).max_by_key(|shared| shared.tlp);
        let mark = shared::text(frame, marked);
        out.line(format!("  {}: {}{mark}", plain(&approach.name, 160), observed(approach)));
        for run in &approach.runs {
            arms(out, frame, run);
        }
        if let ([_, _, ..], Some(together)) = (approach.runs.as_slice(), repair::together(approach)) {
            out.line(format!("    all: {together} ({})", repair::by(approach)));
        }
        for caution in &approach.cautions {
            out.line(format!("    CAUTION ({}): {}", org(&approach.speaker), plain(&caution.text, 240)));
        }
        for run in approach.runs.iter().filter(|run| run.rollback.is_some()) {
            let reason = run.rollback.as_deref().unwrap_or_default();
            out.line(format!("    ROLLED BACK by {}: {}", org(&run.speaker), plain(reason, 240)));
        }
    }
    for advice in &incident.advisories {
        out.line(format!(
            "  advice, {}, {}: {}{}",
            whose(&advice.speaker, advice.told_by.as_deref()),
            spaced(advice.category.as_str()),
            plain(&advice.title, 200),
            shared::text(frame, advice.shared.as_ref())
        ));
    }
}

/// How far one speaker's runs have come, and their arms where there are several.
fn arms(out: &mut Text, frame: &Frame, run: &Run) {
    let by = whose(&run.speaker, run.told_by.as_deref());
    let (state, when) = (spaced(run.state.as_str()), words::clock(run.changed, frame.at));
    let mark = shared::text(frame, run.shared.as_ref());
    out.line(format!("    {by}: {}; {state}, as of {when}{mark}", repair::in_full(run)));
    let (arms, beside) = repair::arms(run);
    for (name, arm) in arms {
        out.line(format!("      {name}: {}", repair::of_arm(arm)));
    }
    if beside > 0 {
        out.line(format!("      and {beside} smaller arms"));
    }
}

fn observed(approach: &Approach) -> String {
    let invented = if approach.invented { ", invented" } else { "" };
    let Some(pooled) = &approach.pooled else { return format!("{}{invented}", no_outcome(approach)) };
    let interval = pooled.lo_ppm.zip(pooled.hi_ppm).filter(|_| !pooled.too_early);
    match interval {
        Some((lo, hi)) => {
            format!(
                "{} to {}, {} known outcomes{invented}",
                words::percent(lo),
                words::percent(hi),
                number::figure(pooled.n)
            )
        }
        None if pooled.untold > 0 => {
            let untold = words::untold(pooled.untold);
            format!("no rate, {} of {} known outcomes, {untold}{invented}", pooled.succeeded, pooled.n)
        }
        None => format!("too early, {} of {} known outcomes{invented}", pooled.succeeded, pooled.n),
    }
}

fn told(out: &mut Text, frame: &Frame, incident: &Incident) {
    let at = frame.at;
    out.heading("What customers were told");
    for one in &incident.told {
        let less = if one.says_less { ", SAID LESS" } else { "" };
        out.line(format!(
            "  {}, {}: \"{}\"{}",
            whose(&one.speaker, one.told_by.as_deref()),
            words::clock(one.said_at, at),
            plain(&one.text, 200),
            shared::text(frame, one.shared.as_ref())
        ));
        out.line(format!("    says here: {}{less}", plain(&one.says_here, 160)));
    }
}

fn decisions(out: &mut Text, frame: &Frame, incident: &Incident) {
    let at = frame.at;
    out.heading("Decisions and notes");
    for one in &incident.decisions {
        out.line(format!(
            "  {}, {}, {}: {}{}",
            org(&one.speaker),
            words::clock(one.logged, at),
            spaced(one.state.as_str()),
            plain(&one.text, 300),
            shared::text(frame, one.shared.as_ref())
        ));
    }
}

fn reasons(out: &mut Text, incident: &Incident) {
    out.heading("Why this is one incident");
    for join in &incident.why {
        let reasons: Vec<String> = join.reasons.iter().map(|reason| plain(reason, 200)).collect();
        out.line(format!("  {} and {}: {}", plain(&join.a, 80), plain(&join.b, 80), reasons.join("; ")));
    }
    for near in &incident.near {
        out.line(format!(
            "  kept apart from {}: for it {}, against it {}",
            plain(&near.other, 80),
            plain(&near.speaks_for, 200),
            plain(&near.speaks_against, 200)
        ));
    }
}
