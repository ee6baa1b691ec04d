//! How the program ends: killed amid its work, told to stop in order, told to stop twice.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{Stage, pid, said, text};

/// Reports before each kill.
const BEFORE: usize = 20;

fn statement(number: usize) -> Value {
    let data = json!({"issuer_role": "customer", "category": "statement", "title": "Status"});
    json!({"specversion": "1.0", "id": number.to_string(), "source": "//tool", "type": "io.entente.advisory.v1",
        "subject": format!("statement-{number}"), "data": data})
}

pub async fn a_kill_costs_nothing_that_was_answered() {
    let mut stage = Stage::new().await;
    let mut next = 0;
    for _ in 0..3 {
        stage.launch();
        let caller = stage.ready().await;
        for _ in 0..BEFORE {
            let (status, told) = caller.event(&statement(next)).await;
            assert!(matches!(status, 200 | 202), "{told}");
            next += 1;
        }
        // One more is under way while it is killed: taken or not, only an answer tells.
        let under_way = statement(next);
        let cut = tokio::spawn(async move { caller.tried("application/cloudevents+json", &under_way).await });
        tokio::task::yield_now().await;
        stage.signal(Signal::KILL);
        stage.ended();
        // What was answered is not sent again; what was not, is.
        next += usize::from(cut.await.unwrap().is_some_and(|status| matches!(status, 200 | 202)));
    }
    stage.launch();
    let caller = stage.ready().await;
    assert!(matches!(caller.event(&statement(next)).await.0, 200 | 202));
    let once = |log: &[_]| (0..=next).all(|number| said(log, &format!("statement-{number}")) == 1);
    stage.world.log_with(once).await;
    stage.end();
    assert!(once(&stage.world.log().await));
}

/// A process that is stopped as long as this is.
struct Frost(Pid);

impl Frost {
    /// Stops it, and waits until each of its threads stands still.
    async fn over(id: u32) -> Self {
        kill_process(pid(id), Signal::STOP).unwrap();
        let running = |thread: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
            !stat.rsplit_once(") ").unwrap().1.starts_with('T')
        };
        while std::fs::read_dir(format!("/proc/{id}/task")).unwrap().any(running) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        Self(pid(id))
    }
}

impl Drop for Frost {
    fn drop(&mut self) {
        kill_process(self.0, Signal::CONT).unwrap();
    }
}

pub async fn it_ends_in_order() {
    let mut stage = Stage::new().await;
    stage.launch();
    let caller = stage.ready().await;
    let frost = Frost::over(stage.world.nats.pid().unwrap()).await;
    let taken = caller.event(&statement(1)).await;
    stage.signal(Signal::TERM);
    let ended = stage.ended();
    drop(frost);
    let told = text(&ended.stderr);
    assert_eq!((taken.0, ended.status.code()), (202, Some(0)), "{told}");
    assert!(told.contains("ending in order") && told.contains("1 events wait in"), "{told}");
    assert!(told.contains("sent at the next start"), "{told}");
    assert!(told.contains("the feed is live feed=acme-vm"), "{told}");
    stage.launch();
    stage.ready().await;
    stage.world.log_with(|log| said(log, "statement-1") == 1).await;
    stage.signal(Signal::INT);
    let ended = stage.ended();
    let told = text(&ended.stderr);
    assert!(ended.status.code() == Some(0) && !told.contains("events wait"), "{told}");
}
