//! The feed `aws-events`: events of AWS Health that EventBridge put into a queue. A message is deleted once the log has what
//! it said; one that cannot be read stays, hidden for longer and longer, for the queue's own rules to move or drop.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName,
};
use chrono::{DateTime, Utc};
use entente_sidecar::account::{Cadence, Secret};
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Item, Reading, Refusal};
use entente_sidecar::mapping::{Lookup, Mapping};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::reading::gather;
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;

use super::envelope::{Content, read};
use super::pages::Pages;
use crate::account::api::{CHANGE_MESSAGE_VISIBILITY, DELETE_MESSAGE, RECEIVE_MESSAGE};
use crate::account::call::{Caller, Denied};
use crate::account::health::{Telling, item};

/// AWS's words for a queue that is not there.
const NO_QUEUE: [&str; 2] = ["QueueDoesNotExist", "NonExistentQueue"];
/// Messages that one call takes.
const BATCH: i32 = 10;
/// Seconds for which what is taken stays hidden: longer than the log ever takes as a rule.
const HIDDEN_S: i32 = 120;
/// Seconds for which a message stays hidden that was not taken: at first, and at most. The queue counts how often it is
/// received, and moves what comes too often.
const AGAIN_S: (i32, i32) = (5, 1_800);
/// The same of one that cannot be read.
const UNREAD_S: (i32, i32) = (60, 3_600);

/// How the queue is read.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) cadence: Cadence,
    /// The queue's address.
    pub(crate) queue_url: String,
    /// The queue's region.
    pub(crate) region: String,
    /// Sources of events that are taken.
    pub(crate) sources: Vec<String>,
    /// How long a call waits for a message.
    pub(crate) wait: Duration,
    /// Whether planned work is told.
    pub(crate) scheduled: bool,
    /// Whether notifications of an account are told.
    pub(crate) notifications: bool,
}

/// The feed.
pub(crate) struct EventsAsk {
    profile: FeedProfile,
    mapping: Mapping,
    caller: Caller,
    secret: Secret,
    manner: Manner,
    pages: Pages,
    /// Received, and not yet told.
    waiting: VecDeque<Received>,
    /// Told, and to be deleted or released.
    held: Vec<Received>,
    /// Whether the last answer was one, so that the next call may wait at the queue instead of here.
    flowing: bool,
}

/// A message.
struct Received {
    handle: String,
    times: u32,
    content: Content,
}

impl EventsAsk {
    pub(crate) fn new(profile: FeedProfile, mapping: Mapping, caller: Caller, secret: Secret, manner: Manner) -> Self {
        Self {
            profile,
            mapping,
            caller,
            secret,
            manner,
            pages: Pages::default(),
            waiting: VecDeque::new(),
            held: Vec::new(),
            flowing: false,
        }
    }

    async fn read(&mut self, now: DateTime<Utc>) -> Result<Reading, Denied> {
        // Whoever asks again has not settled: what was held comes back by itself.
        self.held.clear();
        if self.waiting.is_empty() {
            self.receive(now).await?;
        }
        self.take();
        Ok(self.told(now))
    }

    fn failure(&self, denied: Denied) -> Failure {
        no_queue(&denied, &self.manner.region, &self.profile.slug).unwrap_or_else(|| denied.into())
    }

    async fn receive(&mut self, now: DateTime<Utc>) -> Result<(), Denied> {
        let wait = i32::try_from(self.manner.wait.as_secs()).unwrap_or_default();
        let client = self.caller.clients().sqs(&self.manner.region).await;
        let call = client
            .receive_message()
            .queue_url(&self.manner.queue_url)
            .max_number_of_messages(BATCH)
            .visibility_timeout(HIDDEN_S)
            .wait_time_seconds(wait)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let answer = self.caller.call(RECEIVE_MESSAGE, &self.manner.region, call.send()).await?;
        let mut received: Vec<Received> =
            answer.messages().iter().filter_map(|message| self.received(message, now)).collect();
        // A queue keeps no order; statements have one.
        received.sort_by_key(Received::updated);
        self.waiting.extend(received);
        Ok(())
    }

    fn received(&self, message: &Message, now: DateTime<Utc>) -> Option<Received> {
        let count = message.attributes();
        let count = count.and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
        Some(Received {
            handle: message.receipt_handle()?.to_owned(),
            times: count.and_then(|count| count.parse().ok()).unwrap_or(1),
            content: read(message.body().unwrap_or_default(), &self.manner.sources, now),
        })
    }

    /// Takes what waits, up to a second statement on one event: each is to be said, and one answer says one.
    fn take(&mut self) {
        let mut names = BTreeSet::new();
        while let Some(next) = self.waiting.front() {
            let of = next.content.deliveries.iter().map(|delivery| (&delivery.event.arn, &delivery.communication));
            let of: BTreeSet<(String, String)> = of.map(|(arn, text)| (arn.clone(), text.clone())).collect();
            let other = |(arn, text): &(String, String)| names.iter().any(|(known, said)| known == arn && said != text);
            if of.iter().any(other) {
                break;
            }
            names.extend(of);
            self.held.extend(self.waiting.pop_front());
        }
    }

