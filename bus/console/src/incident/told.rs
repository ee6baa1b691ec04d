//! What each speaker told its customers, beside what it claims here.

use entente_correlator::picture::{Incident, Told};
use maud::{Markup, html};

use crate::fragment::order;
use crate::frame::Frame;
use crate::glyph::{G, glyph};
use crate::link::{Hosts, outer};
use crate::moment::clock;
use crate::name::{org, orgs, plain, said, status};
use crate::shared::mark;
use crate::spoken::as_told;

pub(super) fn panel(frame: &Frame, incident: &Incident, hosts: &Hosts) -> Markup {
    let silent: Vec<String> = incident
        .lanes
        .iter()
        .filter(|lane| !incident.told.iter().any(|told| told.speaker == lane.speaker))
        .map(|lane| lane.speaker.clone())
        .collect();
    html! {
        section.panel #told aria-labelledby="h-told" {
            header { h2 #h-told { "What customers were told, and what is reported here" } }
            table.t.told {
                thead { tr { th scope="col" { "Speaker" } th scope="col" { "Told customers" } th scope="col" { "Says here" } th scope="col" { "Gap" } } }
                tbody #told-rows { @for told in &incident.told { (row(frame, told, hosts)) } }
            }
            @if !silent.is_empty() { p.pad.muted #told-none data-f { (orgs(&silent, 6)) ": no public statement read." } }
            (order("told-rows", &incident.told.iter().map(|told| format!("t-{}", told.speaker)).collect::<Vec<_>>()))
        }
    }
}

fn row(frame: &Frame, told: &Told, hosts: &Hosts) -> Markup {
    html! {
        tr id={ "t-" (told.speaker) } data-f {
            th scope="row" { (org(&told.speaker)) @if let Some(by) = as_told(told.told_by.as_deref()) { span.sub { (by) } } (mark(frame, told.shared.as_ref())) }
            td data-h="Told customers" {
                "“" (said(&told.text, 200)) "”"
                @if let Some(word) = &told.native_status { span.sub.native { bdi { (status(word, 60)) } } }
                span.sub {
                    (clock(told.said_at, frame.at))
                    @if told.url.is_none() || !told.channel.starts_with("https:") { ", " (plain(&told.channel, 60)) }
                    @if told.statements > 1 { ", the newest of " (told.statements) } ", "
                    a href=(frame.link(&format!("/events/{}", told.position), "")) { "whole text" }
                }
                @if let Some(url) = &told.url { span.sub { (outer(url, hosts)) } }
            }
            td data-h="Says here" { (said(&told.says_here, 120)) }
            td data-h="Gap" { @if told.says_less { span.tag.dis { (glyph(G::Dis, "k-dis")) "said less" } } @else { span.muted { "none seen" } } }
        }
    }
}
