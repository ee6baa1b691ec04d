//! A sidecar as its operators run it: the real program with a settings file and a data folder of its own, started, killed and
//! started again.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::ended::ended;
use crate::up::{newest_source, profile};

/// A sidecar and its folder, which outlives it.
pub struct Sidecar {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    environment: Vec<(String, String)>,
    child: Option<Child>,
}

/// The program `entente-<name>` of this checkout. It is not built here, since that of one adapter takes minutes: where it is
/// absent or older than what it is made of the reason is printed, and with CI set that is a failure.
///
/// # Panics
/// With CI set, if it is not there.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let program = folder().join(format!("entente-{name}"));
    let own = format!("adapters/{name}");
    let parts = [own.as_str(), "adapters/sidecar", "adapters/ledger", "bus/journal", "schemas"];
    let reason = match std::fs::metadata(&program).and_then(|file| file.modified()) {
        Ok(built) if built >= newest_source(&parts) => return Some(program),
        Ok(_) => "is older than a source",
        Err(_) => "is not built",
    };
    let what = format!("entente-{name} {reason}; cargo build --package entente-{name} brings it");
    assert!(std::env::var_os("CI").is_none(), "{what}");
    println!("skipped: {what}");
    None
}

/// Where cargo leaves sidecars: a test runs those of its own profile, a benchmark those that operators build.
fn folder() -> PathBuf {
    if measured() { profile().with_file_name("sidecar") } else { profile() }
}

fn measured() -> bool {
    profile().ends_with("release")
}

/// Builds the program as `program` finds it; that of AWS takes minutes.
///
/// # Panics
/// If it cannot be built.
pub fn build(name: &str) {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--package", &format!("entente-{name}"), "--bins"]).current_dir(crate::data::root());
    if measured() {
        build.args(["--profile", "sidecar"]);
    }
    assert!(build.status().expect("cargo runs").success(), "entente-{name} cannot be built");
}

impl Sidecar {
    /// A sidecar on these settings, to which the folder's own are added: where it keeps its data and answers. Its
    /// environment is empty but for these variables, so that no account of this machine is asked.
    #[must_use]
    pub fn prepare(name: &str, settings: &str, environment: &[(&str, &str)]) -> Option<Self> {
        let program = program(name)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a free port").port();
        let data = folder.path().join("data");
        let own = format!("data = {:?}\nlisten = \"127.0.0.1:{port}\"\n", data.display().to_string());
        std::fs::write(folder.path().join("sidecar.toml"), format!("{own}{settings}")).expect("settings");
        let environment = environment.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        Some(Self { program, folder, port, environment, child: None })
    }

    /// Starts it; what it says is appended to its log.
    pub fn launch(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let child = self.command().stdout(log.try_clone().expect("a second handle")).stderr(log).spawn();
        self.child = Some(child.expect("a sidecar starts"));
    }

    /// Runs it with a flag to its end, and gives what it printed and its exit code.
    #[must_use]
    pub fn ask(&self, flag: &str) -> (String, Option<i32>) {
        let output = self.command().arg(flag).output().expect("a sidecar runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (text, output.status.code())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.folder.path().join("sidecar.toml"));
        command.env_clear().envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.env("HOME", self.folder.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    /// The address that it answers at.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Whether it has ended by itself.
    pub fn exited(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().ok().flatten().is_some())
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends it as a service manager does and waits for it.
    pub async fn stop(&mut self) -> Option<i32> {
        let child = self.child.take()?;
        ended(child, Signal::TERM, || self.log()).await
    }

    /// The folder of its settings.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        self.kill();
    }
}
