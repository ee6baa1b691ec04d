//! The fleet's books: where each sighting and each repair is noted, and which incident it belongs to. No device is kept
//! here: all that is known of one stands in the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use entente_ledger::{BlockId, Change, Condition, Ledger, LedgerError, Seen as Noted, Sums};

use super::cell::{Cell, Cells, PlaceId, Why};
use super::course::{Courses, Standing};
use super::diary::{Diary, Page, Season};
use super::error::FleetError;
use super::figures::{self, Sheet};
use super::profile::FleetProfile;
use super::sight::Sights;
use super::sighting::{Hint, Os, Progress, Repair, Seen, Sighting};
use super::speech::Speech;
use super::words::{Group, Words};

/// Everything of one fleet.
pub(super) struct Keeper {
    pub profile: FleetProfile,
    pub words: Words,
    pub ledger: Ledger,
    pub cells: Cells,
    pub courses: Courses,
    pub diary: Diary,
    pub speech: Speech,
    page: Page,
    pub sights: Sights,
    /// When a device of a group was last found to remain no more.
    settled: BTreeMap<Group, DateTime<Utc>>,
    listing: BTreeSet<String>,
}

/// What the books say of a device before a sighting.
struct Before {
    block: BlockId,
    cell: Cell,
    condition: Condition,
    open: bool,
    ever_affected: bool,
    standing: Standing,
}

impl Keeper {
    /// Opens the books in a folder; with what was lost of them, in words.
    pub(super) fn open(dir: &Path, profile: FleetProfile) -> Result<(Self, Vec<String>), FleetError> {
        profile.check()?;
        let words = Words::table()?;
        let mut ledger = Ledger::open(dir)?;
        let (cells, foreign) = Cells::of(&mut ledger)?;
        let courses = Courses::of(&mut ledger)?;
        let (page, mut diary, put_aside) = Page::open(dir)?;
        cells.all().for_each(|(_, cell)| {
            if let Some(group) = group_of(&words, cell.why) {
                let season = diary.season_mut(group);
                if season.number < cell.season {
                    *season = Season::numbered(cell.season);
                }
            }
        });
        let damage = ledger.recovery().damage.iter().map(ToString::to_string);
        let mut told: Vec<String> = damage.chain(put_aside).collect();
        if foreign > 0 {
            told.push(format!("{foreign} blocks of the ledger have names of another program and are not counted"));
        }
        let mut keeper = Self {
            speech: Speech::default(),
            profile,
            words,
            ledger,
            cells,
            courses,
            diary,
            page,
            sights: Sights::default(),
            settled: BTreeMap::new(),
            listing: BTreeSet::new(),
        };
        if let Err(error) = keeper.let_past_go() {
            told.push(format!("past incidents take up room in the ledger: {error}"));
        }
        Ok((keeper, told))
    }

    /// Notes a sighting.
    pub(super) fn see(&mut self, sighting: &Sighting<'_>) -> Result<(), FleetError> {
        let before = self.before(sighting.device)?;
        let place = self.cells.seen_at(sighting.place, before.as_ref().map(|before| before.cell.place))?;
        self.sights.note(place, sighting.observed);
        let os = match (&before, sighting.os) {
            (Some(before), Os::Unknown) => before.cell.os,
            (_, os) => os,
        };
        match (sighting.seen, &before) {
            (Seen::Affected(hint), _) => self.see_affected(sighting, hint, before.as_ref(), place, os),
            (Seen::Restored { by }, _) => self.see_restored(sighting, by, before.as_ref(), place, os),
            // An old word of a neighbour is more than none.
            (Seen::Unknown, Some(_)) if !self.profile.guest_signal => self.stay(sighting.device),
            (Seen::Starting, Some(_)) => self.stay(sighting.device),
            (Seen::Stopped, Some(before)) if before.open => self.stay(sighting.device),
            (Seen::Stopped | Seen::Gone, None) => Ok(()),
            (seen, _) => {
                let noted = match seen {
                    Seen::Well => Noted::Well,
                    Seen::Stopped | Seen::Gone => Noted::Gone,
                    _ => Noted::Unknown,
                };
                let there = before.as_ref().filter(|before| !self.is_past(before.cell));
                if let (Some(before), None) = (&before, there) {
                    self.ledger.note(sighting.device, before.block, Noted::Forgotten, sighting.observed.timestamp())?;
                }
                let (why, season) = there.map_or((Why::Present, 0), |before| (before.cell.why, before.cell.season));
                self.note(sighting, Cell { why, season, os, place }, noted)
            }
        }
    }

