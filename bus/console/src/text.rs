//! Board and incident as plain text, for the mail and the chat: UTC, every figure and state with whose claim it is, no
//! markup that a mail program could mangle.

mod incident;

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Cell, Incident, Owed, Picture, Row};
use entente_correlator::words;
use entente_schemas::block::Severity;
use entente_schemas::tlp::Tlp;

pub use incident::incident;

use crate::board::{is_blind, listed};
use crate::filters::Filters;
use crate::frame::Frame;
use crate::mark::Mark;
use crate::name::{feed as feed_name, many, org, orgs, plain, spaced, status};
use crate::repair;
use crate::says::named;
use crate::shared::{self, label};
use crate::spoken::{as_told, told_all, whose_in};

/// Classes named of those that a lane says the same about.
const CLASSES: usize = 4;
/// Incidents written out.
const INCIDENTS: usize = 20;
/// Lines of what is owed.
const OWED: usize = 200;

/// The whole board as plain text, as its page shows it: what is open, who says what, what is owed, what cannot be seen. It begins with the moment, if that is past, and with the filters, if there are any.
/// The picture is one that was selected by `filters`.
#[must_use]
pub fn board(frame: &Frame, picture: &Picture, filters: &Filters) -> String {
    let mut caveats: Vec<String> = moment(frame).into_iter().chain(missing(frame)).collect();
    let only = filters.in_words(&frame.org);
    if !only.is_empty() {
        let fit = format!("{} of {}", picture.matched, many(picture.totals.incidents, "incident", "incidents"));
        caveats.push(format!(
            "FILTERED: only {}, {fit}. Lanes, promises and feeds are of all.",
            plain(&only.join(", "), 200)
        ));
    }
    written(frame, picture, filters, &caveats)
}

/// What a reader must know of the moment: that it is past, or that it does not go on.
fn moment(frame: &Frame) -> Option<String> {
    if !frame.live {
        let minute = frame.at.format("%Y-%m-%d %H:%M");
        return Some(format!("AS OF position {}, {minute} UTC, not live", plain(&frame.place(), 200)));
    }
    frame.lost.map(|since| format!("NOT LIVE since {} UTC: the log does not answer", since.format("%Y-%m-%d %H:%M:%S")))
}

/// That what is told of a group is not the newest.
fn missing(frame: &Frame) -> Option<String> {
    let groups: Vec<String> = frame
        .missing
        .iter()
        .map(|(name, since)| format!("{} since {}", plain(name, 24), since.format("%Y-%m-%d %H:%M:%S UTC")))
        .collect();
    (!groups.is_empty()).then(|| format!("SHARING GROUPS NOT READ: {}", groups.join(", ")))
}

/// The marking stands above everything, as whoever passes the text on must see it first.
fn marked(out: &mut Text, tlp: Option<Tlp>) {
    if let Some(tlp) = tlp {
        out.line(label(tlp));
    }
}

fn written(frame: &Frame, picture: &Picture, filters: &Filters, caveats: &[String]) -> String {
    let mut out = Text::new();
    let totals = &picture.totals;
    marked(&mut out, picture.tlp);
    out.line(format!("ENTENTE, situation board, {} UTC", picture.at.format("%-d %b %Y %H:%M:%S")));
    caveats.iter().for_each(|caveat| out.line(caveat));
    out.line(format!("{}, log position {}", universe(&picture.universe), plain(&frame.named(&picture.as_of), 200)));
    out.line(format!(
        "{} open, {} closed, {}, {} overdue, {} blind, {} silent",
        totals.open,
        totals.closed,
        many(totals.disagreements, "disagreement", "disagreements"),
        picture.totals.overdue,
        totals.blind,
        totals.silent
    ));
    if totals.held_back + totals.rejected > 0 {
        let (held, lost) = (totals.held_back, totals.rejected);
        out.line(format!("NOT IN THIS PICTURE: {held} held back, {lost} not taken. The feeds page says why."));
    }
    out.heading("What each speaker says, worst state per class");
    for row in &picture.matrix.rows {
        if let Some(line) = lane(picture, row) {
            out.line(line);
        }
    }
    out.heading("Incidents");
    let (listed, earlier) = listed(picture, filters);
    for one in listed.iter().take(INCIDENTS) {
        summary(&mut out, one, picture);
    }
    out.rest(picture.matched.saturating_sub(earlier), INCIDENTS);
    if earlier > 0 {
        out.line(format!("  {earlier} closed earlier"));
    }
    owed(&mut out, frame, picture);
    sight(&mut out, picture);
    out.end()
}

fn universe(universe: &str) -> String {
    if universe == "actual" {
        "universe actual".to_owned()
    } else {
        format!("{}: NOT REAL", plain(universe, 40).to_uppercase())
    }
}

/// A lane in one line; none for a speaker that claims nothing, whose feed is told of below if it is blind.
fn lane(picture: &Picture, row: &Row) -> Option<String> {
    let whole = told_all(row);
    let mut parts: Vec<String> = states(picture, row, whole.is_some())
        .into_iter()
        .map(|(state, classes)| format!("{} {state}", words::list(&classes, CLASSES)))
        .collect();
    if parts.is_empty() && row.sight.blind_since.is_some() {
        return None;
    }
    if let Some(since) = row.sight.blind_since {
        let reason = row.sight.reason.as_deref().unwrap_or("reason not known");
        parts.insert(0, format!("BLIND since {}: {}", words::clock(since, picture.at), plain(reason, 160)));
    } else if let Some(since) = row.silent_since {
        parts.insert(0, format!("SILENT since {}", words::clock(since, picture.at)));
    }
    let told = whole.map(|told| format!(", {told}")).unwrap_or_default();
    (!parts.is_empty()).then(|| format!("  {}{told}: {}", org(&row.speaker), parts.join("; ")))
}

