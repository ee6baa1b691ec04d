//! Plain words for times, ages, figures and states: what one would say aloud in a bridge call. UTC, 24 hours.

mod repair;

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::block::{BlockState, ServiceClass, Severity};
use entente_schemas::count::{Quantity, Unit};

pub use repair::{fallen, reached, reached_in_full, untold};

/// `6 s`, `18 min`, `2 h 55 min`, `2 d 16 h`.
#[must_use]
pub fn age(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{minutes} min"),
        3_600..=86_399 if minutes % 60 == 0 => format!("{hours} h"),
        3_600..=86_399 => format!("{hours} h {:02} min", minutes % 60),
        _ if hours % 24 == 0 => format!("{days} d"),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// `04:09` on the day of `today`, `18 Jul 21:40` on another, with the year where it differs.
#[must_use]
pub fn clock(time: DateTime<Utc>, today: DateTime<Utc>) -> String {
    let form = if time.date_naive() == today.date_naive() {
        "%H:%M"
    } else if time.format("%Y").to_string() == today.format("%Y").to_string() {
        "%-d %b %H:%M"
    } else {
        "%-d %b %Y %H:%M"
    };
    time.format(form).to_string()
}

/// A figure as it is said: thin spaces for thousands, `1.80 M` from a million.
#[must_use]
pub fn figure(number: u64) -> String {
    if number >= 1_000_000 {
        let hundredths = number / 10_000;
        let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let text = if text.ends_with(".00") { text.trim_end_matches(".00").to_owned() } else { text };
        return format!("{text} M");
    }
    let digits = number.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let (head, tail) = digits.split_at(digits.len() - 3);
    format!("{head}\u{2009}{tail}")
}

/// `7.0 %` of parts per million.
#[must_use]
pub fn percent(ppm: u32) -> String {
    let tenths = ppm / 1_000;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A list of names: `AWS`, `AWS and Azure`, `AWS, Azure and 3 more`.
#[must_use]
pub fn list(names: &[String], most: usize) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, last] => format!("{first} and {last}"),
        _ if names.len() <= most => {
            let (last, head) = names.split_last().map_or((String::new(), names), |(last, head)| (last.clone(), head));
            format!("{} and {last}", head.join(", "))
        }
        _ => {
            let shown: Vec<&str> = names.iter().take(most.max(1)).map(String::as_str).collect();
            format!("{} and {} more", shown.join(", "), names.len() - shown.len())
        }
    }
}

/// Whether a character turns the direction of what stands around it instead of being read.
#[must_use]
pub fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The first `most` characters in one line, with an ellipsis where something is left out: white space is folded, tags of
/// HTML are left out and its common entities read.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let text = plain(text);
    let (mut kept, mut length) = (String::new(), 0);
    for word in text.split_whitespace() {
        if length > 0 {
            kept.push(' ');
        }
        kept.push_str(word);
        length += usize::from(length > 0) + word.chars().count();
        if length > most {
            let kept: String = kept.chars().take(most.saturating_sub(1)).collect();
            return format!("{}…", kept.trim_end());
        }
    }
    kept
}

/// Tags that texts of status pages have; anything else in angle brackets is text. Those of words leave no space.
const TAGS: &[&str] = &[
    "p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "table", "tbody", "tr", "td", "th",
    "pre", "a", "b", "i", "u", "em", "strong", "span", "small", "code", "var",
];
const TAGS_OF_WORDS: &[&str] = &["a", "b", "i", "u", "em", "strong", "span", "small", "code", "var"];
const ENTITIES: &[(&str, &str)] = &[
    ("&nbsp;", " "),
    ("&#160;", " "),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&rsquo;", "’"),
    ("&ndash;", "–"),
    ("&mdash;", "—"),
    ("&amp;", "&"),
];

/// A text without the tags of HTML, its common entities read.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        match tag(after) {
            Some((name, beyond)) => {
                plain.push_str(if TAGS_OF_WORDS.contains(&name.as_str()) { "" } else { " " });
                rest = beyond;
            }
            None => {
                plain.push('<');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    let read = |text: String, (entity, stands_for): &(&str, &str)| text.replace(entity, stands_for);
    Cow::Owned(ENTITIES.iter().fold(plain, read))
}

/// The tag that a text begins with behind its bracket, and what comes after it.
fn tag(text: &str) -> Option<(String, &str)> {
    let (tag, beyond) = text.split_once('>')?;
    let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    TAGS.contains(&name.as_str()).then_some((name, beyond))
}

/// A state as it is said.
#[must_use]
pub fn state(state: BlockState) -> &'static str {
    match state {
        BlockState::AffectedDegraded => "degraded",
        BlockState::AffectedPartial => "partial",
        BlockState::AffectedUnavailable => "unavailable",
        BlockState::Restoring => "restoring",
        BlockState::Restored => "restored",
        BlockState::NotAffected => "unaffected",
        BlockState::Excluded => "excluded",
        BlockState::Unknown | BlockState::Other => "state unknown",
    }
}

