//! Erasing: what a valid retraction names leaves the log and the disk, and excuses exactly that when the log is verified.

use std::fs;
use std::path::Path;

use entente_journal::{EraseError, Outbox, OutboxOptions, Report, erase, name_target, verify};
use entente_schemas::event::{Draft, Event};
use entente_schemas::family::{Body, Retraction, RetractionReason, Scope as Reach};
use entente_schemas::speaker::Role;
use tokio_util::sync::DropGuard;

use crate::trial::{Trial, note, notes, scope, settled, soon};

/// A log with so many notes of one desk, and its outbox, which is pumped until the guard is dropped.
async fn said(count: u64) -> (Trial, Outbox, DropGuard) {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    let pump = trial.pump(&outbox);
    outbox.offer(notes(1..count + 1)).await.unwrap();
    settled(&outbox).await;
    (trial, outbox, pump)
}

/// Withdraws the `target`th note of an outbox, as an event of its own.
fn withdrawal(number: u64, target: u64, of: &Outbox, reason: RetractionReason) -> Draft {
    let mut draft = note(number, 1);
    draft.claim.body = Body::Retraction(Retraction {
        target: format!("event-{target}-1"),
        target_object: format!("local:note-{target}"),
        target_rev: 1,
        target_source: of.source().to_string(),
        target_sequence: None,
        target_hash: None,
        target_signature: None,
        scope: Reach::Revision,
        reason,
        text: None,
        replacement: None,
    });
    draft
}

fn retraction(draft: &mut Draft) -> &mut Retraction {
    let Body::Retraction(retraction) = &mut draft.claim.body else { panic!("a retraction") };
    retraction
}

pub async fn named(trial: &Trial, number: u64, target: u64, of: &Outbox) -> Draft {
    let mut draft = withdrawal(number, target, of, RetractionReason::Legal);
    name_target(&trial.bus, &scope(), retraction(&mut draft)).await.unwrap();
    draft
}

async fn report(trial: &Trial) -> Report {
    soon(verify(&trial.bus, &scope())).await.unwrap()
}

/// The last event of the log.
pub async fn last(trial: &Trial) -> Event {
    Event::read(&trial.records().await.last().unwrap().payload).unwrap()
}

async fn offer(outbox: &Outbox, draft: Draft) {
    outbox.offer(vec![draft]).await.unwrap();
    settled(outbox).await;
}

/// Deletes a message as an operator might, for no reason that the log knows.
async fn delete(trial: &Trial, sequence: u64) {
    let body = format!("{{\"seq\":{sequence}}}");
    let answer = trial.raw().await.request("$JS.API.STREAM.MSG.DELETE.A_test_all", body.into()).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.payload).contains("\"success\":true"));
}

fn stands_in(folder: &Path, text: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return stands_in(&path, text);
        }
        // The server may remove a file between its listing and its reading.
        fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text))
    })
}

