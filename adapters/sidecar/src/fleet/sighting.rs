//! What an adapter, or a neighbour's tool, tells the fleet: how a device was seen, and what was done to it.

use std::fmt;

use chrono::{DateTime, Utc};

/// Where a device stands, in its provider's own codes: 1 to 64 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    /// The region's code; empty where it is not told. What was known of the device before stands then.
    pub region: &'a str,
    /// The zone's code; none where it is not told, or the provider has none.
    pub zone: Option<&'a str>,
}

/// The family of operating systems that a device runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Os {
    /// Not known. What was known of the device before stands.
    #[default]
    Unknown,
    /// Windows.
    Windows,
    /// Any Linux.
    Linux,
    /// macOS.
    MacOs,
}

impl Os {
    /// Every family, as blocks are sorted.
    pub(super) const ALL: [Self; 4] = [Self::Unknown, Self::Windows, Self::Linux, Self::MacOs];

    /// The family as a block's asset names it; none where it is not known.
    #[must_use]
    pub fn family(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Windows => Some("windows"),
            Self::Linux => Some("linux"),
            Self::MacOs => Some("macos"),
        }
    }

    /// Reads the name of a family, in any case; one that is not listed is not known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let name = name.trim();
        let known = Self::ALL.into_iter();
        known.rev().find(|os| os.family().is_some_and(|family| family.eq_ignore_ascii_case(name))).unwrap_or_default()
    }
}

/// What the signs say of why a device does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// The host is in order and the guest does not answer: boot failure, boot loop, kernel panic, a broken network inside.
    GuestOsUnreachable,
    /// The machine runs and the agent inside it, which used to report, does so no more.
    GuestAgentLost,
    /// The provider's host or hardware has failed.
    ProviderHost,
    /// A disk of the provider does not answer.
    ProviderStorage,
    /// It does not work, and nothing says why.
    Unstated,
}

/// How a device was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// It works: its guest answers, not only its host.
    Well,
    /// It does not work.
    Affected(Hint),
    /// It works again, and somebody says by which approach (its slug). As good as [`Seen::Well`].
    Restored {
        /// The slug of the approach; none: what was tried last.
        by: Option<&'a str>,
    },
    /// It is there, and nothing can be said of how it does: no signal from inside, checks without a result.
    Unknown,
    /// It starts, and is not known yet. Whoever was affected remains so until it is seen well.
    Starting,
    /// It is stopped. It counts only if it was affected, and then remains so until it is seen well.
    Stopped,
    /// It is there no more.
    Gone,
}

/// One sighting of one device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// The device's id: equal whoever sees it. It is counted and kept nowhere.
    pub device: &'a str,
    /// Where it stands.
    pub place: Place<'a>,
    /// What it runs.
    pub os: Os,
    /// How it was seen.
    pub seen: Seen<'a>,
    /// Since when it is so, where the provider says; taken only between `launched` and `observed`.
    pub since: Option<DateTime<Utc>>,
    /// When it was last started, where the provider says.
    pub launched: Option<DateTime<Utc>>,
    /// When it was seen.
    pub observed: DateTime<Utc>,
}

/// How a repair of one device goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// Chosen for it; not begun.
    Targeted,
    /// Under way.
    Running,
    /// The workflow ended well. The device counts as attempted until it is seen well, then as succeeded.
    Ended,
    /// It ended and helped in part.
    Partial,
    /// It ended and did not help.
    Failed,
    /// It was called off.
    Cancelled,
    /// It cannot be done on this device.
    Unsupported,
    /// There is no such device any more.
    NotFound,
    /// Nobody knows how it ended.
    Lost,
}

/// The id must not stand in a log line either.
impl fmt::Debug for Sighting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, os, seen, since, .. } = self;
        f.debug_struct("Sighting")
            .field("place", place)
            .field("os", os)
            .field("seen", seen)
            .field("since", since)
            .finish()
    }
}

/// What was done, or is being done, to one device.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Repair<'a> {
    /// The device's id, as in its sightings.
    pub device: &'a str,
    /// The approach's slug: one of the profile's table, or a neighbour's own.
    pub approach: &'a str,
    /// How it goes.
    pub progress: Progress,
    /// When that was learnt.
    pub observed: DateTime<Utc>,
}

impl fmt::Debug for Repair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { approach, progress, .. } = self;
        f.debug_struct("Repair").field("approach", approach).field("progress", progress).finish_non_exhaustive()
    }
}