    /// Whether a device was last seen well, or fails by signs from inside it.
    pub(super) fn has_shown(&self, device: &str) -> bool {
        let known = self.before(device).ok().flatten();
        known.is_some_and(|known| {
            let inside = group_of(&self.words, known.cell.why) == Some(Group::Guest);
            known.condition == Condition::Well || known.open && inside
        })
    }

    /// Whether a device is affected by signs of the platform and not of its guest.
    pub(super) fn is_down(&self, device: &str) -> bool {
        let known = self.before(device).ok().flatten();
        known.is_some_and(|known| {
            known.open && group_of(&self.words, known.cell.why).is_some_and(|group| group != Group::Guest)
        })
    }

    fn before(&self, device: &str) -> Result<Option<Before>, FleetError> {
        let Some(known) = self.ledger.known(device)? else { return Ok(None) };
        let before = self.cells.cell(known.block).map(|cell| Before {
            block: known.block,
            cell,
            condition: known.condition,
            open: known.open,
            ever_affected: known.ever_affected,
            standing: known.into(),
        });
        Ok(before)
    }

    fn stay(&mut self, device: &str) -> Result<(), FleetError> {
        Ok(self.ledger.meet(device)?)
    }

    fn see_affected(
        &mut self,
        sighting: &Sighting<'_>,
        hint: Hint,
        before: Option<&Before>,
        place: PlaceId,
        os: Os,
    ) -> Result<(), FleetError> {
        let hint = match before.and_then(|before| before.cell.why.hint().filter(|_| before.open)) {
            Some(known) if hint == Hint::Unstated => known,
            _ => hint,
        };
        let group = self.words.of(hint).group;
        let season = self.season_at(group, sighting.observed);
        let goes_on = before.is_some_and(|before| self.goes_on(before, group));
        if let Some(before) = before.filter(|before| !goes_on && before.ever_affected) {
            self.ledger.note(sighting.device, before.block, Noted::Forgotten, sighting.observed.timestamp())?;
        }
        let known = before.filter(|before| goes_on && before.open);
        let of = known.and_then(|before| group_of(&self.words, before.cell.why));
        self.note(sighting, Cell { why: Why::Failed(hint), season, os, place }, Noted::Affected)?;
        let since = since(sighting);
        let diary = self.diary.season_mut(group);
        diary.ended = None;
        if of != Some(group) {
            diary.begin(since);
        }
        // One that fails over and over is one.
        let counted = goes_on && before.is_some_and(|before| before.ever_affected);
        if group == Group::Guest && os == Os::Windows && !counted {
            diary.correlate(since, self.cells.place(place), &self.profile.rules);
        }
        Ok(())
    }

    fn see_restored(
        &mut self,
        sighting: &Sighting<'_>,
        by: Option<&str>,
        before: Option<&Before>,
        place: PlaceId,
        os: Os,
    ) -> Result<(), FleetError> {
        let mut cell = Cell { why: Why::Present, season: 0, os, place };
        match before {
            Some(before) if before.ever_affected => (cell.why, cell.season) = (before.cell.why, before.cell.season),
            // It failed unseen.
            _ => {
                let season = self.season_at(Group::Guest, sighting.observed);
                (cell.why, cell.season) = (Why::Failed(Hint::Unstated), season);
                self.diary.season_mut(Group::Guest).begin(since(sighting));
            }
        }
        let Some(by) = by else { return self.note(sighting, cell, Noted::Restored { by: None }) };
        let mark = self.courses.tried(&mut self.ledger, by)?;
        let standing = before.map(|before| &before.standing);
        for step in self.courses.steps(&mut self.ledger, by, Progress::Ended, standing)? {
            self.note(sighting, cell, step)?;
        }
        self.note(sighting, cell, Noted::Restored { by: Some(mark) })
    }

    /// Whether what a device went through is still going on: who is affected and shows other signs is affected still; who
    /// was, in another incident, is so anew.
    fn goes_on(&self, before: &Before, group: Group) -> bool {
        let of = group_of(&self.words, before.cell.why);
        of.is_some_and(|of| self.is_current(of, before.cell.season) && (of == group || before.open))
    }

    fn is_current(&self, group: Group, season: u32) -> bool {
        self.diary.season(group).is_some_and(|current| current.number == season)
    }

    /// Whether it is of an incident after which there was another.
    fn is_past(&self, cell: Cell) -> bool {
        group_of(&self.words, cell.why).is_some_and(|group| !self.is_current(group, cell.season))
    }

