//! The feed of one provider of CSAF: each answer holds what is new since the last, a handful of documents at a time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_schemas::beat::BeatError;
use entente_sidecar::account::{Budget, Key};
use entente_sidecar::ask::{Ask, Clock, OpenError, Told};
use entente_sidecar::fetch::Validators;
use entente_sidecar::item::{FeedProfile, Item, Reading, Refusal, UnmappedWord};
use entente_sidecar::poll::{Failure, Settled};
use entente_sidecar::reading::gather;
use futures::future::BoxFuture;
use url::Url;

use super::due::{Troubles, due};
use super::hosts::Hosts;
use super::listing::Listed;
use super::lists::Lists;
use super::reading::{Came, Desk, refusal};
use super::shelf::{News, Shelf};
use super::web::Web;

/// Documents that are read for one answer.
const DOCUMENTS: usize = 25;
/// Documents that fail before the rest is left to the next answer.
const FAILURES: usize = 3;
/// The pause while more documents wait.
const BETWEEN: Duration = Duration::from_secs(2);
/// How long the lists are not looked at again while more documents wait.
const LISTS_STAND: TimeDelta = TimeDelta::minutes(10);

/// How a provider is read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether everybody may read what is said: then documents and lists that are marked for fewer are refused.
    pub open_to_all: bool,
    /// What changed longer ago is passed over.
    pub reach: TimeDelta,
    /// The longest that one call may take.
    pub timeout: Duration,
    /// Where it is kept which documents were read; nowhere if none.
    pub file: Option<PathBuf>,
    /// The bucket that every call takes a token from.
    pub budget: Option<(Budget, Key)>,
}

impl Options {
    /// For everybody; the last 30 days; 45 seconds a call; nothing kept.
    #[must_use]
    pub fn public() -> Self {
        Self {
            open_to_all: true,
            reach: TimeDelta::days(30),
            timeout: Duration::from_secs(45),
            file: None,
            budget: None,
        }
    }
}

/// A provider that is asked.
#[derive(Debug)]
pub(crate) struct CsafFeed {
    profile: FeedProfile,
    home: Url,
    options: Options,
    web: Web,
    lists: Lists,
    shelf: Shelf,
    troubles: Troubles,
    /// Of documents whose list tells no time.
    validators: BTreeMap<String, Validators>,
    looked: Option<DateTime<Utc>>,
    /// Whether documents wait that there was no room for.
    more: bool,
    /// The provider's wish to be left alone until then, and why.
    away: Option<(DateTime<Utc>, BeatError)>,
    /// What was read for the last answer, until it is settled.
    news: Vec<News>,
}

/// What is gathered for one answer.
#[derive(Default)]
struct Round {
    items: Vec<Item>,
    refused: Vec<Refusal>,
    unmapped: BTreeMap<UnmappedWord, u64>,
    news: Vec<News>,
    failed: Vec<(Listed, Failure)>,
    /// Whether a list answered.
    answered: bool,
}

impl CsafFeed {
    /// Prepares asking a provider whose metadata stand at `home`.
    ///
    /// # Errors
    /// If the address may not be asked, or the system gives no TLS roots.
    pub(crate) fn new(profile: FeedProfile, home: Url, options: Options) -> Result<Self, OpenError> {
        let hosts = Hosts::of(&home).map_err(|error| OpenError::Needs(error.to_string()))?;
        Ok(Self {
            web: Web::new(hosts, options.timeout, options.budget.clone())?,
            lists: Lists::new(home.clone(), options.open_to_all),
            shelf: Shelf::open(options.file.clone()),
            profile,
            home,
            options,
            troubles: Troubles::default(),
            validators: BTreeMap::new(),
            looked: None,
            more: false,
            away: None,
            news: Vec::new(),
        })
    }

    async fn answer(&mut self, now: DateTime<Utc>) -> Result<Told, Failure> {
        if let Some((until, error)) = self.away.clone().filter(|(until, _)| now < *until) {
            let left = (until - now).to_std().ok();
            return Err(Failure { error, refusal: None, retry_after: left });
        }
        let since = now.checked_sub_signed(self.options.reach).unwrap_or(DateTime::UNIX_EPOCH);
        let mut round = Round::default();
        let failure = if self.lists_stand(now) { None } else { self.look(since, now, &mut round).await? };
        let away = self.documents(since, now, &mut round).await;
        let failure = away.or(failure);
        if let Some(failure) = &failure {
            self.stay_away(failure, now);
        }
        self.told(round, failure, now)
    }

    fn lists_stand(&self, now: DateTime<Utc>) -> bool {
        self.more && self.looked.is_some_and(|looked| now - looked < LISTS_STAND)
    }

    /// Looks at the lists; gives the failure of one of them, where the others answered.
    async fn look(
        &mut self,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
        round: &mut Round,
    ) -> Result<Option<Failure>, Failure> {
        let looked = self.lists.look(&mut self.web, since, now).await;
        let looked = looked.inspect_err(|failure| self.stay_away(failure, now))?;
        self.looked = Some(now);
        round.refused.extend(looked.refused);
        round.answered = looked.answered;
        Ok(looked.failure)
    }

