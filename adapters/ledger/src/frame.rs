//! How entries lie in the file: in frames, each with two checksums, its length, and which entries it holds by number. So
//! a damaged frame costs itself alone, and what it cost is known.

use std::io::{self, Read};

use crate::entry::Entry;

/// Bytes before a frame's entries: mark, number of the first entry, entries, length, checksum of these, checksum of all before.
pub(crate) const HEAD: usize = 28;
const MARK: [u8; 4] = *b"\xf5Ent";
/// No frame is longer: a batch, and the one entry that filled it.
const LONGEST: usize = 1 << 20;

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The number of its first entry in this file, from 0.
    pub first: u64,
    pub entries: u32,
    length: u32,
    checksum: u32,
}

impl Head {
    fn to_bytes(self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        let parts: [&[u8]; 5] = [
            &MARK,
            &self.first.to_le_bytes(),
            &self.entries.to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.checksum.to_le_bytes(),
        ];
        let own = parts.concat();
        let sum = crc32fast::hash(&own).to_le_bytes();
        bytes.iter_mut().zip(own.iter().chain(&sum)).for_each(|(to, from)| *to = *from);
        bytes
    }

    fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let mut word = || rest.split_first_chunk().map(|(word, left)| (rest = left, u32::from_le_bytes(*word)).1);
        let (mark, low, high) = (word()?, word()?, word()?);
        let head = Self {
            first: u64::from(high) << 32 | u64::from(low),
            entries: word()?,
            length: word()?,
            checksum: word()?,
        };
        let good = mark.to_le_bytes() == MARK && head.to_bytes() == *bytes && head.length as usize <= LONGEST;
        good.then_some(head)
    }

    fn frame(&self) -> usize {
        HEAD + self.length as usize
    }
}

/// Entries on their way into a frame.
pub(crate) struct Batch {
    bytes: Vec<u8>,
    entries: u32,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEAD], entries: 0 }
    }

    pub(crate) fn push(&mut self, entry: &Entry) {
        entry.write(&mut self.bytes);
        self.entries += 1;
    }

    pub(crate) fn entries(&self) -> u32 {
        self.entries
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The length of its frame.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The frame whose first entry has this number.
    pub(crate) fn frame(&mut self, first: u64) -> &[u8] {
        if let Some((head, payload)) = self.bytes.split_first_chunk_mut::<HEAD>() {
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            *head = Head { first, entries: self.entries, length, checksum: crc32fast::hash(payload) }.to_bytes();
        }
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(HEAD);
        self.entries = 0;
    }
}

/// What the next bytes of a file are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A good frame; [`Frames::payload`] has its entries.
    Frame(Head),
    /// This many bytes that are no good frame; a head if the damage is behind it.
    Damage(u64, Option<Head>),
    /// The beginning of a frame, and then the file ends.
    Torn(u64),
}

/// Reads frames one after the other, and finds the next good head behind damage.
pub(crate) struct Frames<R> {
    from: R,
    window: Vec<u8>,
    /// Where in the window the next piece begins.
    at: usize,
    /// Where in the file the window begins.
    base: u64,
    payload: Vec<u8>,
    ended: bool,
}

impl<R: Read> Frames<R> {
    /// Frames of a file whose next byte is at `offset`.
    pub(crate) fn new(from: R, offset: u64) -> Self {
        Self { from, window: Vec::new(), at: 0, base: offset, payload: Vec::new(), ended: false }
    }