    /// Lets go of what no sum will tell any more: devices that went in past incidents, and blocks of these that nobody is in.
    /// Who is there leaves them as soon as it is seen.
    fn let_past_go(&mut self) -> Result<(), FleetError> {
        let past: BTreeSet<BlockId> =
            self.cells.all().filter(|(_, cell)| self.is_past(*cell)).map(|(block, _)| block).collect();
        if past.is_empty() {
            return Ok(());
        }
        let gone = |(name, sums): (&str, &Sums)| {
            let cell = self.cells.named(name).filter(|_| sums.gone > 0);
            cell.is_some_and(|cell| self.is_past(cell))
        };
        if self.ledger.sums().any(gone) {
            self.ledger.forget_gone(|block| past.contains(&block))?;
        }
        for block in past {
            if self.ledger.release(block) {
                self.cells.forget(block);
            }
        }
        Ok(())
    }

    /// The incident of a failure that is seen now: the last one, unless it was called resolved and nothing has remained of
    /// it for long.
    fn season_at(&mut self, group: Group, at: DateTime<Utc>) -> u32 {
        let apart = self.profile.rules.apart;
        let season = self.diary.season_mut(group);
        if season.closed && season.ended.is_some_and(|ended| at - ended > apart) {
            *season = Season::numbered(season.number.saturating_add(1));
        }
        season.number
    }

    fn note(&mut self, sighting: &Sighting<'_>, cell: Cell, seen: Noted) -> Result<(), FleetError> {
        let block = self.cells.block(&mut self.ledger, cell)?;
        let change = self.ledger.note(sighting.device, block, seen, since(sighting).timestamp())?;
        if let (Some(change), Some(group)) = (change, group_of(&self.words, cell.why))
            && remains_no_more(change)
        {
            let last = self.settled.entry(group).or_insert(sighting.observed);
            *last = (*last).max(sighting.observed);
        }
        Ok(())
    }

    /// Notes how a repair of a device goes.
    pub(super) fn repair(&mut self, repair: &Repair<'_>) -> Result<(), FleetError> {
        let before = self.before(repair.device)?;
        // Nothing is wrong with who is seen well, and work on it is no repair.
        let well = |before: &Before| before.condition == Condition::Well && self.profile.guest_signal;
        if before.as_ref().is_some_and(well) {
            return Ok(());
        }
        let season = self.season_at(Group::Guest, repair.observed);
        let of = before.as_ref().and_then(|before| Some((group_of(&self.words, before.cell.why)?, before.cell.season)));
        let current = of.is_some_and(|(of, season)| self.is_current(of, season));
        let at = repair.observed.timestamp();
        let (cell, standing) = match &before {
            Some(before) if current => (before.cell, Some(&before.standing)),
            Some(before) => (self.treat_anew(repair.device, before, season, at)?, None),
            None => {
                let place = self.cells.unplaced();
                (Cell { why: Why::Treated, season, os: Os::Unknown, place }, None)
            }
        };
        let block = self.cells.block(&mut self.ledger, cell)?;
        for step in self.courses.steps(&mut self.ledger, repair.approach, repair.progress, standing)? {
            self.ledger.note(repair.device, block, step, at)?;
        }
        Ok(())
    }

    /// What was tried in earlier incidents is none of this one.
    fn treat_anew(&mut self, device: &str, before: &Before, season: u32, at: i64) -> Result<Cell, FleetError> {
        self.ledger.note(device, before.block, Noted::Forgotten, at)?;
        let cell = Cell { why: Why::Treated, season, ..before.cell };
        let block = self.cells.block(&mut self.ledger, cell)?;
        let seen = if before.condition == Condition::Well { Noted::Well } else { Noted::Unknown };
        self.ledger.note(device, block, seen, at)?;
        Ok(cell)
    }

    /// Begins a whole listing of a region.
    pub(super) fn sweep(&mut self, region: &str) {
        let region = region.to_ascii_lowercase();
        let Self { ledger, cells, .. } = self;
        ledger.begin_listing(|block| cells.is_in(block, &region));
        self.listing.insert(region);
    }

