//! What verifying finds: a flipped byte, a gap, a break, a wrong key.

use async_nats::HeaderMap;
use entente_journal::{Identity, Report, verify};
use entente_schemas::event::{CHAIN_START, Draft, Place, Source, chain_hash};

use crate::trial::{Trial, note, scope, soon};

struct Forger {
    raw: async_nats::Client,
    source: Source,
}

impl Forger {
    async fn new(trial: &Trial) -> Self {
        let source = Source {
            org: "local".to_owned(),
            feed: "desk".to_owned(),
            instance: "01J3ABCDEFGHJKMNPQRSTVWXYZ".to_owned(),
        };
        Self { raw: trial.raw().await, source }
    }

    fn seal(&self, draft: &Draft, sequence: u64, prevhash: &str) -> Vec<u8> {
        draft.seal(self.place(sequence, prevhash)).unwrap()
    }

    fn place<'a>(&'a self, sequence: u64, prevhash: &'a str) -> Place<'a> {
        Place { source: &self.source, universe: "test", audience: "all", sequence, prevhash }
    }

    async fn send(&self, draft: &Draft, signed: &[u8], sent: &[u8], by: &Identity) {
        let subject = draft.subject(self.place(1, CHAIN_START)).unwrap().to_string();
        let mut headers = HeaderMap::new();
        headers.insert("Entente-Key", by.public());
        headers.insert("Entente-Signature", data_encoding::BASE64URL_NOPAD.encode(&by.sign(signed)));
        let request = async_nats::Request::new().headers(headers).payload(sent.to_vec().into());
        self.raw.send_request(subject, request).await.unwrap();
    }
}

async fn report(trial: &Trial) -> Report {
    soon(verify(&trial.bus, &scope())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_a_gap_a_break_and_a_wrong_key_are_each_found() {
    let trial = Trial::start().await;
    let forger = Forger::new(&trial).await;
    let me = &trial.identity;
    let drafts: Vec<Draft> = (0..8).map(|number| note(number, 1)).collect();
    let one = forger.seal(&drafts[1], 1, CHAIN_START);
    let two = forger.seal(&drafts[2], 2, &chain_hash(&one));
    let three = forger.seal(&drafts[3], 3, &chain_hash(&two));
    // Out of order, as a window and a resend leave them: no fault.
    for (draft, bytes) in [(&drafts[2], &two), (&drafts[1], &one), (&drafts[3], &three)] {
        forger.send(draft, bytes, bytes, me).await;
    }
    assert!(report(&trial).await.is_clean());

    let mut flipped = forger.seal(&drafts[4], 4, &chain_hash(&three));
    let four = flipped.clone();
    let at = four.windows(4).position(|window| window == b"note").unwrap();
    flipped[at] ^= 1;
    forger.send(&drafts[4], &four, &flipped, me).await;
    let found = report(&trial).await;
    assert_eq!((found.records, found.signed, found.refused, found.breaks), (4, 3, 1, 0), "{found:?}");

    let five = forger.seal(&drafts[5], 5, &chain_hash(&four));
    forger.send(&drafts[5], &five, &five, me).await;
    let found = report(&trial).await;
    assert_eq!((found.gaps, found.breaks), (1, 0), "sequence 4 was refused, so it is missing: {found:?}");

    let six = forger.seal(&drafts[6], 6, CHAIN_START);
    forger.send(&drafts[6], &six, &six, me).await;
    assert_eq!(report(&trial).await.breaks, 1);

    let seven = forger.seal(&drafts[7], 7, &chain_hash(&six));
    let other = Identity::open(&trial.dir.path().join("other")).unwrap();
    forger.send(&drafts[7], &seven, &seven, &other).await;
    let found = report(&trial).await;
    assert_eq!((found.foreign_keys, found.sources), (1, 1), "{found:?}");

    forger.send(&drafts[3], &three, &three, me).await;
    let found = report(&trial).await;
    assert_eq!((found.repeated, found.breaks), (1, 1), "{found:?}");
    let fork = forger.seal(&note(3, 2), 3, &chain_hash(&two));
    forger.send(&note(3, 2), &fork, &fork, me).await;
    assert_eq!(report(&trial).await.breaks, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_under_anothers_subject_is_refused() {
    let trial = Trial::start().await;
    let forger = Forger::new(&trial).await;
    let bytes = forger.seal(&note(1, 1), 1, CHAIN_START);
    forger.send(&note(2, 1), &bytes, &bytes, &trial.identity).await;
    let found = report(&trial).await;
    assert_eq!((found.signed, found.refused), (0, 1));
    assert!(found.problems[0].contains("belongs under"), "{found:?}");
}
