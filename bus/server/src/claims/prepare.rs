//! A claim on its way: what it names and rests on is looked up in the log, then it is completed and held to everything.

use chrono::{DateTime, Utc};
use entente_journal::{Outbox, OutboxError, Said};
use entente_schemas::event::Draft;
use entente_schemas::family::{Body, Family};
use entente_schemas::speaker::Role;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::Mistake;
use super::complete::{Writer, complete};
use super::desk::Revisions;
use super::ground::{self, Ground, data};
use super::names::Naming;
use super::published::PublishError;
use super::remarks::{self, Found};
use super::request::Request;
use super::{retract, slugs};
use crate::room::Moment;

/// A claim on its way to being prepared: what it asks for, and what was found of it.
pub(super) struct Preparing {
    request: Request,
    revisions: OwnedMutexGuard<Revisions>,
    ground: Ground,
    whole: bool,
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
    /// Looks up what a request names and rests on; `desk` is the desk's `<org>/<feed>`, `whole` whether the log has been
    /// read to its end.
    pub(super) fn look(
        moment: &mut Moment<'_>,
        mut request: Request,
        revisions: OwnedMutexGuard<Revisions>,
        desk: &str,
        whole: bool,
    ) -> Self {
        let own = desk.split('/').next().unwrap_or_default();
        let mut naming = Naming::new(moment, own, &revisions, whole);
        naming.settle(&mut request);
        let Naming { mistakes, mut remarks, .. } = naming;
        let ground = Ground::of_log(moment, &request, desk);
        if !request.still {
            remarks.extend(slugs::mistyped(moment, &request, own));
            remarks.extend(ground::name_taken(moment, &request));
        }
        Self { request, revisions, ground, whole, mistakes, remarks }
    }

    /// Completes the claim and holds it to everything.
    ///
    /// # Errors
    /// If it has mistakes, or would do nothing.
    pub(super) fn finish(mut self, outbox: &Outbox, role: Role, now: DateTime<Utc>) -> Result<Prepared, PublishError> {
        self.catch_up(outbox)?;
        if self.request.family == Family::Retraction && self.ground.target.is_none() && self.whole {
            return Err(PublishError::Unknown(unknown_target(&self.request)));
        }
        let org = outbox.source().org.as_str();
        let writer = Writer { org, role, now, event: Uuid::now_v7(), object: Uuid::now_v7() };
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
            if self.request.still {
                let last = said(outbox, |said| (said.family, said.object_id.as_str()) == (object.0, &object.1))?;
                self.ground.last = last.and_then(|said| data(&said.payload));
            }
        }
        Ok(())
    }
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
