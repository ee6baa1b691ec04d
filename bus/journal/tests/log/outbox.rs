//! The outbox by itself: what it takes, what it refuses, what it remembers, what it does with a damaged file.

use std::collections::BTreeSet;
use std::fs;

use entente_journal::{Identity, Outbox, OutboxError, OutboxOptions};
use entente_schemas::event::{CHAIN_START, Event, chain_hash};
use entente_schemas::tlp::Tlp;

use crate::trial::{note, notes, scope, try_offer};

struct Place {
    dir: tempfile::TempDir,
    identity: Identity,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let identity = Identity::open(&dir.path().join("key")).unwrap();
        Self { dir, identity }
    }

    fn options(&self) -> OutboxOptions {
        OutboxOptions {
            dir: self.dir.path().to_owned(),
            org: "local".to_owned(),
            feed: "desk".to_owned(),
            scope: scope(),
            identity: self.identity.clone(),
            capacity_bytes: OutboxOptions::CAPACITY,
        }
    }

    fn open(&self) -> Outbox {
        Outbox::open(self.options()).unwrap()
    }

    fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("local.desk.test.all.redb")
    }
}

#[tokio::test]
async fn sequence_and_chain_go_on_after_reopening() {
    let place = Place::new();
    let outbox = place.open();
    let instance = outbox.source().instance.clone();
    let placed = outbox.offer(notes(1..4)).await.unwrap();
    assert_eq!(placed.iter().map(|one| one.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    drop(outbox);

    let outbox = place.open();
    assert_eq!(outbox.source().instance, instance);
    assert_eq!(outbox.backlog().events, 3);
    outbox.offer(notes(4..6)).await.unwrap();
    let mut prevhash = CHAIN_START.to_owned();
    for (index, said) in outbox.said().unwrap().iter().enumerate() {
        let event = Event::read(&said.payload).unwrap();
        assert_eq!((event.sequence, &event.prevhash), (index as u64 + 1, &prevhash));
        assert_eq!(event.source, *outbox.source());
        prevhash = chain_hash(&said.payload);
    }
}

#[tokio::test]
async fn an_event_id_is_taken_once_also_within_one_offer_and_after_reopening() {
    let place = Place::new();
    let outbox = place.open();
    let placed = outbox.offer(vec![note(1, 1), note(2, 1), note(1, 1)]).await.unwrap();
    let seen: Vec<(u64, bool)> = placed.iter().map(|one| (one.sequence, one.repeated)).collect();
    assert_eq!(seen, [(1, false), (2, false), (1, true)]);
    drop(outbox);
    let again = place.open().offer(vec![note(2, 1)]).await.unwrap();
    assert_eq!((again[0].sequence, again[0].repeated), (2, true));
}

#[tokio::test]
async fn concurrent_offers_all_get_their_own_sequence() {
    let place = Place::new();
    let outbox = place.open();
    let offers = (0..200).map(|number| {
        let outbox = outbox.clone();
        tokio::spawn(async move { try_offer(&outbox, number).await.unwrap() })
    });
    let mut sequences = BTreeSet::new();
    for offer in offers.collect::<Vec<_>>() {
        sequences.insert(offer.await.unwrap());
    }
    assert_eq!(sequences, (1..=200).collect());
}

#[tokio::test]
async fn an_offer_is_taken_whole_or_not_at_all() {
    let place = Place::new();
    let outbox = place.open();
    let mut bad = note(2, 1);
    bad.tlp = Tlp::Red;
    let error = outbox.offer(vec![note(1, 1), bad]).await.unwrap_err();
    assert!(matches!(&error, OutboxError::Refused { id, .. } if id == "event-2-1"), "{error}");
    let mut endless = note(3, 1);
    endless.claim.header.rev = 0;
    assert!(matches!(outbox.offer(vec![endless]).await, Err(OutboxError::Refused { .. })));
    assert_eq!(outbox.backlog().events, 0);
    assert_eq!(try_offer(&outbox, 1).await.unwrap(), 1, "the refused offer left no gap");
}

#[tokio::test]
async fn the_last_revision_of_each_object_is_remembered() {
    let place = Place::new();
    let outbox = place.open();
    outbox.offer(vec![note(1, 1), note(1, 3), note(2, 1), note(1, 2)]).await.unwrap();
    drop(outbox);
    let said = place.open().said().unwrap();
    let seen: Vec<(&str, u64, &str)> =
        said.iter().map(|one| (one.object_id.as_str(), one.rev, one.event_id.as_str())).collect();
    assert_eq!(seen, [("local:note-1", 3, "event-1-3"), ("local:note-2", 1, "event-2-1")]);
    assert_eq!(said[0].published_at, Some(crate::trial::time()));
}

#[tokio::test]
async fn a_full_outbox_refuses_with_its_reason_and_keeps_what_it_has() {
    let place = Place::new();
    let outbox = Outbox::open(OutboxOptions { capacity_bytes: 4_000, ..place.options() }).unwrap();
    let mut taken = 0;
    let error = loop {
        match try_offer(&outbox, taken).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(taken > 0 && matches!(error, OutboxError::Full { capacity: 4_000, .. }), "{taken} {error}");
    let backlog = outbox.backlog();
    assert!(backlog.events == taken && backlog.bytes <= 4_000, "{backlog:?}");
}

#[tokio::test]
async fn an_outbox_is_held_by_one_only() {
    let place = Place::new();
    let outbox = place.open();
    let error = Outbox::open(place.options()).unwrap_err();
    assert!(matches!(error, OutboxError::Held(_)), "{error}");
    drop(outbox);
    place.open();
}

#[tokio::test]
async fn an_outbox_stays_with_its_key() {
    let place = Place::new();
    drop(place.open());
    let other = Identity::open(&place.dir.path().join("other")).unwrap();
    let error = Outbox::open(OutboxOptions { identity: other, ..place.options() }).unwrap_err();
    assert!(matches!(error, OutboxError::Foreign { .. }), "{error}");
}

#[test]
fn names_that_fit_no_subject_are_refused() {
    let place = Place::new();
    for feed in ["", "Desk", "a.b", "*", ">", "é", "a b", "../x"] {
        let error = Outbox::open(OutboxOptions { feed: feed.to_owned(), ..place.options() }).unwrap_err();
        assert!(matches!(error, OutboxError::Name { place: "feed", .. }), "{feed}: {error}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_told_and_never_sent() {
    let place = Place::new();
    let outbox = place.open();
    outbox.offer(notes(0..20)).await.unwrap();
    drop(outbox);
    let good = fs::read(place.file()).unwrap();
    let text = b"note 7, revision 1";
    let mut flipped = good.clone();
    let mut found = 0;
    for start in 0..flipped.len() - text.len() {
        if &flipped[start..start + text.len()] == text {
            flipped[start + 5] ^= 1;
            found += 1;
        }
    }
    assert!(found > 0, "the event's text stands in the file");
    let zeroed = {
        let mut bytes = good.clone();
        bytes[..64].fill(0);
        bytes
    };
    let cut = good[..good.len() / 3].to_vec();
    for (what, bytes) in [("flipped", flipped), ("zeroed", zeroed), ("cut", cut), ("text", b"not a database".to_vec())]
    {
        fs::write(place.file(), bytes).unwrap();
        let error = Outbox::open(place.options()).unwrap_err();
        assert!(matches!(error, OutboxError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("move the file away"), "{error}");
    }
    fs::write(place.file(), good).unwrap();
    assert_eq!(place.open().backlog().events, 20);
}

#[tokio::test]
async fn whichever_byte_rots_an_outbox_opens_rightly_or_says_what_is_wrong() {
    let place = Place::new();
    let outbox = place.open();
    outbox.offer(notes(0..3)).await.unwrap();
    let said = outbox.said().unwrap();
    drop(outbox);
    let good = fs::read(place.file()).unwrap();
    let used: Vec<usize> = (0..good.len()).filter(|at| good[*at] != 0).collect();
    let (mut told, mut unharmed) = (0, 0);
    for at in used.iter().step_by(used.len() / 150 + 1) {
        let mut bytes = good.clone();
        bytes[*at] ^= 0x10;
        fs::write(place.file(), bytes).unwrap();
        match Outbox::open(place.options()).and_then(|outbox| outbox.said()) {
            Ok(found) => {
                assert!(found.iter().all(|one| said.iter().any(|other| one.payload == other.payload)), "byte {at}");
                unharmed += 1;
            }
            Err(OutboxError::Damaged { .. } | OutboxError::Foreign { .. }) => told += 1,
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    println!("{told} flipped bytes were told, {unharmed} did no harm to an event");
    assert!(told > 0);
}
