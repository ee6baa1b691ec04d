//! A check of each call that the feeds make, for the preflight.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use entente_sidecar::account::{Check, Trouble};
use entente_sidecar::poll::Failure;

use super::settings::{Events, Feeds};
use super::subscriptions::Subscriptions;
use crate::arm::{Api, Arm, Call, if_there};
use crate::feed::emerging::Emerging;
use crate::feed::resources::Resources;
use crate::feed::services::Services;
use crate::machine::Machines;
use crate::repair::Repairs;

/// Subscriptions in which a call is tried out.
const CHECKED: usize = 50;
/// A tracking id that no event has.
const NO_EVENT: &str = "0000-000";
/// The path of a machine that is not there, below its subscription.
const NO_MACHINE: &str = "resourceGroups/none/providers/Microsoft.Compute/virtualMachines/none";

type Tool = (Arm, Subscriptions);

/// What the checks are made of.
pub(super) struct Checks {
    tool: Tool,
    /// The smallest question to Resource Graph.
    question: Call,
    now: DateTime<Utc>,
    made: Vec<Check>,
}

impl Checks {
    pub(super) fn new(tool: Tool, question: Call, now: DateTime<Utc>) -> Self {
        Self { tool, question, now, made: Vec::new() }
    }

    /// One check for each call of each feed that is read.
    pub(super) fn of(mut self, feeds: &Feeds) -> Vec<Check> {
        if let Some(slug) = feeds.first().filter(|_| self.tool.1.named().is_empty()) {
            self.each(&slug, |_| Subscriptions::call());
        }
        if let Some(feed) = &feeds.machines {
            self.each(&feed.slug, Machines::call);
            self.graph(&feed.slug);
        }
        if let Some(feed) = &feeds.resources {
            self.graph(&feed.slug);
            if feed.own.others {
                self.each(&feed.slug, Resources::call);
            }
        }
        if let Some(feed) = &feeds.events {
            self.events(&feed.slug, &feed.own);
        }
        if let Some(feed) = &feeds.emerging {
            self.each(&feed.slug, |_| Emerging::call());
        }
        if let Some(feed) = &feeds.repair {
            self.graph(&feed.slug);
            let machine = |subscription: &str| format!("/subscriptions/{subscription}/{NO_MACHINE}");
            let call = move |subscription: &str| {
                Repairs::call(&machine(subscription)).unwrap_or_else(|| Machines::call(subscription))
            };
            self.absent(&feed.slug, call);
        }
        self.made
    }

    fn events(&mut self, slug: &str, settings: &Events) {
        let (days, now) = (settings.days, self.now);
        if settings.graph {
            self.graph(slug);
        } else {
            self.each(slug, move |subscription| Services::call(subscription, days, now));
        }
        if settings.tenant {
            self.each(slug, move |_| Services::tenant_call(days, now));
        }
        if settings.impacted {
            self.absent(slug, |subscription| Services::impacted_call(subscription, NO_EVENT));
        }
    }

    fn graph(&mut self, slug: &str) {
        let question = self.question.clone();
        self.each(slug, move |_| question.clone());
    }

    /// A call that is made in each subscription, or once where it is of none.
    fn each(&mut self, slug: &str, call: impl Fn(&str) -> Call + Send + 'static) {
        self.check(slug, call, false);
    }

    /// A call about something that is not there: who may not ask is told that first.
    fn absent(&mut self, slug: &str, call: impl Fn(&str) -> Call + Send + 'static) {
        self.check(slug, call, true);
    }

    fn check(&mut self, slug: &str, call: impl Fn(&str) -> Call + Send + 'static, absent: bool) {
        let api = call("").api;
        let tried = tried(self.tool.clone(), call, absent);
        self.made.push(Check::new(slug, api.name, api.permission, tried));
    }
}

async fn tried(tool: Tool, call: impl Fn(&str) -> Call + Send, absent: bool) -> Result<(), Failure> {
    let (arm, subscriptions) = tool;
    let once = call("").account == call("any").account;
    let places: Arc<[String]> = if once {
        Arc::new([String::new()])
    } else {
        subscriptions.list().await.map_err(|failure| untried(&call("").api, failure))?
    };
    for place in places.iter().take(CHECKED) {
        let answer = arm.try_out(&call(place)).await;
        if absent {
            if_there(answer)?;
        } else {
            answer?;
        }
    }
    Ok(())
}

/// Where no subscription can be listed there is none to try a call in: whoever may not list may not call either, as far as
/// is known.
fn untried(api: &Api, failure: Failure) -> Failure {
    if failure.error.code == "forbidden" {
        return Trouble::Forbidden.failure(api.name, api.permission, "no subscription is seen to try it in");
    }
    failure
}