    /// Ends it: devices that it did not show are gone, but for those in zones that could not be asked.
    pub(super) fn swept(&mut self, region: &str, but: &[&str], now: DateTime<Utc>) -> Result<u64, FleetError> {
        let region = region.to_ascii_lowercase();
        self.reached(&region, but, now);
        if !self.listing.remove(&region) {
            return Ok(0);
        }
        let before = self.remaining();
        let Self { ledger, cells, sights, .. } = self;
        let gone = ledger.end_listing(|block| {
            let place = cells.cell(block).map(|cell| cells.place(cell.place));
            place.is_some_and(|place| place.0 == region && sights.dark_since(place).is_none())
        })?;
        for ((group, before), (_, after)) in before.into_iter().zip(self.remaining()) {
            if after < before {
                self.settled.insert(group, now);
            }
        }
        self.let_past_go()?;
        Ok(gone)
    }

    fn remaining(&self) -> Vec<(Group, u64)> {
        let sheets = self.sheets();
        Group::ALL.iter().map(|group| (*group, sheets.get(group).map_or(0, figures::remaining))).collect()
    }

    /// A region could not be asked: nothing is known of what is there until it can.
    pub(super) fn unseen(&mut self, region: &str, now: DateTime<Utc>) {
        let region = region.to_ascii_lowercase();
        self.sights.lose(&region, "", now);
        self.listing.remove(&region);
    }

    /// A region was asked, but for these zones.
    pub(super) fn reached(&mut self, region: &str, but: &[&str], now: DateTime<Utc>) {
        let region = region.to_ascii_lowercase();
        let but: Vec<String> = but.iter().map(|zone| zone.to_ascii_lowercase()).collect();
        self.sights.find(&region, &but);
        but.iter().for_each(|zone| self.sights.lose(&region, zone, now));
        for place in self.cells.places_in(&region) {
            if self.sights.dark_since(self.cells.place(place)).is_none() {
                self.sights.note(place, now);
            }
        }
    }

    /// The figures of each group, by place and system.
    pub(super) fn sheets(&self) -> BTreeMap<Group, Sheet> {
        figures::sheets(self, |cell| {
            let group = group_of(&self.words, cell.why)?;
            self.is_current(group, cell.season).then_some(group)
        })
    }

    /// Takes note of which incidents have ended.
    pub(super) fn settle(&mut self, sheets: &BTreeMap<Group, Sheet>, now: DateTime<Utc>) {
        for (group, sheet) in sheets {
            let blind = self.is_blind(*group);
            let (ever, remains) = (figures::ever(sheet), figures::remaining(sheet));
            if ever == 0 {
                continue;
            }
            let last = self.settled.get(group).copied().unwrap_or(now).min(now);
            let season = self.diary.season_mut(*group);
            season.worst = season.worst.max(remains);
            season.counted = season.counted.max(figures::counted(sheet));
            season.onset = season.onset.or(Some(last));
            season.ended = if remains > 0 || blind { None } else { season.ended.or(Some(last)) };
        }
    }

    /// Whether nobody can say that nothing is wrong.
    pub(super) fn is_blind(&self, group: Group) -> bool {
        group == Group::Guest && !self.profile.guest_signal
    }

    /// Hands all to the system: it survives the end of this process.
    pub(super) fn flush(&mut self) -> Result<(), FleetError> {
        let flushed = self.ledger.flush();
        self.keep_page(flushed)
    }

    /// Has the disk keep all, so that nothing that is said then can be lost, nor by a loss of power.
    pub(super) fn sync(&mut self) -> Result<(), FleetError> {
        let synced = self.ledger.sync();
        self.keep_page(synced)
    }

    fn keep_page(&mut self, ledger: Result<(), LedgerError>) -> Result<(), FleetError> {
        match ledger {
            Err(error @ LedgerError::Shorten { .. }) => tracing::warn!("{error}"),
            other => other?,
        }
        self.page.keep(&self.diary)
    }
}

fn group_of(words: &Words, why: Why) -> Option<Group> {
    match why {
        Why::Present => None,
        Why::Treated => Some(Group::Guest),
        Why::Failed(hint) => Some(words.of(hint).group),
    }
}

/// It was affected, or nobody knew, and now it is well or gone.
fn remains_no_more(change: Change) -> bool {
    let over = |seen| matches!(seen, Some(Condition::Well | Condition::Gone));
    over(change.after) && !over(change.before)
}

/// Since when it is so: what the provider says, but not before the device was started nor after it was seen.
fn since(sighting: &Sighting<'_>) -> DateTime<Utc> {
    let observed = sighting.observed;
    let launched = sighting.launched.map(|launched| launched.min(observed));
    let since = sighting.since.map_or(observed, |since| since.min(observed));
    launched.map_or(since, |launched| since.max(launched))
}
