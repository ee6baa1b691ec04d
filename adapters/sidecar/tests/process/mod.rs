//! The program as a process of its own, on a settings file, with a log and a cloud of its own.

pub mod ending;
pub mod flags;
pub mod shell;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use entente_schemas::event::Event;
use entente_sidecar::account::Listen;
use rustix::process::{Pid, Signal, kill_process};

use crate::cloud::double::Cloud;
use crate::world::{Caller, GUARD, World};

/// Set where this test is to be the program.
pub const PROGRAM: &str = "ENTENTE_TEST_PROGRAM";

/// The program with these flags, untouched by what is set around the test.
pub fn program() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ENTENTE_")) {
        command.env_remove(name);
    }
    command.env(PROGRAM, "1").stdin(Stdio::null());
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A log, a cloud, and the program between them.
pub struct Stage {
    pub world: World,
    _cloud: Cloud,
    pub address: SocketAddr,
    child: Option<Child>,
}

impl Stage {
    pub async fn new() -> Self {
        let (world, cloud) = (World::new().await, Cloud::start().await);
        // A probe must know the port, so that it cannot be one that the program chooses.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let tables = format!("[endpoints]\nacme = \"{}\"\n[feeds.acme-vm]\nguest_signal = true\n", cloud.url);
        let stage = Self { world, _cloud: cloud, address, child: None };
        std::fs::write(stage.settings(), stage.world.text(&address.to_string(), &tables)).unwrap();
        stage
    }

    fn settings(&self) -> PathBuf {
        self.world.folder.path().join("acme.toml")
    }

    /// The program on the settings.
    pub fn command(&self) -> Command {
        let mut command = program();
        command.arg("--config").arg(self.settings());
        command
    }

    pub fn launch(&mut self) {
        self.child = Some(self.command().stderr(Stdio::piped()).spawn().unwrap());
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) -> Caller {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "it has ended: {}", text(&self.ended().stderr));
            assert!(began.elapsed() < GUARD, "it does not listen");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let caller = Caller::new(&Listen::Port(self.address), self.world.token());
        caller.ready_with(|ready| ready["ready"] == true).await;
        caller
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.as_ref().unwrap().id()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> Output {
        let ended = self.child.take().unwrap().wait_with_output().unwrap();
        let told = text(&ended.stderr);
        assert!(Cloud::secrets().iter().all(|secret| !told.contains(secret)), "{told}");
        ended
    }

    /// Ends it in order.
    pub fn end(&mut self) {
        self.signal(Signal::TERM);
        let ended = self.ended();
        assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).unwrap();
        }
    }
}

pub fn pid(id: u32) -> Pid {
    Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

/// How often something was said of an object of the own organisation.
pub fn said(log: &[Event], object: &str) -> usize {
    let id = format!("bank:{object}");
    log.iter().filter(|event| event.claim.header.object_id == id).count()
}