/// A severity as it is said.
#[must_use]
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "information",
        Severity::NotStated => "not stated",
        other => other.as_str(),
    }
}

/// A class of services as it is said.
#[must_use]
pub fn class(class: ServiceClass) -> String {
    match class {
        ServiceClass::CdnEdge => "CDN".into(),
        ServiceClass::Dns => "DNS".into(),
        ServiceClass::AiMl => "AI".into(),
        ServiceClass::CiCd => "CI/CD".into(),
        ServiceClass::MessagingTelecom => "messaging".into(),
        other => other.as_str().replace('_', " "),
    }
}

/// A class split off by operating system: `Windows VMs`.
#[must_use]
pub fn class_on(of: ServiceClass, os_family: Option<&str>) -> String {
    let Some(os) = os_family else { return class(of) };
    let noun = if of == ServiceClass::Compute { "VMs".to_owned() } else { class(of) };
    format!("{} {noun}", org(os))
}

/// A unit in the plural.
#[must_use]
pub fn units(unit: Unit) -> &'static str {
    match unit {
        Unit::Device => "devices",
        Unit::Vm => "VMs",
        Unit::CustomerOrg => "customers",
        Unit::Subscription => "subscriptions",
        Unit::Account => "accounts",
        Unit::Project => "projects",
        Unit::Site => "sites",
        Unit::Other => "units",
    }
}

/// A figure with its unit: `1 VM`, `90 VMs`, `1.80 M devices`.
#[must_use]
pub fn counted(number: u64, unit: Unit) -> String {
    let several = units(unit);
    let one = several.strip_suffix('s').unwrap_or(several);
    format!("{} {}", figure(number), if number == 1 { one } else { several })
}

/// What was said, and who passed it on where it was only heard of.
#[must_use]
pub fn as_told(said: impl Into<String>, told_by: Option<&str>) -> String {
    let said = said.into();
    match told_by {
        Some(by) => format!("{said} (as told by {by})"),
        None => said,
    }
}

/// A quantity as it is said.
#[must_use]
pub fn quantity(quantity: Quantity) -> String {
    quantity.as_str().replace('_', " ")
}

/// An organisation's slug as a name: clouds as they write themselves, others with a capital letter.
#[must_use]
pub fn org(slug: &str) -> String {
    match slug {
        "aws" => "AWS".into(),
        "gcp" => "GCP".into(),
        "crowdstrike" => "CrowdStrike".into(),
        "github" => "GitHub".into(),
        "openai" => "OpenAI".into(),
        _ => {
            let mut letters = slug.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

/// How bad a state is, for choosing the worst.
pub(crate) fn state_rank(state: BlockState) -> u8 {
    match state {
        BlockState::Excluded | BlockState::Other => 0,
        BlockState::NotAffected => 1,
        BlockState::Restored => 2,
        BlockState::Unknown => 3,
        BlockState::Restoring => 4,
        BlockState::AffectedDegraded => 5,
        BlockState::AffectedPartial => 6,
        BlockState::AffectedUnavailable => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_they_are_said() {
        let said: Vec<String> =
            [6, 60, 1_080, 3_600, 10_500, 86_400, 230_400].iter().map(|s| age(TimeDelta::seconds(*s))).collect();
        assert_eq!(said, ["6 s", "1 min", "18 min", "1 h", "2 h 55 min", "1 d", "2 d 16 h"]);
    }

    #[test]
    fn what_is_down_what_is_slow_and_what_is_half_down_are_told_apart() {
        let said: std::collections::BTreeSet<&str> =
            [BlockState::AffectedUnavailable, BlockState::AffectedPartial, BlockState::AffectedDegraded]
                .map(state)
                .into();
        assert_eq!(said, ["degraded", "partial", "unavailable"].into());
    }

    #[test]
    fn one_line_has_no_tags() {
        let text = "<p><strong>What happened?</strong></p><p>VMs &amp; disks in <a href=\"x\">Central&nbsp;US</a>.<br/>a < b</p>";
        assert_eq!(cut(text, 200), "What happened? VMs & disks in Central US. a < b");
        assert_eq!(cut("<p>One two three</p>", 8), "One two…");
    }

    #[test]
    fn one_is_no_plural() {
        let said = [Unit::Vm, Unit::Device, Unit::CustomerOrg, Unit::Other].map(|unit| counted(1, unit));
        assert_eq!(said, ["1 VM", "1 device", "1 customer", "1 unit"]);
        assert_eq!(counted(2, Unit::Vm), "2 VMs");
    }

    #[test]
    fn figures_read_as_they_are_said() {
        assert_eq!(figure(829_000), "829\u{2009}000");
        assert_eq!(figure(1_800_000), "1.80 M");
        assert_eq!(figure(8_000_000), "8 M");
        assert_eq!(figure(3_120), "3120");
        assert_eq!(percent(971_000), "97.1 %");
    }
}
