//! A claim on its way: what it names and rests on is looked up in the log, then it is completed and held to everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_journal::{Outbox, OutboxError, Said};
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Family};
use entente_schemas::speaker::Role;
use entente_schemas::subject::AUDIENCE_ALL;
use entente_schemas::tlp::Tlp;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::Mistake;
use super::complete::{Writer, complete};
use super::desk::Revisions;
use super::ground::{self, Ground, audience_of, data};
use super::names::Naming;
use super::published::PublishError;
use super::remarks::{self, Found};
use super::request::Request;
use super::sight::Sight;
use super::{retract, slugs};
use crate::room::Moment;
use crate::streams::Streams;

/// Where a claim is to stand, and who asks for it.
pub(super) struct Place {
    /// The desk's `<org>/<feed>`.
    pub(super) desk: String,
    /// `all`, or the id of a sharing group.
    pub(super) audience: String,
    /// The streams that are read.
    pub(super) streams: Arc<Streams>,
    /// Objects that the desk has said in other sharing groups, with the group.
    pub(super) unlogged: BTreeSet<(String, String)>,
    /// Whether the streams that the claim may name something of have been read to their ends.
    pub(super) whole: bool,
}

/// A claim on its way to being prepared: what it asks for, and what was found of it.
pub(super) struct Preparing {
    request: Request,
    revisions: OwnedMutexGuard<Revisions>,
    ground: Ground,
    place: Place,
    mistakes: Vec<Mistake>,
    remarks: Vec<String>,
}

/// A claim as it would be published, while the desk waits.
pub(super) struct Prepared {
    pub(super) draft: Draft,
    pub(super) remarks: Vec<String>,
    pub(super) revisions: OwnedMutexGuard<Revisions>,
}

impl Preparing {
    /// Looks up what a request names and rests on.
    pub(super) fn look(
        moment: &mut Moment<'_>,
        mut request: Request,
        revisions: OwnedMutexGuard<Revisions>,
        place: Place,
    ) -> Self {
        request.settle_keys(moment);
        let own = place.desk.split('/').next().unwrap_or_default();
        let sight = Sight { audience: &place.audience, streams: &place.streams, unlogged: &place.unlogged };
        let mut naming = Naming::new(moment, own, &revisions, sight, place.whole);
        naming.settle(&mut request);
        let Naming { mut mistakes, mut remarks, .. } = naming;
        let ground = Ground::of_log(moment, &request, &place.desk, &place.audience);
        mistakes.extend(misplaced(&request, &ground, &place));
        if !request.still {
            mistakes = joined(mistakes, sight.leaks(moment.state, &request.claim));
            remarks.extend(slugs::mistyped(moment, &request, own));
            remarks.extend(ground::name_taken(moment, &request));
        }
        Self { request, revisions, ground, place, mistakes, remarks }
    }

    /// Completes the claim and holds it to everything.
    ///
    /// # Errors
    /// If it has mistakes, or would do nothing.
    pub(super) fn finish(mut self, outbox: &Outbox, role: Role, now: DateTime<Utc>) -> Result<Prepared, PublishError> {
        self.catch_up(outbox)?;
        if self.request.family == Family::Retraction && self.ground.target.is_none() && self.place.whole {
            return Err(PublishError::Unknown(unknown_target(&self.request)));
        }
        let org = outbox.source().org.as_str();
        let tlp = match self.ground.tlp {
            _ if self.place.audience == AUDIENCE_ALL => Tlp::Green,
            said => said.unwrap_or(Tlp::Amber),
        };
        let writer = Writer { org, role, tlp, now, event: Uuid::now_v7(), object: Uuid::now_v7() };
        let again = self.request.still;
        let draft = match complete(self.request, &self.ground, &writer) {
            Ok(draft) if self.mistakes.is_empty() => draft,
            Ok(_) => return Err(PublishError::Mistakes(self.mistakes)),
            Err(mistakes) => return Err(PublishError::Mistakes(joined(self.mistakes, mistakes))),
        };
        let found = if again { Found::default() } else { remarks::look(&draft.claim, now) };
        if !found.mistakes.is_empty() {
            return Err(PublishError::Mistakes(found.mistakes));
        }
        self.remarks.extend(found.remarks);
        if let (Body::Retraction(retraction), Some(target)) = (&draft.claim.body, &self.ground.target) {
            self.remarks.extend(retract::against(&draft.claim, retraction, target, org)?);
            self.remarks.extend(retract::kept(retraction, target, org));
        }
        Ok(Prepared { draft, remarks: self.remarks, revisions: self.revisions })
    }