    fn told(&mut self, observed: DateTime<Utc>) -> Reading {
        let mut lookup = Lookup::new(&self.mapping);
        let (scheduled, notifications) = (self.manner.scheduled, self.manner.notifications);
        let telling = Telling { secret: &self.secret, scheduled, notifications, observed };
        let mut items: Vec<Result<Item, Refusal>> = Vec::new();
        for message in &self.held {
            items.extend(message.content.refused.iter().cloned().map(Err));
            for delivery in &message.content.deliveries {
                items.extend(item(&self.pages.put(delivery), &telling, &mut lookup).transpose());
            }
        }
        Reading { increment: true, unmapped: lookup.into_unmapped(), ..gather(items) }
    }

    /// Deletes what was said, hides what cannot be read.
    async fn done(&mut self) {
        let (good, unread): (Vec<_>, Vec<_>) =
            self.held.drain(..).partition(|message| message.content.refused.is_empty());
        let unread = unread.into_iter().map(|message| (message.hidden_s(UNREAD_S), message.handle)).collect();
        self.hide(unread).await;
        if good.is_empty() {
            return;
        }
        let entries = good.into_iter().enumerate().filter_map(|(index, message)| {
            DeleteMessageBatchRequestEntry::builder().id(index.to_string()).receipt_handle(message.handle).build().ok()
        });
        let client = self.caller.clients().sqs(&self.manner.region).await;
        let call = client.delete_message_batch().queue_url(&self.manner.queue_url).set_entries(Some(entries.collect()));
        match self.caller.call(DELETE_MESSAGE, &self.manner.region, call.send()).await {
            Ok(answer) if answer.failed().is_empty() => {}
            Ok(answer) => tracing::info!(failed = answer.failed().len(), "messages come again, which is a no-op"),
            Err(denied) => tracing::warn!(error = %denied.failure.error.text, "messages come again, which is a no-op"),
        }
    }

    /// Lets everything come again: nothing of it was said, or not all.
    async fn release(&mut self) {
        let all = self.held.drain(..).chain(self.waiting.drain(..));
        let all = all.map(|message| (message.hidden_s(AGAIN_S), message.handle)).collect();
        self.hide(all).await;
    }

    async fn hide(&self, messages: Vec<(i32, String)>) {
        for batch in messages.chunks(usize::try_from(BATCH).unwrap_or(1)) {
            let entries = batch.iter().enumerate().filter_map(|(index, (seconds, handle))| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(handle).visibility_timeout(*seconds).build().ok()
            });
            let client = self.caller.clients().sqs(&self.manner.region).await;
            let call = client.change_message_visibility_batch().queue_url(&self.manner.queue_url);
            let call = call.set_entries(Some(entries.collect())).send();
            if let Err(denied) = self.caller.call(CHANGE_MESSAGE_VISIBILITY, &self.manner.region, call).await {
                tracing::info!(error = %denied.failure.error.text, "messages come again when the queue shows them");
            }
        }
    }
}

/// The failure of a call to a queue that is not there.
pub(crate) fn no_queue(denied: &Denied, region: &str, slug: &str) -> Option<Failure> {
    NO_QUEUE.iter().any(|word| denied.word.ends_with(word)).then(|| {
        let text = format!(
            "{}: there is no such queue in {region}; mend queue_url or region of [feeds.{slug}]",
            RECEIVE_MESSAGE.name
        );
        Failure::new("no-queue", text)
    })
}

impl Received {
    fn updated(&self) -> Option<DateTime<Utc>> {
        self.content.deliveries.iter().filter_map(|delivery| delivery.event.updated).max()
    }

    /// For how long a message stays hidden that came in vain so often: at first, and at most.
    fn hidden_s(&self, (first, longest): (i32, i32)) -> i32 {
        first.saturating_mul(1 << self.times.saturating_sub(1).min(10)).min(longest)
    }
}

impl Ask for EventsAsk {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move {
            self.flowing = false;
            let reading = self.read(clock.now()).await.map_err(|denied| self.failure(denied))?;
            self.flowing = true;
            Ok(Told::Reading(reading))
        })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match settled {
                Settled::Read => self.done().await,
                Settled::Doubtful | Settled::Refused | Settled::NotTaken => self.release().await,
            }
        })
    }

    fn settles_in_log(&self) -> bool {
        true
    }

    /// The call waits at the queue; where it may not, the feed does.
    fn pause(&self) -> Option<Duration> {
        let waits = self.manner.wait >= Duration::from_secs(1);
        let more = !self.waiting.is_empty();
        Some(if self.flowing && (waits || more) { Duration::ZERO } else { self.manner.cadence.pause(false) })
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.caller.clients().skew().offset_ms()
    }
}
