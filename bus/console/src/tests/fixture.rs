//! Pictures built by hand for tests: 19 July 2024, 12:40 UTC. Times are of the public record; fleet figures, asks and desks
//! are invented and say so. A file per scene.

mod extreme;
mod feeds;
mod incident;
mod lanes;
mod matrix;
mod repairs;
mod said;

use chrono::{DateTime, Utc};
use entente_correlator::picture::{Desk, HeldBack, Picture, Rejected, Totals};
use entente_schemas::family::DutyRole;

use crate::{Frame, Theme};
pub(crate) use extreme::{crowded, dark};
use feeds::feeds;
pub(crate) use feeds::{beats, feed};
use incident::storage;
pub(crate) use incident::{bare, incident};
pub(crate) use matrix::cell;
use matrix::matrix;
pub(crate) use said::line;
use said::{all_owed, recent};

/// The moment of the fixture.
pub(crate) fn at() -> DateTime<Utc> {
    time("2024-07-19T12:40:18Z")
}

pub(crate) fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A time of 19 July 2024.
fn on(clock: &str) -> DateTime<Utc> {
    time(&format!("2024-07-19T{clock}:00Z"))
}

pub(crate) fn frame() -> Frame {
    Frame {
        universe: "exercise".into(),
        org: "gcp".into(),
        position: "4812".into(),
        at: at(),
        live: true,
        lost: None,
        groups: std::collections::BTreeMap::new(),
        missing: Vec::new(),
        theme: Theme::System,
        csrf: "token-of-this-run".into(),
        path: "/".into(),
        query: String::new(),
        problem: None,
        form: None,
    }
}

pub(crate) fn picture() -> Picture {
    Picture {
        as_of: "4812".into(),
        at: at(),
        logged: Some(on("12:22")),
        universe: "exercise".into(),
        model: "m-3f9c".into(),
        totals: Totals {
            incidents: 4,
            open: 3,
            closed: 1,
            closed_recently: 0,
            disagreements: 3,
            overdue: 2,
            silent: 1,
            blind: 1,
            maintenance: 2,
            notices: 31,
            claims: 4_790,
            repeated: 12,
            held_back: 2,
            rejected: 1,
        },
        matrix: matrix(),
        matched: 3,
        incidents: vec![incident(), storage(), bare()],
        feeds: feeds(),
        owed: all_owed(),
        desks: vec![
            desk("gcp", DutyRole::Liaison, false),
            desk("azure", DutyRole::Coordinator, false),
            desk("aws", DutyRole::Liaison, true),
        ],
        recent: recent(),
        held_back: vec![
            HeldBack {
                position: 4_770.into(),
                logged: on("12:31"),
                subject: "entente.v1.actual.all.observer.desk.notice.x".into(),
                reason: "No signature. Sign it with the key of the organisation, or ask a member to restate it.".into(),
            },
            HeldBack {
                position: 4_768.into(),
                logged: on("12:18"),
                subject: "entente.v1.actual.all.algolia.algolia-status.impact.y".into(),
                reason: "Recorded 8 min after the log: its clock runs ahead. Set the clock, then send a new revision."
                    .into(),
            },
        ],
        rejected: vec![Rejected {
            feed: "algolia-status".into(),
            reason: "incident without a name".into(),
            position: Some("item 3".into()),
            digest: "ab".repeat(32),
            bytes: 18_221,
            logged: on("12:20"),
            times: 1,
            shared: None,
        }],
        tlp: None,
    }
}

fn desk(org: &str, role: DutyRole, expired: bool) -> Desk {
    let until = if expired { on("11:57") } else { on("14:00") };
    Desk {
        org: org.into(),
        desk: "liaison desk 2".into(),
        role,
        bridge_url: None,
        phone: None,
        until: Some(until),
        handing_over_to: None,
        expired,
        shared: None,
    }
}