async fn on_disk(trial: &Trial, text: &str, expected: bool) {
    let folder = trial.dir.path().join("nats").join("js");
    soon(async {
        while stands_in(&folder, text.as_bytes()) != expected {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_event_leaves_log_and_disk_and_the_log_is_sound_across_it() {
    let (trial, outbox, _pump) = said(3).await;
    on_disk(&trial, "note 2, revision 1", true).await;
    let draft = named(&trial, 9, 2, &outbox).await;
    offer(&outbox, draft).await;
    let found = report(&trial).await;
    assert_eq!((found.unerased, found.erased, found.is_clean()), (1, 0, false), "{found:?}");

    let event = last(&trial).await;
    assert_eq!(erase(&trial.bus, &scope(), &event).await.unwrap(), [2]);
    assert!(erase(&trial.bus, &scope(), &event).await.unwrap().is_empty(), "once is enough");
    on_disk(&trial, "note 2, revision 1", false).await;
    let found = report(&trial).await;
    assert_eq!((found.missing, found.erased, found.gaps, found.unerased), (1, 1, 0, 0), "{found:?}");
    assert!(found.is_clean(), "{found:?}");

    // The end of a chain has no successor that would agree.
    offer(&outbox, note(5, 1)).await;
    let other = trial.outbox("other");
    let _others = trial.pump(&other);
    let draft = named(&trial, 10, 5, &outbox).await;
    offer(&other, draft).await;
    assert_eq!(erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap(), [5]);
    let found = report(&trial).await;
    assert!(found.is_clean() && found.erased == 2, "another feed of the organisation reaches: {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coordinators_retraction_withdraws_and_erases_nothing() {
    let (trial, outbox, _pump) = said(2).await;
    let rival = rival(&trial);
    let _rivals = trial.pump(&rival);
    let mut draft = named(&trial, 9, 2, &outbox).await;
    draft.claim.header.speaker.role = Role::Coordinator;
    offer(&rival, draft).await;
    assert!(erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap().is_empty());
    let found = report(&trial).await;
    assert!(found.is_clean() && found.erased == 0, "{found:?}");
}

fn rival(trial: &Trial) -> Outbox {
    Outbox::open(OutboxOptions { org: "rival".to_owned(), ..trial.options("desk") }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retraction_excuses_the_one_event_that_it_names() {
    let (trial, outbox, _pump) = said(4).await;
    let draft = named(&trial, 9, 2, &outbox).await;
    offer(&outbox, draft).await;
    delete(&trial, 3).await;
    let found = report(&trial).await;
    assert_eq!((found.missing, found.gaps, found.erased), (1, 1, 0), "another is missing: {found:?}");
    erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap();
    let found = report(&trial).await;
    assert_eq!((found.missing, found.gaps, found.erased), (2, 1, 1), "{found:?}");
    assert!(found.problems.iter().any(|text| text.contains("sequence 3 is missing")), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rivals_retraction_excuses_and_erases_nothing() {
    let (trial, outbox, _pump) = said(3).await;
    let rival = rival(&trial);
    let _rivals = trial.pump(&rival);
    let draft = named(&trial, 9, 2, &outbox).await;
    offer(&rival, draft).await;
    assert!(erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap().is_empty());
    assert!(report(&trial).await.is_clean(), "it stands there and does nothing");
    delete(&trial, 2).await;
    let found = report(&trial).await;
    assert_eq!((found.missing, found.gaps, found.erased), (1, 1, 0), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retraction_that_names_other_bytes_breaks_the_chain() {
    let (trial, outbox, _pump) = said(3).await;
    let mut draft = named(&trial, 9, 2, &outbox).await;
    retraction(&mut draft).target_hash = Some("0123456789abcdef".repeat(4));
    offer(&outbox, draft).await;
    assert!(erase(&trial.bus, &scope(), &last(&trial).await).await.unwrap().is_empty());
    delete(&trial, 2).await;
    let found = report(&trial).await;
    assert_eq!((found.gaps, found.breaks, found.erased), (1, 1, 0), "{found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_beyond_the_end_of_a_chain_hides_nothing_before_it() {
    let (trial, outbox, _pump) = said(3).await;
    let mut draft = named(&trial, 9, 2, &outbox).await;
    retraction(&mut draft).target_sequence = Some(9);
    offer(&outbox, draft).await;
    let found = report(&trial).await;
    assert_eq!((found.gaps, found.erased), (4, 1), "5 to 8 were never seen: {found:?}");
    assert!(!found.is_clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_to_be_erased_is_named_and_only_from_the_log() {
    let (trial, outbox, _pump) = said(2).await;
    let mut hiding = withdrawal(8, 1, &outbox, RetractionReason::WrongFact);
    let before = hiding.clone();
    name_target(&trial.bus, &scope(), retraction(&mut hiding)).await.unwrap();
    assert_eq!(hiding, before);
    let mut unknown = withdrawal(9, 7, &outbox, RetractionReason::Unauthorized);
    let error = name_target(&trial.bus, &scope(), retraction(&mut unknown)).await.unwrap_err();
    assert!(matches!(error, EraseError::Absent(event) if event == "event-7-1"));

    let named = named(&trial, 10, 2, &outbox).await;
    let record = &trial.records().await[1];
    let Body::Retraction(body) = &named.claim.body else { panic!("a retraction") };
    assert_eq!(body.target_sequence, Some(2));
    assert_eq!(body.target_hash, Some(entente_schemas::event::chain_hash(&record.payload)));
    assert_eq!(body.target_signature.as_ref(), Some(&record.signature));
    assert!(named.claim.check().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_before_its_sender_heard_that_it_was_stored_does_not_come_back() {
    let trial = Trial::start().await;
    let outbox = trial.outbox("desk");
    outbox.offer(notes(1..2)).await.unwrap();
    let payload = outbox.said().unwrap()[0].payload.clone();
    let signature = trial.identity.sign(&payload);
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Nats-Msg-Id", entente_schemas::event::message_id(&signature));
    let subject = Event::read(&payload).unwrap().expected_subject().unwrap().to_string();
    let request = async_nats::Request::new().headers(headers).payload(payload.to_vec().into());
    trial.raw().await.send_request(subject, request).await.unwrap();
    delete(&trial, 1).await;
    let _pump = trial.pump(&outbox);
    settled(&outbox).await;
    assert!(trial.records().await.is_empty());
}
