//! The private nats-server: one per folder, started again when it dies, gone when stopped, of the right version.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use entente_journal::{Access, Bus, Identity, NatsServer, ServerError};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::trial::{Trial, connect, server_options, soon};

fn process(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_folder_are_refused() {
    let trial = Trial::bare(false).await;
    let options = server_options(trial.dir.path().join("nats"), &trial.identity, false);
    let error = NatsServer::start(options.clone(), &|_| {}).await.err().expect("the folder is held");
    let own = std::process::id().to_string();
    assert!(matches!(&error, ServerError::Held { holder, .. } if *holder == own), "{error}");
    trial.server.stop().await;
    NatsServer::start(options, &|_| {}).await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_comes_back_at_the_same_address() {
    let trial = Trial::start().await;
    let (url, pid) = (trial.server.url(), trial.server.pid().unwrap());
    kill_process(process(pid), Signal::KILL).unwrap();
    soon(async {
        while trial.server.pid().is_none_or(|now| now == pid) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(trial.server.url(), url);
    soon(async {
        while trial.bus.apply(&crate::trial::scope()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_gone_and_its_data_is_there_at_the_next_start() {
    let trial = Trial::start().await;
    let (pid, url) = (trial.server.pid().unwrap(), trial.server.url());
    trial.bus.close().await;
    let options = server_options(trial.dir.path().join("nats"), &trial.identity, true);
    trial.server.stop().await;
    assert!(test_kill_process(process(pid)).is_err());
    let server = NatsServer::start(options.clone(), &|_| {}).await.unwrap();
    assert_eq!(server.url(), url, "who was given the address finds the server again");
    let bus = connect(&server.url(), &trial.identity).await;
    bus.apply(&crate::trial::scope()).await.unwrap();
    bus.close().await;
    server.stop().await;

    let _taken = std::net::TcpListener::bind(url.trim_start_matches("nats://")).unwrap();
    let said = std::sync::Mutex::new(Vec::new());
    let server = NatsServer::start(options, &|text| said.lock().unwrap().push(text.to_owned())).await.unwrap();
    let (said, moved) = (said.lock().unwrap().concat(), server.url());
    assert!(moved != url && said.contains(url.trim_start_matches("nats://")), "{moved} {said}");
    connect(&moved, &trial.identity).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_server_does_not_know_is_told_so_and_how_it_is_made_known() {
    let trial = Trial::bare(false).await;
    let stranger = Identity::open(&trial.dir.path().join("stranger")).unwrap();
    let seed = Some(stranger.seed().to_owned());
    let access = Access { urls: vec![trial.server.url()], seed, name: "stranger".to_owned() };
    let said = Bus::connect(&access).await.unwrap_err().to_string();
    assert!(said.contains("does not know the key") && said.contains("users"), "{said}");
    assert!(said.contains(&stranger.public().to_owned()) && !said.contains("check that it runs"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_does_not_answer_is_not_said_to_lack_jetstream() {
    let trial = Trial::start().await;
    kill_process(process(trial.server.pid().unwrap()), Signal::STOP).unwrap();
    let said = trial.bus.apply(&crate::trial::scope()).await.unwrap_err().to_string();
    kill_process(process(trial.server.pid().unwrap()), Signal::CONT).unwrap();
    assert!(said.contains("does not answer") && said.contains("check that it runs"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_left_over_server_is_ended_and_a_stranger_with_its_number_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::open(&dir.path().join("key")).unwrap();
    let data = dir.path().join("nats");
    let options = server_options(data.clone(), &identity, false);
    NatsServer::start(options.clone(), &|_| {}).await.unwrap().stop().await;

    let mut stranger = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    std::fs::write(data.join("lock"), format!("1\n{}\n", stranger.id())).unwrap();
    NatsServer::start(options.clone(), &|_| {}).await.unwrap().stop().await;
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger runs");

    let program = nats_server_program();
    let mut left_over = std::process::Command::new(program).arg("-c").arg(data.join("nats.conf")).spawn().unwrap();
    std::fs::write(data.join("lock"), format!("1\n{}\n", left_over.id())).unwrap();
    // Somebody has to take note of its end, or it stays in the table of processes.
    let reaper = std::thread::spawn(move || left_over.wait().unwrap());
    let server = NatsServer::start(options, &|_| {}).await.unwrap();
    assert!(reaper.is_finished() || reaper.join().is_ok());
    server.stop().await;
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// The program that the harness runs, looked for in the same order.
fn nats_server_program() -> std::path::PathBuf {
    if let Some(named) = std::env::var_os("ENTENTE_NATS_SERVER") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|file| file.is_file());
    on_path.unwrap_or_else(|| entente_journal::cache_folder().unwrap().join("nats-server-2.15.1"))
}

#[tokio::test]
async fn an_old_program_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::open(&dir.path().join("key")).unwrap();
    for (says, expected) in [("nats-server: v2.9.10", "2.12.1"), ("hello", "version")] {
        let program = dir.path().join("old");
        std::fs::write(&program, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut options = server_options(dir.path().join("nats"), &identity, false);
        options.binary = Some(program);
        let error = NatsServer::start(options, &|_| {}).await.err().expect("it is too old");
        assert!(matches!(&error, ServerError::Program { .. }) && error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_key_that_is_none_never_reaches_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let identity = Identity::open(&dir.path().join("key")).unwrap();
    let mut options = server_options(dir.path().join("nats"), &identity, false);
    options.users.push("U\"}]}".to_owned());
    assert!(matches!(NatsServer::start(options, &|_| {}).await.err(), Some(ServerError::User(_))));
}
