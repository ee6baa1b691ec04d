//! The feed `aws-ssm`: repairs of machines by documents of Systems Manager, counted in the fleet that `aws-ec2` counts. That
//! a workflow ended well makes its machine attempted; that the machine is well is for its checks to say.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use entente_sidecar::account::Cadence;
use entente_sidecar::ask::Clock;
use entente_sidecar::item::{FeedProfile, Reading};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::{Ask, Told};
use futures::future::BoxFuture;

use super::region::{Common, Region};
use crate::account::call::Caller;
use crate::account::regions::Regions;
use crate::account::round::Round;
use crate::account::share::Share;

/// How far behind what is told the note of it may be: what ended in between is told again after a restart, which is a no-op.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The feed.
pub(crate) struct SsmAsk {
    profile: FeedProfile,
    caller: Caller,
    share: Share,
    cadence: Cadence,
    round: Round<Region>,
    note: Note,
}

/// Up to when ends of executions were told, region by region: a file, so that they are not told again after a restart, when
/// their machines may have failed anew.
struct Note {
    file: PathBuf,
    written: Until,
    next: Until,
}

/// Moments by the codes of regions.
type Until = BTreeMap<String, DateTime<Utc>>;

impl Note {
    fn read(file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let line =
            |line: &str| line.split_once(' ').and_then(|(code, until)| Some((code.to_owned(), until.parse().ok()?)));
        Self { file, written: text.lines().filter_map(line).collect(), next: Until::new() }
    }

    /// Takes note of what is safe by now. A disk that takes nothing costs a repetition, no more.
    fn keep(&mut self) {
        let next = std::mem::take(&mut self.next);
        let late = |(code, until): (&String, &DateTime<Utc>)| {
            self.written.get(code).is_none_or(|written| *until - *written >= NOTED_EVERY)
        };
        if !next.iter().any(late) {
            return;
        }
        // What was told of a region that does not answer stands.
        let mut all = self.written.clone();
        all.extend(next);
        let line = |(code, until): (&String, &DateTime<Utc>)| {
            format!("{code} {}\n", until.to_rfc3339_opts(SecondsFormat::Secs, true))
        };
        let beside = self.file.with_extension("new");
        let text: String = all.iter().map(line).collect();
        match std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &self.file)) {
            Ok(()) => self.written = all,
            Err(error) => tracing::warn!(%error, "how far executions were told is not kept; some may be told again"),
        }
    }
}

impl SsmAsk {
    /// A feed that keeps a note in a file.
    pub(crate) fn new(
        profile: FeedProfile,
        regions: Regions,
        common: Common,
        share: Share,
        cadence: Cadence,
        note: PathBuf,
    ) -> Self {
        let note = Note::read(note);
        let (caller, told) = (common.caller.clone(), note.written.clone());
        let begin = move |code: &str| {
            let told_until = told.get(code).map(|until| *until - NOTED_EVERY);
            Region::new(code.to_owned(), common.clone(), told_until)
        };
        let round = Round::new(regions, begin);
        Self { profile, caller, share, cadence, round, note }
    }

    async fn read(&mut self, now: DateTime<Utc>) -> Result<Reading, Failure> {
        let came = self.round.go(self.pace(), now).await?;
        self.note.next = self.round.places().filter_map(Region::told_until).collect();
        let (items, unmapped) = (self.share.items(now)?, came.strangers.into_unmapped());
        Ok(Reading { items, unmapped, lacks: came.lacks, ..Reading::default() })
    }

    fn pace(&self) -> Duration {
        self.cadence.pause(self.share.fleet().is_hit() || self.round.places().any(Region::is_open))
    }
}

impl Ask for SsmAsk {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        Box::pin(async move { self.read(clock.now()).await.map(Told::Reading) })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        if settled == Settled::Read {
            self.note.keep();
        }
        Box::pin(std::future::ready(()))
    }

    fn pause(&self) -> Option<Duration> {
        Some(self.pace())
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.caller.clients().skew().offset_ms()
    }
}
