//! What a log tells of its end, before anything is said into it.

use chrono::{TimeDelta, Utc};
use entente_journal::{Clock, Legs, Tips, tip};

use crate::trial::{Trial, note, notes, scope, settled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_tells_its_end_and_is_played_from_there() {
    let trial = Trial::start().await;
    let path = trial.dir.path().join("clock");
    let empty = tip(&trial.bus, &scope()).await.unwrap();
    assert_eq!((empty.sequence, empty.logged), (0, None));
    assert!(empty.offset().abs() < TimeDelta::seconds(5), "one machine has one clock: {empty:?}");
    let outbox = trial.outbox("desk");
    let _pump = trial.pump(&outbox);
    outbox.offer(notes(0..2)).await.unwrap();
    settled(&outbox).await;
    let tip = tip(&trial.bus, &scope()).await.unwrap();
    let last = trial.records().await.pop().unwrap();
    assert_eq!((tip.sequence, tip.logged), (2, Some(last.logged)));

    let tips = Tips::from([(scope().log_stream(), tip)]);
    assert!(Legs::begin(&path, &tips, Clock::shifted(TimeDelta::days(-1))).is_err(), "before what the log holds");
    let tomorrow = Clock::shifted(TimeDelta::days(1));
    let legs = Legs::begin(&path, &tips, tomorrow).unwrap();
    outbox.offer(vec![note(2, 1)]).await.unwrap();
    settled(&outbox).await;
    let shown: Vec<_> = trial.records().await.into_iter().map(|record| legs.dated(record).logged).collect();
    assert!(shown[1] < Utc::now() && shown[2] > Utc::now() && shown[2] <= tomorrow.now() + TimeDelta::milliseconds(1));
}
