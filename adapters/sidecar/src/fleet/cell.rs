//! Blocks of the ledger: a device is in the block of its failure, its incident, its operating system and its place. Their
//! names are written for good, and read back when the ledger is opened.

use std::collections::BTreeMap;

use entente_ledger::{BlockId, Ledger, LedgerError};

use super::error::FleetError;
use super::sighting::{Hint, Os, Place};

/// The region of devices that a repair named before they were ever seen.
const UNPLACED: &str = "?";
const PLACE_MAX: usize = 64;

/// Why the devices of a block are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// They are there.
    Present,
    /// Nothing is known of how they do, and they are repaired.
    Treated,
    /// They fail or failed.
    Failed(Hint),
}

impl Why {
    const ALL: [Self; 7] = [
        Self::Present,
        Self::Treated,
        Self::Failed(Hint::GuestOsUnreachable),
        Self::Failed(Hint::GuestAgentLost),
        Self::Failed(Hint::ProviderHost),
        Self::Failed(Hint::ProviderStorage),
        Self::Failed(Hint::Unstated),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Treated => "treated",
            Self::Failed(Hint::GuestOsUnreachable) => "guest_os_unreachable",
            Self::Failed(Hint::GuestAgentLost) => "guest_agent_lost",
            Self::Failed(Hint::ProviderHost) => "provider_host",
            Self::Failed(Hint::ProviderStorage) => "provider_storage",
            Self::Failed(Hint::Unstated) => "unstated",
        }
    }

    pub(super) fn hint(self) -> Option<Hint> {
        if let Self::Failed(hint) = self { Some(hint) } else { None }
    }
}

/// A region and a zone by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PlaceId(usize);

/// What a block of the ledger holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub why: Why,
    /// Which incident of its group; 0 for those that are only there.
    pub season: u32,
    pub os: Os,
    pub place: PlaceId,
}

/// The blocks of one ledger.
#[derive(Debug, Default)]
pub(super) struct Cells {
    /// Region, then zone.
    places: BTreeMap<String, BTreeMap<String, PlaceId>>,
    names: Vec<(String, String)>,
    blocks: BTreeMap<Cell, BlockId>,
    cells: BTreeMap<BlockId, Cell>,
}

impl Cells {
    /// The blocks that a ledger has. Those whose names are not of this file are passed over; their number is given.
    pub(super) fn of(ledger: &mut Ledger) -> Result<(Self, usize), LedgerError> {
        let mut cells = Self::default();
        let names: Vec<String> = ledger.sums().map(|(name, _)| name.to_owned()).collect();
        let mut foreign = 0;
        for name in names {
            match cells.parse(&name) {
                Some(cell) => cells.define(cell, ledger.block(&name)?),
                None => foreign += 1,
            }
        }
        Ok((cells, foreign))
    }

    /// The block of a cell, made if there is none.
    pub(super) fn block(&mut self, ledger: &mut Ledger, cell: Cell) -> Result<BlockId, LedgerError> {
        if let Some(block) = self.blocks.get(&cell) {
            return Ok(*block);
        }
        let block = ledger.block(&self.name(cell))?;
        self.define(cell, block);
        Ok(block)
    }

    /// A block is no cell's any more.
    pub(super) fn forget(&mut self, block: BlockId) {
        if let Some(cell) = self.cells.remove(&block) {
            self.blocks.remove(&cell);
        }
    }

    /// What a block holds.
    pub(super) fn cell(&self, block: BlockId) -> Option<Cell> {
        self.cells.get(&block).copied()
    }

    /// The cell of a block's name.
    pub(super) fn named(&self, name: &str) -> Option<Cell> {
        let (why, season, os, region, zone) = parts(name)?;
        let place = *self.places.get(region)?.get(zone)?;
        Some(Cell { why, season, os, place })
    }

    /// The region and the zone of a place; each is empty where it is not known.
    pub(super) fn place(&self, place: PlaceId) -> (&str, &str) {
        self.names.get(place.0).map_or(("", ""), |(region, zone)| (region, zone))
    }

    /// Whether the place of these devices was ever told.
    pub(super) fn is_placed(&self, place: PlaceId) -> bool {
        self.place(place).0 != UNPLACED
    }

    /// Every cell that has a block, with its block.
    pub(super) fn all(&self) -> impl Iterator<Item = (BlockId, Cell)> {
        self.cells.iter().map(|(block, cell)| (*block, *cell))
    }

    /// The places of a region.
    pub(super) fn places_in(&self, region: &str) -> Vec<PlaceId> {
        self.places.get(region).into_iter().flat_map(BTreeMap::values).copied().collect()
    }

    /// Whether the devices of a block are in a region.
    pub(super) fn is_in(&self, block: BlockId, region: &str) -> bool {
        self.cell(block).is_some_and(|cell| self.place(cell.place).0 == region)
    }

