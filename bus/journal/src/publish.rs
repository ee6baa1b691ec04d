//! The pump: carries events from the outbox into the log, in order, for as long as it takes.
//!
//! Few events go one by one in a window; many go as atomic batches, one disk sync each. A missing answer never means
//! "not stored": whatever is unanswered is sent again with the same message id, and after nine minutes, when the
//! server may have forgotten the id, or after a restart, the log is read first and what stands there is marked.

mod flight;
mod lost;
mod wire;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Message, Subscriber};
use entente_schemas::event::Source;
use futures::{FutureExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::ask::{Asker, Question, Stored};
use crate::bus::Bus;
use crate::feed::of_feed;
use crate::kill::{self, Point};
use crate::outbox::{Outbox, OutboxError, Parcel};
use crate::read::ReadError;
use flight::Flights;
pub(crate) use flight::Pause;
use wire::{Answer, Token, answer_of};

/// How many events may be unanswered.
const WINDOW: usize = 512;
/// How many single events may be unanswered.
const SINGLES: usize = 256;
/// Above this many waiting events they travel in atomic batches.
const MANY: usize = 64;
/// How many events one atomic batch has at most.
const BATCH: usize = 256;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How often to look for missing answers.
const TICK: Duration = Duration::from_millis(100);
/// How long to wait for nothing in particular.
const IDLE: Duration = Duration::from_secs(60);

/// Carries events from an outbox into the log until stopped. Never gives up: 50 ms to 5 s after a failure it tries
/// again. Ends at once when stopped; what is under way is found again by the next pump.
pub async fn pump(outbox: Outbox, bus: Bus, stop: CancellationToken) {
    let mut pause = Pause::default();
    loop {
        let work = async {
            match Pump::new(&outbox, &bus).await {
                Ok(mut pump) => pump.run().await,
                Err(error) => error,
            }
        };
        let error = tokio::select! {
            () = stop.cancelled() => return,
            error = work => error,
        };
        tracing::warn!(%error, "publishing for {}", outbox.source());
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause.next()) => {}
        }
    }
}

/// Why a pump has to begin again.
#[derive(Debug, thiserror::Error)]
enum PumpError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("the connection is closed")]
    Closed,
    #[error("the log gives places anew that it had given before; what it has lost is looked for")]
    Anew,
}

struct Pump<'a> {
    outbox: &'a Outbox,
    bus: &'a Bus,
    inbox: String,
    answers: Subscriber,
    news: watch::Receiver<u64>,
    flights: Flights,
    pause: Pause,
    /// Until when nothing is sent, after a failure.
    resume: Option<Instant>,
    /// Whether the failure was that there is no connection: then its return is looked for.
    unconnected: bool,
    connects: u64,
    /// Events up to this sequence travel one by one: their batch was refused.
    singly: u64,
    /// The last place of the log that it has given: what is stored later stands after it.
    given: u64,
}

impl<'a> Pump<'a> {
    async fn new(outbox: &'a Outbox, bus: &'a Bus) -> Result<Self, PumpError> {
        let given = lost::recover(outbox, bus).await?;
        let inbox = bus.client.new_inbox();
        let answers = bus.client.subscribe(format!("{inbox}.*")).await.map_err(|_| PumpError::Closed)?;
        Ok(Self {
            outbox,
            bus,
            inbox,
            answers,
            news: outbox.news(),
            flights: Flights::new(outbox.desk().floor()),
            pause: Pause::default(),
            resume: None,
            unconnected: false,
            connects: 0,
            singly: 0,
            given,
        })
    }

    async fn run(&mut self) -> PumpError {
        match self.work().await {
            Ok(()) => PumpError::Closed,
            Err(error) => error,
        }
    }

    async fn work(&mut self) -> Result<(), PumpError> {
        self.look().await?;
        loop {
            self.news.borrow_and_update();
            if self.resume.is_none() {
                self.fill().await?;
            }
            let watchful = self.unconnected || !self.flights.is_empty();
            let soon = Instant::now() + if watchful { TICK } else { IDLE };
            let wake = self.resume.map_or(soon, |resume| resume.min(soon));
            tokio::select! {
                answer = self.answers.next() => {
                    self.take(&answer.ok_or(PumpError::Closed)?).await?;
                    while let Some(Some(answer)) = self.answers.next().now_or_never() {
                        self.take(&answer).await?;
                    }
                    self.outbox.desk().raise_floor(self.flights.floor());
                }
                Ok(()) = self.news.changed() => {}
                () = sleep_until(wake) => self.tick().await?,
            }
        }
    }