    /// Reads documents that are due; gives the failure by which the provider sends us away.
    async fn documents(&mut self, since: DateTime<Utc>, now: DateTime<Utc>, round: &mut Round) -> Option<Failure> {
        let due = due(self.lists.listed(), &self.shelf, &self.troubles, since, now);
        self.more = due.len() > DOCUMENTS;
        let due: Vec<Listed> = due.into_iter().take(DOCUMENTS).cloned().collect();
        for listed in due {
            let url = listed.url.as_str();
            let mut known = self.validators.remove(url).unwrap_or_default();
            let desk =
                Desk { profile: &self.profile, open_to_all: self.options.open_to_all, shelf: &self.shelf, since, now };
            let came = desk.read(&mut self.web, &listed, self.lists.label(&listed.url), &mut known).await;
            if listed.updated.is_none() && known.any() {
                self.validators.insert(url.to_owned(), known);
            }
            match came {
                Ok(came) => self.came(url, came, now, round),
                Err(failure) if failure.retry_after.is_some() => return Some(failure),
                Err(failure) => {
                    self.troubles.note(url, now);
                    round.failed.push((listed, failure));
                    if round.failed.len() == FAILURES {
                        self.more = true;
                        break;
                    }
                }
            }
        }
        None
    }

    fn came(&mut self, url: &str, came: Came, now: DateTime<Utc>, round: &mut Round) {
        match came {
            Came::Claimed(claimed, news) => {
                self.troubles.over(url);
                for (word, count) in claimed.unmapped {
                    *round.unmapped.entry(word).or_default() += count;
                }
                round.items.push(claimed.item);
                round.news.push(news);
            }
            Came::Nothing(news) => {
                self.troubles.over(url);
                round.news.push(news);
            }
            Came::Refused(refusal) => {
                self.troubles.note(url, now);
                round.refused.push(refusal);
            }
        }
    }

    fn stay_away(&mut self, failure: &Failure, now: DateTime<Utc>) {
        let until = failure.retry_after.and_then(|after| TimeDelta::from_std(after).ok());
        let until = until.and_then(|after| now.checked_add_signed(after));
        self.away = until.map(|until| (until, failure.error.clone()));
    }

    /// What the round told. Where nothing could be had, that is why; else a document that failed is refused, and a list
    /// that failed is what the answer lacks.
    fn told(&mut self, round: Round, failure: Option<Failure>, now: DateTime<Utc>) -> Result<Told, Failure> {
        let Round { items, mut refused, unmapped, news, failed, answered } = round;
        let partly = answered && failure.as_ref().is_some_and(|failure| failure.retry_after.is_none());
        if news.is_empty() && refused.is_empty() && !partly {
            return match failure.or_else(|| failed.into_iter().next().map(|(_, failure)| failure)) {
                Some(failure) => Err(failure),
                None => Ok(Told::Unchanged),
            };
        }
        refused.extend(failed.into_iter().map(|(listed, failure)| refusal(&listed, failure.error.text)));
        self.news = news;
        if items.is_empty() && refused.is_empty() && failure.is_none() {
            self.shelve(now);
            return Ok(Told::Unchanged);
        }
        let items = gather(items.into_iter().map(Ok));
        refused.extend(items.refused);
        let lacks = failure.map(Box::new);
        Ok(Told::Reading(Reading { items: items.items, refused, unmapped, increment: true, lacks }))
    }

    fn shelve(&mut self, now: DateTime<Utc>) {
        let news = std::mem::take(&mut self.news);
        if !news.is_empty() {
            let since = now.checked_sub_signed(self.options.reach).unwrap_or(DateTime::UNIX_EPOCH);
            self.shelf.put(news, since);
        }
    }
}

impl Ask for CsafFeed {
    fn profile(&self) -> &FeedProfile {
        &self.profile
    }

    fn shown(&self) -> String {
        entente_sidecar::Address::Url(self.home.clone()).shown()
    }

    fn ask(&mut self, clock: Clock) -> BoxFuture<'_, Result<Told, Failure>> {
        self.news.clear();
        Box::pin(async move { self.answer(clock.now()).await })
    }

    fn settle(&mut self, settled: Settled) -> BoxFuture<'_, ()> {
        match (settled, self.news.first().map(|news| news.read.asked)) {
            (Settled::Read, Some(asked)) => self.shelve(asked),
            // What was said is not on disk, or not all of it: the same documents and lists are due again.
            (_, Some(_)) => {
                self.validators.clear();
                self.news.clear();
                self.more = true;
            }
            (_, None) => {}
        }
        if settled != Settled::Read {
            self.lists.forget();
            self.looked = None;
        }
        Box::pin(std::future::ready(()))
    }

    fn pause(&self) -> Option<Duration> {
        self.more.then_some(BETWEEN)
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.web.clock_offset_ms()
    }
}