/// What a lane claims, and of which classes; `told` is whether the whole lane says who told it.
fn states(picture: &Picture, row: &Row, told: bool) -> Vec<(String, Vec<String>)> {
    let mut states: Vec<(String, Vec<String>)> = Vec::new();
    for (cell, column) in row.cells.iter().zip(&picture.matrix.columns) {
        let Cell::Claim(claim) = cell else { continue };
        let by = as_told(claim.told_by.as_deref()).filter(|_| !told);
        let beside: Vec<String> = [claim.native.as_deref().map(quoted), by].into_iter().flatten().collect();
        let beside = if beside.is_empty() { String::new() } else { format!(" ({})", beside.join(", ")) };
        let state = format!("{}{beside}", Mark::of(claim.state, claim.severity).word);
        let class = plain(&words::class_on(column.class, column.os_family.as_deref()), 40);
        match states.iter_mut().find(|(known, _)| *known == state) {
            Some((_, classes)) => classes.push(class),
            None => states.push((state, vec![class])),
        }
    }
    states
}

/// A speaker's own word for a status, as its own.
fn quoted(word: &str) -> String {
    let shown = status(word, 60);
    if shown == plain(word, 60) { format!("\"{shown}\"") } else { shown }
}

fn summary(out: &mut Text, one: &Incident, picture: &Picture) {
    let state = if one.open { "open" } else { "closed" };
    let mark = one.tlp.map(|tlp| format!(" [{}]", label(tlp))).unwrap_or_default();
    out.line(format!("* {} [{}, {state}]{mark}", plain(&one.name, 160), one.id));
    let worst = one.worst.as_ref().map(|worst| {
        let lead = if worst.value == Severity::NotStated { "severity" } else { "worst" };
        format!("{lead} {} ({})", words::severity(worst.value), whose_in(one, &worst.speaker))
    });
    let started = one.started.as_ref().map_or_else(
        || "start not stated".to_owned(),
        |started| format!("since {} ({})", words::clock(started.value, picture.at), whose_in(one, &started.speaker)),
    );
    let open = one.disagreements.iter().filter(|difference| difference.open).count();
    let differ = (open > 0).then(|| many(open, "disagreement", "disagreements"));
    let parts: Vec<String> = [worst, Some(started), differ].into_iter().flatten().collect();
    out.line(format!("  {}", parts.join(", ")));
    out.line(format!("  affected: {}", plain(&one.brief.affected.lead, 240)));
    out.line(format!("  count: {}", plain(&one.brief.count.lead, 240)));
    if let Some(repairs) = repair::in_short(one) {
        out.line(format!("  {}", repairs.replacen("Repair:", "repair:", 1)));
    }
    out.line(format!(
        "  last change {}: {} ({})",
        words::clock(one.changed.at, picture.at),
        plain(&named(&one.changed.what, one), 160),
        org(&one.changed.speaker)
    ));
}

fn owed(out: &mut Text, frame: &Frame, picture: &Picture) {
    out.heading("Owed");
    let open: Vec<&Owed> = picture.owed.iter().filter(|one| !one.settled).collect();
    for one in open.iter().take(OWED) {
        out.line(format!("  {}{}", owing(one, picture.at), shared::text(frame, one.shared.as_ref())));
    }
    out.rest(open.len(), OWED);
}

/// One thing owed in one line.
fn owing(one: &Owed, at: DateTime<Utc>) -> String {
    let by = if one.by.is_empty() { "anybody".to_owned() } else { orgs(&one.by, 3) };
    let to = if one.to.is_empty() { "all".to_owned() } else { orgs(&one.to, 3) };
    let due = match one.due_at {
        _ if one.settled => "settled".to_owned(),
        Some(due) if one.overdue => format!("OVERDUE since {}", words::clock(due, at)),
        Some(due) => format!("by {}", words::clock(due, at)),
        None => "no time set".to_owned(),
    };
    format!("{by} to {to}, {}, {due}: {}", spaced(&one.kind), plain(&one.text, 200))
}

fn sight(out: &mut Text, picture: &Picture) {
    out.heading("Feeds that are blind");
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for feed in picture.feeds.iter().filter(|feed| is_blind(feed)) {
        let since = feed.since.map(|since| format!(" (since {})", words::clock(since, picture.at))).unwrap_or_default();
        let reason = plain(feed.reason.as_deref().unwrap_or("reason not known"), 200);
        reasons.entry(reason).or_default().push(format!("{}{since}", feed_name(&feed.feed)));
    }
    for (reason, feeds) in &reasons {
        out.line(format!("  {reason}: {}", feeds.join(", ")));
    }
}

/// A text in sections; a section without lines says that there is nothing.
struct Text {
    out: String,
    empty: bool,
}

impl Text {
    fn new() -> Self {
        Self { out: String::new(), empty: false }
    }

    fn line(&mut self, line: impl AsRef<str>) {
        self.empty = false;
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{}", line.as_ref().trim_end());
    }

    fn heading(&mut self, heading: &str) {
        self.close();
        let _ = writeln!(self.out, "\n{}", heading.to_uppercase());
        self.empty = true;
    }

    fn rest(&mut self, all: usize, shown: usize) {
        if all > shown {
            self.line(format!("  and {} more", all - shown));
        }
    }

    fn close(&mut self) {
        if self.empty {
            self.line("  none");
        }
    }

    fn end(mut self) -> String {
        self.close();
        let _ = writeln!(
            self.out,
            "\nAbsent means not shared, never zero. A silent or blind speaker is not a healthy one."
        );
        self.out
    }
}

#[cfg(test)]
mod tests;
