//! What became of a request: a message that names the request's event as its cause answers it, from one who was asked. A
//! note answers, a commitment takes the request's place, a decline ends it; a word that it was seen leaves it owed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use entente_schemas::family::{Body, Family, Message, MessageKind, MessageState};

use crate::incident::owed::as_told;
use crate::join::scene::Ground;
use crate::picture::{Owed, Reply};
use crate::record::entry::Entry;
use crate::words;

/// The answers to a request that stand, in the order of the log.
pub(crate) fn replies(ground: Ground<'_>, request: &Entry, asked: &Message) -> Vec<Reply> {
    let id = request.header().object_id.as_str();
    let revisions = ground.objects.get(Family::Message, id).into_iter().flat_map(|object| object.entries());
    let names: BTreeSet<&str> = revisions.map(|entry| entry.event.id.as_str()).chain([id]).collect();
    let naming = names.iter().flat_map(|name| ground.referrals.referring(name));
    let messages: BTreeSet<&str> =
        naming.filter(|(family, other)| *family == Family::Message && other != id).map(|(_, id)| id.as_str()).collect();
    let from_asked = |entry: &&Arc<Entry>| {
        let speaker = entry.speaker();
        if asked.to.is_empty() { speaker != request.speaker() } else { asked.to.iter().any(|org| org == speaker) }
    };
    let answers =
        messages.into_iter().filter(|id| ground.objects.causes(Family::Message, id).any(|c| names.contains(c)));
    let mut answers: Vec<&Arc<Entry>> =
        answers.filter_map(|id| ground.objects.current_by_id(Family::Message, id)).filter(from_asked).collect();
    answers.sort_by_key(|entry| &entry.order);
    answers.into_iter().filter_map(reply).collect()
}

fn reply(entry: &Arc<Entry>) -> Option<Reply> {
    let Body::Message(message) = &entry.claim().body else { return None };
    Some(Reply {
        object_id: entry.header().object_id.clone(),
        speaker: entry.speaker().to_owned(),
        kind: message.kind,
        state: outcome(message),
        text: as_told(entry, words::cut(&message.text, 200)),
        logged: entry.order.logged,
        position: entry.position(),
    })
}

/// What an answer makes of the request. Who asks back has seen it.
fn outcome(answer: &Message) -> MessageState {
    match (answer.kind, answer.state) {
        (_, MessageState::Declined) => MessageState::Declined,
        (MessageKind::Request, _) => MessageState::Acknowledged,
        (MessageKind::Commitment | MessageKind::Offer, _) => MessageState::Committed,
        (_, MessageState::Acknowledged | MessageState::Committed) => answer.state,
        _ => MessageState::Fulfilled,
    }
}

/// Whether the request is still owed after this answer: it was only seen, or promised without a commitment of its own.
fn leaves_owed(reply: &Reply) -> bool {
    let promises = matches!(reply.kind, MessageKind::Commitment | MessageKind::Offer);
    reply.state == MessageState::Acknowledged || reply.state == MessageState::Committed && !promises
}

/// Lets the newest answer of each one asked count: who answered owes nothing by the request any more.
pub(crate) fn apply(owed: &mut Owed, replies: Vec<Reply>) {
    let newest: BTreeMap<&str, &Reply> = replies.iter().map(|reply| (reply.speaker.as_str(), reply)).collect();
    let (open, ended): (Vec<&Reply>, Vec<&Reply>) = newest.into_values().partition(|reply| leaves_owed(reply));
    let waits = |org: &&String| !ended.iter().any(|reply| reply.speaker == **org);
    let left: Vec<String> = owed.by.iter().filter(waits).cloned().collect();
    owed.settled = left.is_empty() && !ended.is_empty();
    if owed.settled {
        let of = |state: MessageState| ended.iter().any(|reply| reply.state == state).then_some(state);
        owed.state = of(MessageState::Committed).or_else(|| of(MessageState::Fulfilled)).or(of(MessageState::Declined));
    } else {
        owed.by = left;
        owed.state = open.first().map(|reply| reply.state).or(owed.state);
    }
    owed.answers = replies;
}
