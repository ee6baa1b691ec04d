//! How repairs go, as marks on devices. The ledger knows of a device which approaches were tried and which try stands; a
//! fleet writes there, beside the approach itself, how far it has come with it. So each device counts once, whatever it is
//! told and however often, and after a restart as before.

use std::collections::BTreeMap;

use entente_ledger::{ApproachId, Known, Ledger, LedgerError, Seen, Sums};
use entente_schemas::family::Tally;

use super::error::FleetError;
use super::sighting::Progress;
use super::span::Spans;

const SLUG_MAX: usize = 60;

/// What a mark says of an approach. The word stands behind the slug in the mark's name, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Course {
    Targeted,
    /// It was begun; standing, it has ended well, and the device was not seen well yet.
    Tried,
    Running,
    Partial,
    Failed,
    Cancelled,
    Unsupported,
    NotFound,
    Lost,
}

impl Course {
    const ALL: [Self; 9] = [
        Self::Targeted,
        Self::Tried,
        Self::Running,
        Self::Partial,
        Self::Failed,
        Self::Cancelled,
        Self::Unsupported,
        Self::NotFound,
        Self::Lost,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Targeted => " targeted",
            Self::Tried => "",
            Self::Running => " running",
            Self::Partial => " partial",
            Self::Failed => " failed",
            Self::Cancelled => " cancelled",
            Self::Unsupported => " unsupported",
            Self::NotFound => " not found",
            Self::Lost => " lost",
        }
    }

    /// A device that is seen well while this stands is the approach's success.
    fn earns(self) -> bool {
        matches!(self, Self::Tried | Self::Running | Self::Partial | Self::Lost)
    }

    fn of(progress: Progress) -> Self {
        match progress {
            Progress::Targeted => Self::Targeted,
            Progress::Running => Self::Running,
            Progress::Ended => Self::Tried,
            Progress::Partial => Self::Partial,
            Progress::Failed => Self::Failed,
            Progress::Cancelled => Self::Cancelled,
            Progress::Unsupported => Self::Unsupported,
            Progress::NotFound => Self::NotFound,
            Progress::Lost => Self::Lost,
        }
    }

    /// What it shows to have happened before.
    fn before(self) -> &'static [Self] {
        match self {
            Self::Targeted => &[],
            Self::Tried | Self::Cancelled | Self::Unsupported | Self::NotFound => &[Self::Targeted],
            Self::Running | Self::Partial | Self::Failed | Self::Lost => &[Self::Targeted, Self::Tried],
        }
    }
}

/// The marks of one ledger.
#[derive(Debug, Default)]
pub(super) struct Courses {
    marks: BTreeMap<String, BTreeMap<Course, ApproachId>>,
}

impl Courses {
    /// The marks that a ledger has for these slugs and for all that were ever used.
    pub(super) fn of(ledger: &mut Ledger) -> Result<Self, LedgerError> {
        let mut courses = Self::default();
        let names: Vec<String> = ledger.approach_names().map(str::to_owned).collect();
        for name in names {
            let known = Course::ALL.into_iter().filter(|course| !course.word().is_empty());
            let (slug, course) = known
                .filter_map(|course| Some((name.strip_suffix(course.word())?, course)))
                .next()
                .unwrap_or((name.as_str(), Course::Tried));
            let mark = ledger.approach(&name)?;
            courses.marks.entry(slug.to_owned()).or_default().insert(course, mark);
        }
        Ok(courses)
    }

    /// The slugs that were ever used, in order.
    pub(super) fn slugs(&self) -> impl Iterator<Item = &str> {
        self.marks.keys().map(String::as_str)
    }

    /// The mark by which an approach is known to have been tried.
    pub(super) fn tried(&mut self, ledger: &mut Ledger, slug: &str) -> Result<ApproachId, FleetError> {
        self.mark(ledger, slug, Course::Tried)
    }

    fn mark(&mut self, ledger: &mut Ledger, slug: &str, course: Course) -> Result<ApproachId, FleetError> {
        if let Some(mark) = self.marks.get(slug).and_then(|of| of.get(&course)) {
            return Ok(*mark);
        }
        check(slug)?;
        let mark = ledger.approach(&format!("{slug}{}", course.word()))?;
        self.marks.entry(slug.to_owned()).or_default().insert(course, mark);
        Ok(mark)
    }