    /// The outbox knows what has not reached the log yet; the log knows what an outbox before this one said.
    fn catch_up(&mut self, outbox: &Outbox) -> Result<(), OutboxError> {
        let Some(id) = self.request.text("object_id") else { return Ok(()) };
        let object = (self.request.family, id.to_owned());
        let taken = self.revisions.get(&object).copied().unwrap_or(0);
        if taken > self.ground.last_rev {
            self.ground.last_rev = taken;
            if self.request.still || self.place.audience != AUDIENCE_ALL {
                let last = said(outbox, |said| (said.family, said.object_id.as_str()) == (object.0, &object.1))?;
                let event = last.as_ref().and_then(|said| Event::read(&said.payload).ok());
                self.ground.tlp = event.map(|event| event.tlp);
                self.ground.last = last.filter(|_| self.request.still).and_then(|said| data(&said.payload));
            }
        }
        Ok(())
    }
}

/// What does not belong into the audience that it is for: a marking, a revision, a retraction.
fn misplaced(request: &Request, ground: &Ground, place: &Place) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let everybody = place.audience == AUDIENCE_ALL;
    if let Some(tlp) = request.tlp.filter(|tlp| tlp.fits_all() != everybody) {
        mistakes.push(Mistake::new("(request).tlp", unfit(tlp, place)));
    }
    let called = |audience: &str| match audience {
        AUDIENCE_ALL => AUDIENCE_ALL.to_owned(),
        group => place.streams.name(group).to_owned(),
    };
    if let Some(other) = &ground.elsewhere {
        let what = format!(
            "this desk said the object in audience {0}, and all its revisions belong there; publish in audience {0}, or a new claim that refers to it",
            called(other)
        );
        mistakes.push(Mistake::new("object_id", what));
    }
    let target = ground.target.as_ref().map(|target| audience_of(&target.line));
    if let Some(other) = target.filter(|audience| *audience != place.audience) {
        let what = format!(
            "it stands in audience {0}, where alone it can be withdrawn; publish in audience {0}",
            called(other)
        );
        mistakes.push(Mistake::new("target", what));
    }
    mistakes
}

fn unfit(tlp: Tlp, place: &Place) -> String {
    if place.audience != AUDIENCE_ALL {
        return format!("{tlp} is for what everybody may read; in a sharing group expected amber, amber+strict or red");
    }
    let names: Vec<&str> = place.streams.names().map(|(_, name)| name).collect();
    let known = match names.is_empty() {
        true => "there is none here yet: `entente audience create NAME` makes one".to_owned(),
        false => format!("known here: {}", names.join(", ")),
    };
    format!("{tlp} needs a sharing group as audience ({known}); for all expected clear or green")
}

/// A mistake that was found twice is told as it was found first.
fn joined(mut first: Vec<Mistake>, then: Vec<Mistake>) -> Vec<Mistake> {
    let new: Vec<Mistake> = then.into_iter().filter(|new| first.iter().all(|told| told.path != new.path)).collect();
    first.extend(new);
    first
}

fn unknown_target(request: &Request) -> String {
    let named =
        request.claim.get("target").map(|named| named.as_str().map_or_else(|| named.to_string(), str::to_owned));
    let shown: String = named.unwrap_or_default().chars().take(120).collect();
    format!("the log has no event `{shown}` to withdraw; expected an event id, a position of the log or an object id")
}

/// The last that the outbox took of an object, of those that fit.
pub(super) fn said(outbox: &Outbox, which: impl Fn(&Said) -> bool) -> Result<Option<Said>, OutboxError> {
    Ok(outbox.said()?.into_iter().find(which))
}