    /// Sends what may be sent.
    async fn fill(&mut self) -> Result<(), PumpError> {
        loop {
            let room = WINDOW.saturating_sub(self.flights.unanswered());
            if room == 0 || self.resume.is_some() {
                return Ok(());
            }
            let many = self.outbox.desk().count_after(self.flights.cursor(), MANY + 1) > MANY;
            let batched = many && self.flights.cursor() >= self.singly;
            let limit = match batched {
                true if room < BATCH => return Ok(()),
                true => BATCH,
                false => SINGLES.saturating_sub(self.flights.unanswered()),
            };
            let parcels = self.outbox.waiting_after(self.flights.cursor(), limit)?;
            if parcels.is_empty() {
                return Ok(());
            }
            if !self.connected() {
                self.unconnected = true;
                self.fail("there is no connection");
                return Ok(());
            }
            match batched {
                true => self.send_batch(&parcels).await?,
                false => self.send_singly(&parcels).await?,
            }
        }
    }

    async fn send_singly(&mut self, parcels: &[Arc<Parcel>]) -> Result<(), PumpError> {
        for parcel in parcels {
            self.flights.depart(parcel.sequence, Instant::now());
            let reply = format!("{}.{}", self.inbox, Token::Single(parcel.sequence));
            let headers = wire::headers(parcel, self.outbox.public_key());
            let (subject, payload) = (parcel.subject.clone(), parcel.payload.clone());
            let sent = self.bus.client.publish_with_reply_and_headers(subject, reply, headers, payload).await;
            sent.map_err(|_| PumpError::Closed)?;
            kill::pass(Point::Published);
        }
        Ok(())
    }

    async fn send_batch(&mut self, parcels: &[Arc<Parcel>]) -> Result<(), PumpError> {
        let sequences: Vec<u64> = parcels.iter().map(|parcel| parcel.sequence).collect();
        let batch = self.flights.depart_together(sequences, Instant::now());
        let name = wire::batch_name();
        for (index, parcel) in parcels.iter().enumerate() {
            let (first, last) = (index == 0, index + 1 == parcels.len());
            let mut headers = wire::headers(parcel, self.outbox.public_key());
            wire::add_batch(&mut headers, &name, index + 1, last);
            let (subject, payload) = (parcel.subject.clone(), parcel.payload.clone());
            let sent = if first || last {
                let token = if last { Token::Batch(batch) } else { Token::Opening(batch) };
                let reply = format!("{}.{token}", self.inbox);
                self.bus.client.publish_with_reply_and_headers(subject, reply, headers, payload).await
            } else {
                self.bus.client.publish_with_headers(subject, headers, payload).await
            };
            sent.map_err(|_| PumpError::Closed)?;
        }
        kill::pass(Point::Published);
        Ok(())
    }

    async fn take(&mut self, message: &Message) -> Result<(), PumpError> {
        let Some(token) = message.subject.rsplit('.').next().and_then(Token::parse) else { return Ok(()) };
        match (token, answer_of(message)) {
            (_, Answer::Opened) => {}
            (Token::Single(sequence), Answer::Stored { log, duplicate: false, .. }) => {
                self.logged(sequence, log);
                self.stored_after(log)?;
            }
            (Token::Single(sequence), Answer::Stored { log, .. }) => self.duplicate(sequence, log).await?,
            (Token::Batch(batch), Answer::Stored { log, count, .. }) => {
                self.batch_logged(batch, log, count);
                self.stored_after(log)?;
            }
            (Token::Batch(batch) | Token::Opening(batch), Answer::Refused(reason)) => {
                self.batch_refused(batch, &reason)
            }
            (Token::Single(_), Answer::Refused(reason)) => self.fail(&reason),
            (Token::Opening(_), Answer::Stored { .. }) => {}
        }
        Ok(())
    }

    fn logged(&mut self, sequence: u64, log: u64) {
        self.outbox.logged(sequence, log);
        self.flights.arrive(sequence, log);
        self.pause = Pause::default();
    }

    /// Whether a new place is new: a log that was made anew while it was filled begins with the first again.
    fn stored_after(&mut self, log: u64) -> Result<(), PumpError> {
        if log <= self.given {
            return Err(PumpError::Anew);
        }
        self.given = log;
        Ok(())
    }

    /// A batch stands in the log in one piece; its last message has the sequence that was answered.
    fn batch_logged(&mut self, batch: u64, log: u64, count: u64) {
        let Some(sequences) = self.flights.batch(batch) else { return };
        if count != sequences.len() as u64 {
            return self.batch_refused(batch, &format!("{count} of {} events were stored", sequences.len()));
        }
        for (sequence, back) in sequences.iter().zip((0..count).rev()) {
            self.logged(*sequence, log.saturating_sub(back));
        }
        self.flights.forget_batch(batch);
    }