    /// Where in the file the next piece begins.
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The entries of the last good frame.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The next piece; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.have(HEAD)? {
            let Some(head) = self.head() else { return self.skip_to_a_head().map(Some) };
            return self.read_frame(head).map(Some);
        }
        let rest = self.rest().len();
        let torn = self.rest().iter().zip(MARK).all(|(there, mark)| *there == mark);
        self.at += rest;
        let piece = if torn { Piece::Torn(rest as u64) } else { Piece::Damage(rest as u64, None) };
        Ok((rest > 0).then_some(piece))
    }

    fn read_frame(&mut self, head: Head) -> io::Result<Piece> {
        let whole = self.have(head.frame())?;
        let frame = self.rest().get(..head.frame()).unwrap_or(self.rest());
        let length = frame.len();
        let payload = frame.get(HEAD..).unwrap_or_default();
        if whole && crc32fast::hash(payload) == head.checksum {
            self.payload = payload.to_vec();
            self.at += length;
            return Ok(Piece::Frame(head));
        }
        self.at += length;
        Ok(if whole { Piece::Damage(length as u64, Some(head)) } else { Piece::Torn(length as u64) })
    }

    /// What lies before the next head counts as one damage.
    fn skip_to_a_head(&mut self) -> io::Result<Piece> {
        let begin = self.offset();
        self.at += 1;
        while self.have(HEAD)? && self.head().is_none() {
            // The mark's first byte is rare in what a ledger writes.
            let next = self.rest().iter().skip(1).position(|byte| *byte == MARK[0]);
            self.at += next.map_or(self.rest().len(), |next| next + 1);
        }
        if !self.have(HEAD)? {
            self.at += self.rest().len();
        }
        Ok(Piece::Damage(self.offset() - begin, None))
    }

    fn head(&self) -> Option<Head> {
        Head::read(self.rest().first_chunk()?)
    }

    fn rest(&self) -> &[u8] {
        self.window.get(self.at..).unwrap_or_default()
    }

    /// Whether this many bytes are there; reads on if not.
    fn have(&mut self, bytes: usize) -> io::Result<bool> {
        while self.rest().len() < bytes && !self.ended {
            self.window.drain(..self.at.min(self.window.len()));
            self.base += self.at as u64;
            self.at = 0;
            let wanted = (LONGEST + HEAD) as u64;
            self.ended = self.from.by_ref().take(wanted).read_to_end(&mut self.window)? == 0;
        }
        Ok(self.rest().len() >= bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::BlockId;

    /// Gives a few bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let most = to.len().min(self.1);
            self.0.read(&mut to[..most])
        }
    }

    fn frame(first: u64, name: &str) -> Vec<u8> {
        let mut batch = Batch::new();
        batch.push(&Entry::Block(BlockId(0), name));
        batch.push(&Entry::Block(BlockId(1), name));
        batch.frame(first).to_vec()
    }

    fn pieces(bytes: &[u8], at_a_time: usize) -> Vec<(u64, Piece)> {
        let mut frames = Frames::new(Slow(bytes, at_a_time), 100);
        let mut found = Vec::new();
        loop {
            let offset = frames.offset();
            let Some(piece) = frames.next().unwrap() else { break };
            if let Piece::Frame(head) = piece {
                let mut payload = frames.payload();
                let entries = std::iter::from_fn(|| Entry::read(&mut payload)).count();
                assert_eq!((entries, payload), (head.entries as usize, &[][..]));
            }
            found.push((offset, piece));
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn good_frames_are_found_between_anything(
            parts in proptest::collection::vec((0..4u8, "[a-z]{0,300}", proptest::collection::vec(any::<u8>(), 1..200)), 1..12),
            at_a_time in 1..600usize,
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            let (mut offset, mut first) = (100, 0);
            for (kind, name, junk) in parts {
                let mut part = frame(first, &name);
                let head = Head::read(part.first_chunk().unwrap()).unwrap();
                let piece = match kind {
                    // A mark alone makes no frame.
                    0 => { part = [&MARK, &junk[..]].concat(); Piece::Damage(part.len() as u64, None) }
                    1 => { part[HEAD + 4] ^= 1; first += 2; Piece::Damage(part.len() as u64, Some(head)) }
                    _ => { first += 2; Piece::Frame(head) }
                };
                let length = part.len() as u64;
                bytes.extend(part);
                match (expected.last_mut(), piece) {
                    (Some((_, Piece::Damage(before, None))), Piece::Damage(more, None)) => *before += more,
                    (_, piece) => expected.push((offset, piece)),
                }
                offset += length;
            }
            // The end is never junk, which could look like the beginning of a frame.
            expected.push((offset, Piece::Frame(Head::read(frame(first, "z").first_chunk().unwrap()).unwrap())));
            bytes.extend(frame(first, "z"));
            prop_assert_eq!(pieces(&bytes, at_a_time), expected);
        }
    }

    #[test]
    fn a_frame_that_the_file_ends_in_is_torn_and_no_other() {
        let good = frame(7, "a name");
        for end in 1..good.len() {
            assert_eq!(pieces(&good[..end], 9), [(100, Piece::Torn(end as u64))]);
        }
        assert_eq!(pieces(b"\xf5En!", 9), [(100, Piece::Damage(4, None))]);
        assert_eq!(pieces(&[0; 64], 9), [(100, Piece::Damage(64, None))]);
        assert_eq!(pieces(b"", 9), []);
    }

    #[test]
    fn no_head_asks_for_more_than_a_frame_can_have() {
        let head = Head { first: 0, entries: 1, length: u32::MAX, checksum: 0 };
        assert_eq!(Head::read(&head.to_bytes()), None);
        let most = Head { length: LONGEST as u32, ..head };
        assert_eq!(Head::read(&most.to_bytes()), Some(most));
    }
}
