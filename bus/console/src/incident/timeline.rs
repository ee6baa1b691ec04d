//! Lanes over time: two bars per speaker, above when it happened by its own claim, below since when it is known here. The
//! height and the colour of a bar are the severity claimed now; the table of lanes says the same in words.

use chrono::{DateTime, TimeDelta, Utc};
use entente_correlator::picture::{Incident, Lane, LaneClaim};
use entente_correlator::words;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::mark::Mark;
use crate::moment::date;
use crate::name::{org, spaced};

/// Lanes drawn.
const LANES: usize = 12;
/// The drawing's width, and where its time begins and ends, in its own units.
const WIDTH: i64 = 944;
const LEFT: i64 = 104;
const RIGHT: i64 = 934;
/// Where the first lane begins, and how high a lane is.
const HEAD: i64 = 43;
const ROW: i64 = 58;

pub(super) fn panel(frame: &Frame, incident: &Incident) -> Markup {
    let lanes: Vec<(&Lane, &LaneClaim)> =
        incident.lanes.iter().filter_map(|lane| Some((lane, lane.claim.as_ref()?))).take(LANES).collect();
    html! {
        @if !lanes.is_empty() {
            section.panel #time aria-labelledby="h-t" {
                header {
                    h2 #h-t { "Lanes over time" }
                    div.key { span { "upper bar: happened" } span { "lower bar: known here" } span { "height and colour: severity" } span { i.sw.stale {} "blind" } }
                }
                div.pad.figscroll tabindex="0" role="group" aria-label="Timeline, scrolls sideways on small screens" { (figure(minute(frame.at), &lanes)) }
            }
        }
    }
}

/// The minute that is under way, to its end: the drawing is not made anew with every second.
fn minute(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp((at.timestamp() / 60 + 1) * 60, 0).unwrap_or(at)
}

fn figure(at: DateTime<Utc>, lanes: &[(&Lane, &LaneClaim)]) -> Markup {
    let scale = Scale::over(lanes, at);
    let height = HEAD + ROW * i64::try_from(lanes.len()).unwrap_or(0);
    let now = scale.x(at);
    html! {
        svg.fig #timeline data-f viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-labelledby="tl-t tl-d" {
            title #tl-t { "Lanes over time" }
            desc #tl-d { "Two bars per speaker: when it happened, and since when this picture knows it. The table of lanes says the same." }
            defs { pattern #hx width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" { path.hatchl d="M0 0v6" {} } }
            @for (time, label) in scale.ticks() {
                path.grid d={ "M" (scale.x(time)) " 36V" (height) } {}
                text.lo x=(scale.x(time) + 3) y="30" { (label) }
            }
            path.now d={ "M" (now) " 16V" (height) } {}
            text.hi.end x=(now) y="12" { "now" }
            @for (index, (lane, claim)) in (0_i64..).zip(lanes) { (bars(&scale, HEAD + ROW * index, lane, claim)) }
        }
    }
}

/// From times to places.
struct Scale {
    from: DateTime<Utc>,
    seconds: i64,
    at: DateTime<Utc>,
}

impl Scale {
    fn over(lanes: &[(&Lane, &LaneClaim)], at: DateTime<Utc>) -> Self {
        let begins = lanes.iter().flat_map(|(_, claim)| [claim.occurred_at, Some(claim.known)]).flatten();
        let first = begins.min().unwrap_or(at).min(at - TimeDelta::minutes(10));
        let span = (at - first).num_seconds();
        Self { from: first - TimeDelta::seconds(span / 25), seconds: span + span / 25 + span / 12, at }
    }

    fn x(&self, time: DateTime<Utc>) -> i64 {
        let since = (time - self.from).num_seconds().clamp(0, self.seconds);
        LEFT + i64::try_from(i128::from(since) * i128::from(RIGHT - LEFT) / i128::from(self.seconds.max(1)))
            .unwrap_or(0)
    }

    /// At most eight times, round ones, with their labels.
    fn ticks(&self) -> Vec<(DateTime<Utc>, String)> {
        const STEPS: [i64; 13] = [5, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 10_080, 43_200, 129_600];
        let minutes = self.seconds / 60;
        let step = STEPS.into_iter().find(|step| minutes / step <= 8).unwrap_or(minutes / 8 + 1) * 60;
        let first = self.from.timestamp() / step + 1;
        let times = (first..).filter_map(|tick| DateTime::from_timestamp(tick * step, 0));
        let end = self.from + TimeDelta::seconds(self.seconds);
        times.take_while(|time| *time < end).take(12).map(|time| (time, self.label(time))).collect()
    }

