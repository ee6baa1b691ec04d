//! Why the members are one incident, what was nearly joined and was not, and what people said about it.

use entente_correlator::picture::{Incident, Join, Member, NearMiss, Opinion, Picture};
use entente_schemas::header::Relation;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::moment::clock;
use crate::name::{many, org, plain, said, spaced};
use crate::shared::inline;

pub(super) fn panel(frame: &Frame, incident: &Incident, picture: &Picture) -> Markup {
    html! {
        section.panel #why aria-label="Why this is one incident" {
            details.drawer open {
                summary { h2 { "Why this is one incident, and what it is not " span.muted.small { "reasons in words, no weights yet" } } }
                div #evidence data-f {
                    div.ev {
                        @for join in &incident.why { (joined(frame, incident, join)) }
                        @if incident.why.is_empty() { div { h3 { (glyph(G::Link, "k-ink")) "One object" } p.foot { "Nothing was joined: the incident is what one speaker says of one object." } } }
                        @for near in &incident.near { (missed(frame, incident, near, picture)) }
                    }
                    (opinions(frame, &incident.constraints))
                }
                (members(frame, incident))
            }
        }
    }
}

/// A member as people know it: whose, what it is called, and who may read it.
fn title(frame: &Frame, incident: &Incident, object: &str) -> Markup {
    let known = member(incident, object);
    html! { (called(object, known)) (inline(frame, known.and_then(|member| member.shared.as_ref()))) }
}

fn member<'a>(incident: &'a Incident, object: &str) -> Option<&'a Member> {
    incident.members.iter().find(|member| member.object_id == object)
}

fn called(object: &str, member: Option<&Member>) -> Markup {
    html! {
        @match member {
            Some(member) => { (org(&member.speaker)) ": " (said(&member.title, 60)) },
            None => span.mono { (plain(object, 60)) },
        }
    }
}

fn joined(frame: &Frame, incident: &Incident, join: &Join) -> Markup {
    let relation = if join.relation == Relation::PartOf { " is part of " } else { " and " };
    html! {
        div {
            h3 { (glyph(G::Link, "k-ink")) span { (title(frame, incident, &join.a)) (relation) (title(frame, incident, &join.b)) } }
            ul { @for reason in &join.reasons { li { b { "+" } span { (said(reason, 300)) } } } }
        }
    }
}

fn missed(frame: &Frame, incident: &Incident, near: &NearMiss, picture: &Picture) -> Markup {
    let beyond = picture.incidents.iter().find(|one| near.other_incident.as_ref() == Some(&one.id));
    let other = called(&near.other, beyond.and_then(|one| member(one, &near.other)));
    html! {
        div {
            h3 { (glyph(G::Gap, "k-ink")) span { "Kept apart: " (title(frame, incident, &near.object_id)) " from "
                @match &near.other_incident {
                    Some(id) => a href=(frame.link(&format!("/incidents/{id}"), "")) { (other) },
                    None => (other),
                }
                (inline(frame, near.shared.as_ref()))
            } }
            ul { li { b { "+" } span { (said(&near.speaks_for, 300)) } } li.neg { b { "−" } span { (said(&near.speaks_against, 300)) } } }
        }
    }
}

fn opinions(frame: &Frame, opinions: &[Opinion]) -> Markup {
    html! {
        @if !opinions.is_empty() {
            ul.rows.tight { @for one in opinions {
                li {
                    (glyph(if one.binds { G::Good } else { G::Talk }, "k-ink"))
                    span {
                        b { (said(&one.author, 60)) " of " (org(&one.org)) ": " (spaced(&one.kind)) "." } " " (said(&one.reason, 300))
                        span.sub { (clock(one.logged, frame.at)) ", " @if one.binds { "binds the shared picture" } @else { "an opinion: it does not reach that far" } (inline(frame, one.shared.as_ref())) }
                    }
                }
            } }
        }
    }
}

fn members(frame: &Frame, incident: &Incident) -> Markup {
    html! {
        details.group {
            summary { (many(incident.members.len(), "member", "members")) @if !incident.aliases.is_empty() { ", also found as " (plain(&incident.aliases.join(", "), 120)) } }
            ul.rows.tight #member-list data-f { @for member in &incident.members {
                li {
                    (glyph(G::Lane, ""))
                    span {
                        (org(&member.speaker)) ": " (said(&member.title, 120))
                        span.sub { span.mono { (plain(&member.object_id, 80)) } ", " (member.family.token()) ", " (spaced(member.relation.as_str())) ", "
                            a href=(frame.link(&format!("/events/{}", member.position), "")) { (many(member.revisions, "revision", "revisions")) }
                            @if member.notices > 0 { ", " (many(member.notices, "statement", "statements")) }
                            (inline(frame, member.shared.as_ref()))
                        }
                    }
                }
            } }
        }
    }
}
