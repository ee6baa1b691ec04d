//! How the room answers: live, of earlier moments, many at a time, and when an answer fails.

use entente_journal::Audiences;

use super::*;

const STREAM: &str = "A_actual_all";

fn room(complete: u64) -> Arc<Room> {
    let streams = Streams::of("actual", Audiences::default());
    let room = Room::new(streams, Arc::new(Model::v1().unwrap()));
    room.take(STREAM, Batch { records: Vec::new(), complete }, true);
    Arc::new(room)
}

fn at(sequence: Option<u64>) -> When {
    let position = sequence.map(|sequence| Position::of(STREAM, sequence));
    When { position, at: None, now: DateTime::UNIX_EPOCH }
}

fn reached(moment: &mut Moment<'_>) -> u64 {
    moment.position().sequence(STREAM)
}

/// Lets whatever can go on go on.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn earlier_moments_are_folded_two_at_a_time_and_nobody_else_waits() {
    let room = room(9);
    let all = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await.unwrap();
    let asking = |sequence| {
        let room = Arc::clone(&room);
        tokio::spawn(async move { room.look(at(Some(sequence)), reached).await })
    };
    let (waiting, gone) = (asking(3), asking(4));
    settle().await;
    gone.abort();
    for sequence in [None, Some(9)] {
        assert_eq!(room.look(at(sequence), reached).await.unwrap(), 9);
    }
    assert!(!waiting.is_finished());
    drop(all);
    assert_eq!(waiting.await.unwrap().unwrap(), 3);
    // Whoever went away meanwhile keeps no place.
    assert_eq!(room.look(at(Some(5)), reached).await.unwrap(), 5);
    let places = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await;
    assert_eq!(places.unwrap().num_permits(), FOLDS);
}

#[tokio::test]
async fn who_waits_is_bounded_and_who_went_away_is_not_folded_for() {
    let room = room(99);
    let all = room.folds.acquire_many(u32::try_from(FOLDS).unwrap()).await.unwrap();
    let asking = |sequence| {
        let room = Arc::clone(&room);
        tokio::spawn(async move { room.look(at(Some(sequence)), reached).await })
    };
    let most = u64::try_from(FOLDS + WAITING).unwrap();
    let waiting: Vec<_> = (1..=most).map(asking).collect();
    settle().await;
    let refused = asking(50).await.unwrap();
    assert!(matches!(refused, Err(Unanswered::Busy)), "{refused:?}");
    assert_eq!(room.look(at(None), reached).await.unwrap(), 99);
    // One who waits for the same moment as another needs no place, and takes over when that one goes away.
    let (first, same) = (waiting.last().unwrap(), asking(most));
    settle().await;
    assert_eq!(room.places.available_permits(), 0);
    first.abort();
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    settle().await;
    assert_eq!(room.places.available_permits(), FOLDS + WAITING - 1);
    drop(all);
    assert_eq!(same.await.unwrap().unwrap(), most);
    assert_eq!(room.places.available_permits(), FOLDS + WAITING);
    assert_eq!(asking(50).await.unwrap().unwrap(), 50);
}

#[tokio::test]
async fn who_asks_for_one_moment_gets_one_fold() {
    let room = room(9);
    let place = room.folds.acquire_many(u32::try_from(FOLDS).unwrap() - 1).await.unwrap();
    let asked = (0..8).map(|_| room.look(at(Some(3)), |moment| std::ptr::from_ref(moment.state) as usize));
    let found = futures::future::try_join_all(asked).await.unwrap();
    assert!(found.iter().all(|state| *state == found[0]));
    drop(place);
}

#[tokio::test]
async fn a_moment_that_was_live_is_answered_when_the_log_has_gone_on() {
    let room = room(9);
    let past = room.past(&at(Some(9))).await.unwrap();
    assert!(past.is_none());
    room.take(STREAM, Batch { records: Vec::new(), complete: 10 }, true);
    let (look, finish) = (reached, |found: u64| found);
    assert!(room.answer(&at(Some(9)), None, (look, finish)).is_err());
    assert_eq!(room.look(at(Some(9)), reached).await.unwrap(), 9);
}

#[tokio::test]
async fn a_question_that_panics_leaves_the_room_whole() {
    let room = room(1);
    let failed = room.look(at(None), |_| panic!("a mistake in a view")).await;
    assert!(failed.is_err_and(|error: Unanswered| error.to_string().contains("could not be made")));
    assert_eq!(room.look(at(None), reached).await.unwrap(), 1);
}

#[tokio::test]
async fn a_stream_is_lost_since_it_first_was_and_for_the_reason_of_now() {
    let room = room(1);
    let later = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
    room.lost(STREAM, DateTime::UNIX_EPOCH, "nobody answers".into());
    room.lost(STREAM, later, "it was made anew".into());
    let lost = Link::Lost { since: DateTime::UNIX_EPOCH, reason: "it was made anew".into() };
    assert_eq!(room.link(), lost);
    room.take(STREAM, Batch { records: Vec::new(), complete: 1 }, true);
    assert_eq!(room.link(), Link::Live);
}

#[test]
fn a_position_that_was_told_before_keeps_what_is_read_still() {
    const BANKS: &str = "gbbbbbbbbbbbbbbbb";
    let streams = Streams::of("actual", Audiences::default().with("banks", BANKS).unwrap());
    let known = |text: &str| streams.known(&Position::parse(text, STREAM).unwrap()).to_string();
    assert_eq!(known("A_actual_all:3,banks:5"), format!("A_actual_all:3,A_actual_{BANKS}:5"));
    assert_eq!(known("A_actual_all:3,A_actual_gcccccccccccccccc:9"), "3");
    assert_eq!(known("A_actual_gcccccccccccccccc:9"), "9", "of another log, which asks to load anew");
}