    fn label(&self, time: DateTime<Utc>) -> String {
        let midnight = time.timestamp() % 86_400 == 0;
        if midnight { date(time, self.at) } else { time.format("%H:%M").to_string() }
    }
}

/// The two bars of one lane, the lag between them, and a line of words below, where no bar lies.
fn bars(scale: &Scale, y: i64, lane: &Lane, claim: &LaneClaim) -> Markup {
    let mark = Mark::of_lane(claim);
    let (class, high) = shape(mark.colour);
    let known = scale.x(claim.known);
    let began = claim.occurred_at.map_or(known, |time| scale.x(time));
    let ended = claim
        .occurred_end
        .or((!claim.phase.is_open()).then_some(claim.changed))
        .map_or(scale.x(scale.at), |time| scale.x(time));
    let now = scale.x(scale.at);
    html! {
        path.axis d={ "M0 " (y) "H" (WIDTH) } opacity=".35" {}
        text.hi x="0" y=(y + 18) { (org(&lane.speaker)) }
        text.lo x="0" y=(y + 33) { (spaced(lane.role.as_str())) }
        @if claim.occurred_at.is_none() && known > LEFT { rect.rule x=(LEFT) y=(y + 8) width=(known - LEFT) height="11" fill="none" {} }
        rect class=(class) x=(began) y=(y + 13 - high / 2) width=((ended - began).max(2)) height=(high) {}
        rect class={ "o " (class) } x=(known) y=(y + 31 - high / 2) width=((now - known).max(2)) height=(high) {}
        @if let Some(since) = lane.sight.blind_since { rect x=(scale.x(since)) y=(y + 24) width=((now - scale.x(since)).max(2)) height="14" fill="url(#hx)" {} }
        @if known > began { path.gapline d={ "M" (began) " " (y + 31) "H" (known) "M" (began) " " (y + 27) "v8" } {} }
        (note(claim, y, began, now))
    }
}

fn shape(colour: &str) -> (&'static str, i64) {
    match colour {
        "crit" => ("k-crit", 14),
        "major" => ("k-major", 12),
        "minor" => ("k-minor", 8),
        "info" => ("k-info", 6),
        "ok" => ("k-ok", 4),
        _ => ("k-ink", 4),
    }
}

fn note(claim: &LaneClaim, y: i64, began: i64, now: i64) -> Markup {
    let text = match claim.occurred_at {
        None => "start not stated".to_owned(),
        _ if claim.backfill => "already closed when its feed was first read".to_owned(),
        Some(start) if claim.known - start >= TimeDelta::minutes(1) => {
            format!("known here {} after it began", words::age(claim.known - start))
        }
        Some(start) if start - claim.known >= TimeDelta::minutes(1) => {
            format!("announced {} before", words::age(start - claim.known))
        }
        Some(_) => String::new(),
    };
    let (class, x) = if began > 620 { ("lo halo end", now - 4) } else { ("lo halo", began + 4) };
    html! { @if !text.is_empty() { text class=(class) x=(x) y=(y + 52) { (text) } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn time_runs_from_left_to_right_and_stays_within() {
        let incident = fixture::picture().incidents.remove(0);
        let lanes: Vec<(&Lane, &LaneClaim)> =
            incident.lanes.iter().filter_map(|lane| Some((lane, lane.claim.as_ref()?))).collect();
        let at = fixture::at();
        let scale = Scale::over(&lanes, at);
        let times: Vec<i64> =
            lanes.iter().filter_map(|(_, claim)| claim.occurred_at).map(|time| scale.x(time)).collect();
        assert!(!times.is_empty());
        assert!(times.iter().all(|x| (LEFT..scale.x(at)).contains(x)), "{times:?}");
        assert!(scale.x(at) <= RIGHT);
        let ticks = scale.ticks();
        assert!((2..=9).contains(&ticks.len()), "{ticks:?}");
        assert!(ticks.is_sorted());
    }

    #[test]
    fn a_start_that_nobody_stated_is_said_and_drawn_open() {
        let incident = fixture::picture().incidents.remove(0);
        let html = panel(&fixture::frame(), &incident).into_string();
        assert!(html.contains("start not stated"));
        assert!(html.contains("class=\"rule\""));
    }
}
