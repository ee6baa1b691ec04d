//! Who owes what by when: requests, offers and commitments between desks, and promised next updates. Whether something is
//! overdue follows from the clock alone.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_schemas::family::{Body, Message, MessageKind};

use crate::incident::answer;
use crate::incident::lane::told_by;
use crate::join::scene::Ground;
use crate::picture::{Decision, Lane, Owed};
use crate::record::entry::Entry;
use crate::words;

/// What a message leaves owed, with the answers that a request got; nothing once its author calls it done.
pub(crate) fn of_message(ground: Ground<'_>, entry: &Arc<Entry>, incident: Option<&str>) -> Option<Owed> {
    let Body::Message(message) = &entry.claim().body else { return None };
    let author = vec![entry.speaker().to_owned()];
    let (by, to) = match message.kind {
        MessageKind::Request => (message.to.clone(), author),
        MessageKind::Offer | MessageKind::Commitment => (author, message.to.clone()),
        _ => return None,
    };
    let mut owed = message.state.is_open().then(|| Owed {
        object_id: entry.header().object_id.clone(),
        kind: message.kind.to_string(),
        by,
        to,
        text: as_told(entry, words::cut(&message.text, 200)),
        due_at: message.due_at,
        overdue: false,
        state: Some(message.state),
        settled: false,
        answers: Vec::new(),
        incident: incident.map(str::to_owned),
        position: entry.position(),
        shared: entry.shared(),
    })?;
    if message.kind == MessageKind::Request {
        answer::apply(&mut owed, answer::replies(ground, entry, message));
    }
    Some(owed)
}

/// What was heard by phone names who passed it on.
pub(crate) fn as_told(entry: &Entry, text: String) -> String {
    words::as_told(text, told_by(entry).as_deref())
}

/// The promised next updates of open lanes.
pub(crate) fn promised(lanes: &[Lane], incident: &str) -> Vec<Owed> {
    let claims = lanes.iter().filter_map(|lane| Some((lane, lane.claim.as_ref()?)));
    let promised = claims.filter(|(_, claim)| claim.phase.is_open()).filter_map(|(lane, claim)| {
        Some(Owed {
            object_id: claim.object_id.clone(),
            kind: "update".to_owned(),
            by: vec![lane.speaker.clone()],
            to: Vec::new(),
            text: "next update, as promised".to_owned(),
            due_at: Some(claim.next_update_by?),
            overdue: false,
            state: None,
            settled: false,
            answers: Vec::new(),
            incident: Some(incident.to_owned()),
            position: claim.position.clone(),
            shared: claim.shared.clone(),
        })
    });
    promised.collect()
}

/// Marks what is past at `at` and puts it first, then what is due next, then what has no time, then what is settled.
pub(crate) fn settle(owed: &mut [Owed], at: DateTime<Utc>) {
    for item in owed.iter_mut() {
        item.overdue = item.due_at.is_some_and(|due| due < at) && !item.settled;
    }
    owed.sort_by_key(|one| (one.settled, !one.overdue, one.due_at.is_none(), one.due_at, one.position.clone()));
}

/// Decisions and notes, the newest first.
pub(crate) fn decisions<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<Decision> {
    let mut found: Vec<Decision> = entries
        .filter_map(|entry| match &entry.claim().body {
            Body::Message(message) if is_said(message) => Some(Decision {
                object_id: entry.header().object_id.clone(),
                speaker: entry.speaker().to_owned(),
                kind: message.kind,
                text: as_told(entry, words::cut(&message.text, 500)),
                state: message.state,
                logged: entry.order.logged,
                shared: entry.shared(),
            }),
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| b.logged.cmp(&a.logged).then_with(|| a.object_id.cmp(&b.object_id)));
    found
}

fn is_said(message: &Message) -> bool {
    matches!(message.kind, MessageKind::Decision | MessageKind::Note)
}
