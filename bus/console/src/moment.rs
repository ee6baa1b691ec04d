//! Times as they are read: UTC, 24 hours, ages beside them. An age is rendered for the moment of the page and marked, so
//! that the reader's side lets it run on by the server's clock.

use chrono::{DateTime, SecondsFormat, Utc};
use entente_correlator::words;
use maud::{Markup, html};

fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// How old: `18 min`.
pub(crate) fn age(time: DateTime<Utc>, at: DateTime<Utc>) -> Markup {
    html! { time datetime=(stamp(time)) data-age { (words::age(at - time)) } }
}

/// When: `11:58`, with the date where it is not today's.
pub(crate) fn clock(time: DateTime<Utc>, at: DateTime<Utc>) -> Markup {
    html! { time datetime=(stamp(time)) { (words::clock(time, at)) } }
}

/// When, to the second: `11:58:04`, with the date where it is not today's.
pub(crate) fn second(time: DateTime<Utc>, at: DateTime<Utc>) -> Markup {
    let day = if time.date_naive() == at.date_naive() { String::new() } else { format!("{} ", date(time, at)) };
    html! { time datetime=(stamp(time)) { (day) (time.format("%H:%M:%S")) } }
}

/// The day of a time, with the year where it differs.
pub(crate) fn date(time: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let same_year = time.format("%Y").to_string() == at.format("%Y").to_string();
    time.format(if same_year { "%-d %b" } else { "%-d %b %Y" }).to_string()
}

/// When something is due: amber once it is overdue, and only then.
pub(crate) fn due(due: Option<DateTime<Utc>>, overdue: bool, at: DateTime<Utc>) -> Markup {
    use crate::glyph::{G, glyph};
    html! {
        @match due {
            Some(time) if overdue => span.tag.due data-now { (glyph(G::Due, "")) "overdue " (age(time, at)) },
            Some(time) if time - at < chrono::TimeDelta::hours(12) => span.tag.soon { "in " (age_until(time, at)) },
            Some(time) => span.tag.soon { "due " (clock(time, at)) },
            None => span.tag.soon { "no time set" },
        }
    }
}

/// How long until: runs on like an age.
fn age_until(time: DateTime<Utc>, at: DateTime<Utc>) -> Markup {
    html! { time datetime=(stamp(time)) data-age { (words::age((time - at).abs())) } }
}