    /// The number of the place where a sighting puts a device that was at `known` before.
    pub(super) fn seen_at(&mut self, place: Place<'_>, known: Option<PlaceId>) -> Result<PlaceId, FleetError> {
        check("region", place.region)?;
        check("zone", place.zone.unwrap_or_default())?;
        let region = place.region.to_ascii_lowercase();
        let zone = place.zone.map(str::to_ascii_lowercase);
        let before = known.and_then(|known| self.names.get(known.0)).filter(|(region, _)| region != UNPLACED);
        let (region, zone) = match before {
            Some((at, in_zone)) if region.is_empty() || region == *at => {
                (at.clone(), zone.unwrap_or_else(|| in_zone.clone()))
            }
            _ => (region, zone.unwrap_or_default()),
        };
        Ok(self.intern(&region, &zone))
    }

    /// The place of a device that was never seen.
    pub(super) fn unplaced(&mut self) -> PlaceId {
        self.intern(UNPLACED, "")
    }

    fn intern(&mut self, region: &str, zone: &str) -> PlaceId {
        if let Some(place) = self.places.get(region).and_then(|zones| zones.get(zone)) {
            return *place;
        }
        let place = PlaceId(self.names.len());
        self.names.push((region.to_owned(), zone.to_owned()));
        self.places.entry(region.to_owned()).or_default().insert(zone.to_owned(), place);
        place
    }

    fn define(&mut self, cell: Cell, block: BlockId) {
        self.blocks.insert(cell, block);
        self.cells.insert(block, cell);
    }

    fn name(&self, cell: Cell) -> String {
        let (region, zone) = self.place(cell.place);
        format!("{}|{}|{}|{region}|{zone}", cell.why.as_str(), cell.season, cell.os.family().unwrap_or_default())
    }

    fn parse(&mut self, name: &str) -> Option<Cell> {
        let (why, season, os, region, zone) = parts(name)?;
        Some(Cell { why, season, os, place: self.intern(region, zone) })
    }
}

fn parts(name: &str) -> Option<(Why, u32, Os, &str, &str)> {
    let mut parts = name.split('|');
    let (why, season, os) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, zone, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
    let why = Why::ALL.into_iter().find(|known| known.as_str() == why)?;
    let os = Os::ALL.into_iter().find(|known| known.family().unwrap_or_default() == os)?;
    Some((why, season.parse().ok()?, os, region, zone))
}

/// Codes only: what is none could be anything, an id as well.
fn check(part: &'static str, code: &str) -> Result<(), FleetError> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if code.len() <= PLACE_MAX && code.bytes().all(good) {
        return Ok(());
    }
    Err(FleetError::Place { part, characters: code.chars().count() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(region: &'a str, zone: Option<&'a str>) -> Place<'a> {
        Place { region, zone }
    }

    #[test]
    fn blocks_are_found_again_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        let (mut cells, _) = Cells::of(&mut ledger).unwrap();
        let mut made = Vec::new();
        for (why, (season, os)) in Why::ALL.into_iter().zip(Os::ALL.into_iter().cycle().enumerate()) {
            let zone = (season % 2 == 0).then_some("a");
            let place = cells.seen_at(at("us-east-1", zone), None).unwrap();
            let cell = Cell { why, season: u32::try_from(season).unwrap(), os, place };
            made.push((cell, cells.block(&mut ledger, cell).unwrap()));
        }
        ledger.block("another's").unwrap();
        let (again, foreign) = Cells::of(&mut ledger).unwrap();
        assert_eq!(foreign, 1);
        for (cell, block) in made {
            let found = again.cell(block).unwrap();
            assert_eq!((found.why, found.season, found.os), (cell.why, cell.season, cell.os));
            assert_eq!(again.place(found.place), cells.place(cell.place));
            assert_eq!(again.named(&again.name(found)), Some(found));
        }
    }

    #[test]
    fn what_was_known_of_a_place_stands_until_another_is_told() {
        let mut cells = Cells::default();
        let first = cells.seen_at(at("US-East-1", Some("1a")), None).unwrap();
        assert_eq!(cells.place(first), ("us-east-1", "1a"));
        for (region, zone, expected) in [
            ("", None, ("us-east-1", "1a")),
            ("us-east-1", None, ("us-east-1", "1a")),
            ("us-east-1", Some("1b"), ("us-east-1", "1b")),
            ("eu-west-1", None, ("eu-west-1", "")),
        ] {
            let seen = cells.seen_at(at(region, zone), Some(first)).unwrap();
            assert_eq!(cells.place(seen), expected);
        }
        let unplaced = cells.unplaced();
        let seen = cells.seen_at(at("", None), Some(unplaced)).unwrap();
        assert!(!cells.is_placed(unplaced) && cells.is_placed(seen));
        assert_eq!(cells.place(seen), ("", ""));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let mut cells = Cells::default();
        let long = "x".repeat(65);
        for bad in ["a|b", "a b", "?", "arn:aws:ec2", "é", &long] {
            assert!(cells.seen_at(at(bad, None), None).is_err(), "{bad}");
            assert!(cells.seen_at(at("r", Some(bad)), None).is_err(), "{bad}");
        }
        assert!(cells.names.is_empty());
    }
}
