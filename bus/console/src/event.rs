//! One record of the log: where it stands, whose words it carries, and its bytes as they were logged.

use entente_correlator::picture::Line;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::{age, second};
use crate::name::{org, plain, said};
use crate::shared::inline;
use crate::shell::{Page, Screen, page};

/// The page of one record; `payload` is the event as it was logged.
#[must_use]
pub fn event(frame: &Frame, line: &Line, payload: &str) -> String {
    let title = format!("Event {}, {} of {}", line.position, line.family.token(), org(&line.speaker));
    let main = html! {
        p.crumbs {
            a href=(frame.link("/", "")) { "Board" }
            @if let Some(incident) = &line.incident { a href=(frame.link(&format!("/incidents/{incident}"), "")) { (plain(incident, 40)) } }
        }
        h1 { (title) }
        @if let Some(by) = &line.withdrawn_by {
            p.pin { (glyph(G::Withdrawn, "k-ink")) span { "Withdrawn by " (org(by)) ". It no longer counts; it stays in the log." } }
        }
        section.panel aria-labelledby="h-facts" {
            header { h2 #h-facts { "What it says" } }
            p.pad.big { (said(&line.says, 1_000)) }
            (facts(frame, line))
        }
        section.panel aria-labelledby="h-payload" {
            header { h2 #h-payload { "As logged" } span.small { (payload.len()) " bytes" } }
            pre.payload tabindex="0" { (readable(payload)) }
        }
    };
    let tlp = line.shared.as_ref().map(|shared| shared.tlp);
    page(frame, Page { screen: Screen::Other, title: &title, stream: None, totals: None, tlp, main })
}

fn facts(frame: &Frame, line: &Line) -> Markup {
    html! {
        dl.facts {
            div { dt { "Logged, UTC" } dd { (second(line.logged, frame.at)) " " span.muted { (age(line.logged, frame.at)) " ago" } } }
            div { dt { "Speaker" } dd { (org(&line.speaker)) } }
            div { dt { "Transmitted by" } dd.mono { (plain(&line.source, 80)) } }
            div { dt { "Object" } dd.mono { (plain(&line.object_id, 500)) } }
            div { dt { "Revision" } dd { (line.rev) } }
            @if let Some(shared) = &line.shared { div { dt { "Audience" } dd { (inline(frame, Some(shared))) " " span.mono.muted { (plain(&shared.audience, 24)) } } } }
            div { dt { "Event id" } dd.mono { (plain(&line.id, 80)) } }
        }
    }
}

/// The payload set out in lines; as it came, where it is no JSON.
fn readable(payload: &str) -> String {
    let value: Result<serde_json::Value, _> = serde_json::from_str(payload);
    value.and_then(|value| serde_json::to_string_pretty(&value)).unwrap_or_else(|_| payload.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_payload_is_text_however_hostile() {
        let line = fixture::picture().recent.remove(0);
        let html = event(&fixture::frame(), &line, r#"{"title":"<script>alert(1)</script>"}"#);
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!html.contains("<script>alert"));
        let html = event(&fixture::frame(), &line, "no json </pre><script>");
        assert!(html.contains("no json &lt;/pre&gt;&lt;script&gt;"));
    }

    #[test]
    fn a_withdrawn_record_says_so() {
        let mut line = fixture::picture().recent.remove(0);
        line.withdrawn_by = Some("gcp".into());
        assert!(event(&fixture::frame(), &line, "{}").contains("Withdrawn by GCP"));
    }
}