    /// What is to be noted of a device so that this progress stands; nothing if it does already.
    pub(super) fn steps(
        &mut self,
        ledger: &mut Ledger,
        slug: &str,
        progress: Progress,
        device: Option<&Standing>,
    ) -> Result<Vec<Seen>, FleetError> {
        let course = Course::of(progress);
        let mut marks = Vec::new();
        for before in course.before() {
            let mark = self.mark(ledger, slug, *before)?;
            if !device.is_some_and(|device| device.tried.contains(&mark)) {
                marks.push(mark);
            }
        }
        let mark = self.mark(ledger, slug, course)?;
        let stands = device.and_then(|device| device.standing);
        if course == Course::Targeted {
            // To be chosen again takes nothing from what was tried; the mark that stood stands again.
            if !device.is_some_and(|device| device.tried.contains(&mark)) {
                marks.push(mark);
                marks.extend(stands);
            }
        } else if stands != Some(mark) {
            marks.push(mark);
        }
        Ok(marks.into_iter().map(|by| Seen::Attempted { by }).collect())
    }

    /// How the devices of a block stand with an approach.
    pub(super) fn count(&self, slug: &str, sums: &Sums) -> Runs {
        let marks = self.marks.get(slug);
        let of = |course| marks.and_then(|of| of.get(&course)).copied();
        let ever = |course| of(course).map_or(0, |mark| sums.attempted.of(Some(mark)));
        let stands = |course| of(course).map_or(0, |mark| sums.standing.of(Some(mark)));
        Runs {
            targeted: ever(Course::Targeted).max(ever(Course::Tried)),
            attempted: ever(Course::Tried),
            chosen: stands(Course::Targeted),
            waiting: stands(Course::Tried),
            running: stands(Course::Running),
            succeeded: self.earned(slug).map(|mark| sums.restored.of(Some(mark))).sum(),
            partial: stands(Course::Partial),
            failed: stands(Course::Failed),
            unsupported: stands(Course::Unsupported),
            not_found: ever(Course::NotFound),
            cancelled: stands(Course::Cancelled),
            lost: stands(Course::Lost),
        }
    }

    /// How long those of a block took that an approach has restored.
    pub(super) fn spans(&self, slug: &str, sums: &Sums) -> Spans {
        let mut spans = Spans::default();
        self.earned(slug).for_each(|mark| spans.add(sums.took.of(Some(mark))));
        spans
    }

    /// The marks by which an approach's successes are known.
    fn earned(&self, slug: &str) -> impl Iterator<Item = ApproachId> {
        let marks = self.marks.get(slug).into_iter().flatten();
        marks.filter(|(course, _)| course.earns()).map(|(_, mark)| *mark)
    }
}

/// What a repair finds of a device.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub standing: Option<ApproachId>,
    pub tried: Vec<ApproachId>,
}

impl From<Known<'_>> for Standing {
    fn from(known: Known<'_>) -> Self {
        Self { standing: known.standing, tried: known.tried.to_vec() }
    }
}

/// Devices by how they stand with one approach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    pub targeted: u64,
    pub attempted: u64,
    /// Chosen, and nothing was begun.
    pub chosen: u64,
    /// The workflow ended well, and they were not seen well yet.
    pub waiting: u64,
    pub running: u64,
    pub succeeded: u64,
    pub partial: u64,
    pub failed: u64,
    pub unsupported: u64,
    pub not_found: u64,
    pub cancelled: u64,
    pub lost: u64,
}

impl Runs {
    pub(super) fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.targeted, other.targeted),
            (&mut self.attempted, other.attempted),
            (&mut self.chosen, other.chosen),
            (&mut self.waiting, other.waiting),
            (&mut self.running, other.running),
            (&mut self.succeeded, other.succeeded),
            (&mut self.partial, other.partial),
            (&mut self.failed, other.failed),
            (&mut self.unsupported, other.unsupported),
            (&mut self.not_found, other.not_found),
            (&mut self.cancelled, other.cancelled),
            (&mut self.lost, other.lost),
        ];
        pairs.into_iter().for_each(|(sum, more)| *sum += more);
    }

    /// Whether something is still to come.
    pub(super) fn goes_on(&self) -> bool {
        self.chosen + self.waiting + self.running > 0
    }

    /// The tally of an arm. Where nothing can be seen, no success is no figure.
    pub(super) fn tally(&self, sighted: bool) -> Tally {
        let some = |number: u64| (number > 0).then_some(number);
        Tally {
            targeted: Some(self.targeted),
            attempted: Some(self.attempted),
            in_progress: Some(self.running),
            succeeded: Some(self.succeeded).filter(|succeeded| sighted || *succeeded > 0),
            partial: some(self.partial),
            failed: Some(self.failed),
            unsupported: some(self.unsupported),
            not_found: some(self.not_found),
            cancelled: some(self.cancelled),
            lost_to_followup: some(self.lost),
        }
    }
}

/// Whether a slug is one.
pub(super) fn check(slug: &str) -> Result<(), FleetError> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=SLUG_MAX).contains(&slug.len()) && slug.bytes().all(good) {
        return Ok(());
    }
    Err(FleetError::Approach(slug.chars().count()))
}