    /// One event that the log has already refuses the whole batch, so each is sent by itself.
    fn batch_refused(&mut self, batch: u64, reason: &str) {
        let Some(sequences) = self.flights.batch(batch) else { return };
        tracing::debug!("an atomic batch was refused ({reason}); its events are sent one by one");
        self.singly = self.singly.max(sequences.last().copied().unwrap_or(0));
        self.flights.forget_batch(batch);
        self.flights.back_to(sequences.first().copied().unwrap_or(1));
    }

    /// The log knows the message id. It should hold our own bytes there.
    async fn duplicate(&mut self, sequence: u64, log: u64) -> Result<(), PumpError> {
        let Some(parcel) = self.outbox.waiting_after(sequence - 1, 1)?.into_iter().find(|one| one.sequence == sequence)
        else {
            return Ok(());
        };
        let mut asker = Asker::new(&self.bus.client, &self.outbox.scope().log_stream()).await?;
        let answer = asker.ask(&Question::from(log).at_most(1)).await?;
        let Some(there) = answer.messages.first().filter(|there| there.sequence == log) else {
            // It was stored and has been erased since: sent again later, it would be back.
            self.logged(sequence, log);
            return Ok(());
        };
        if there.subject == parcel.subject && there.payload() == parcel.payload {
            if self.flights.is_first(sequence) {
                tracing::warn!(
                    "event {} was in the log before it was sent; does another process hold a copy of this outbox?",
                    parcel.id
                );
            }
            self.logged(sequence, log);
        } else {
            tracing::error!(
                "the log holds another message under the id of event {}, at {log}; it is sent again later",
                parcel.id
            );
            self.fail("the message id is taken by another message");
        }
        Ok(())
    }

    /// Stops sending for a while; then everything unanswered is sent again.
    fn fail(&mut self, reason: &str) {
        if self.resume.is_none() {
            let pause = self.pause.next();
            tracing::warn!("{}: {reason}; trying again in {} ms", self.outbox.source().org_feed(), pause.as_millis());
            self.resume = Some(Instant::now() + pause);
        }
    }

    async fn tick(&mut self) -> Result<(), PumpError> {
        if let Some(resume) = self.resume {
            if Instant::now() >= resume || (self.unconnected && self.connected()) {
                (self.resume, self.unconnected) = (None, false);
                self.connects = self.connects();
                self.flights.all_back();
                if self.flights.is_old(Instant::now()) {
                    self.look().await?;
                }
            }
            return Ok(());
        }
        let connects = self.connects();
        if connects != self.connects && !self.flights.is_empty() {
            self.fail("the connection was lost while events were under way");
        } else if self.flights.oldest().is_some_and(|sent| sent.elapsed() > ANSWER) {
            self.fail("the log did not answer within 5 s");
        }
        self.connects = connects;
        Ok(())
    }

    /// Reads what the log has of this feed since it was last known, and marks what waits and is there.
    async fn look(&mut self) -> Result<(), PumpError> {
        self.connects = self.connects();
        if self.outbox.backlog().events == 0 {
            return Ok(());
        }
        let (source, floor) = (self.outbox.source(), self.outbox.desk().floor());
        let found = of_feed(self.bus, self.outbox.scope(), &source.org, &source.feed, floor).await?;
        for stored in found {
            let Some(sequence) = own_sequence(&stored, source).filter(|one| self.outbox.desk().is_waiting(*one)) else {
                continue;
            };
            let parcel = self.outbox.waiting_after(sequence - 1, 1)?.into_iter().next();
            match parcel.filter(|parcel| parcel.sequence == sequence) {
                Some(parcel) if parcel.payload == stored.payload() => self.logged(sequence, stored.sequence),
                Some(parcel) => tracing::error!(
                    "the log holds other bytes than the outbox for event {} ({}, sequence {sequence}): another process used a copy of this outbox",
                    parcel.id,
                    stored.sequence
                ),
                None => {}
            }
        }
        self.flights.looked();
        self.outbox.desk().raise_floor(self.flights.floor());
        Ok(())
    }

    fn connected(&self) -> bool {
        self.bus.client.connection_state() == State::Connected
    }

    fn connects(&self) -> u64 {
        self.bus.client.statistics().connects.load(Ordering::Relaxed)
    }
}

/// The source's sequence of a message, if it is one of this very source.
fn own_sequence(stored: &Stored, source: &Source) -> Option<u64> {
    #[derive(Deserialize)]
    struct Named {
        source: String,
        sequence: String,
    }
    let named: Named = serde_json::from_slice(stored.payload()).ok()?;
    if named.source == source.to_string() { named.sequence.parse().ok() } else { None }
}
