//! `entente up` as its users run it: the real binary, its own nats-server, a data folder of its own, killed and started
//! again at will.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::ended::ended;

/// How long anything may take before a test gives up; far above what it takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running `entente up` and its data folder, which outlives it.
pub struct Up {
    child: Option<Child>,
    data: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    address: String,
    client: reqwest::Client,
}

/// The `entente` program of this checkout, built where it is absent or older than a source: `cargo test` of this package
/// alone builds no other package's program, and a test of an old one says nothing.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn program() -> PathBuf {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let profile = profile();
        let program = profile.join("entente");
        let built = std::fs::metadata(&program).and_then(|file| file.modified());
        if built.is_err() || built.is_ok_and(|built| newest_source(&["adapters", "bus", "schemas"]) > built) {
            build(profile.ends_with("release"));
        }
        program
    });
    PROGRAM.clone()
}

/// The folder that programs of this build are put into.
pub(crate) fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    test.parent().and_then(Path::parent).expect("target/<profile>/deps").to_owned()
}

fn build(release: bool) {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--package", "entente-cli", "--bin", "entente"]).current_dir(crate::data::root());
    if release {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "entente cannot be built");
}

/// When a file of these folders, or of what the whole workspace is made by, was last written.
pub(crate) fn newest_source(folders: &[&str]) -> SystemTime {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| crate::data::root().join(folder)).collect();
    let written = |file: &str| std::fs::metadata(crate::data::root().join(file)).and_then(|file| file.modified());
    let mut newest = written("Cargo.toml").expect("the manifest").max(written("Cargo.lock").expect("the lock file"));
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            if kind.is_dir() && !["tests", "docs"].iter().any(|aside| path.ends_with(aside)) {
                open.push(path);
            } else if kind.is_file() {
                newest = newest.max(entry.metadata().and_then(|file| file.modified()).expect("a time"));
            }
        }
    }
    newest
}

impl Up {
    /// Starts with these arguments beside a data folder and a free port; waits until the address answers.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    /// Starts with environment variables as well.
    pub async fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut up = Self::prepare(arguments, environment);
        up.launch().await;
        up
    }

    /// Everything but the process.
    #[must_use]
    pub fn prepare(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        // The provider of TLS is the process's choice: the client needs one although nothing here is encrypted.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self {
            child: None,
            data: tempfile::tempdir().expect("a temporary folder"),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            environment: environment.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect(),
            address: String::new(),
            client: reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client"),
        }
    }

    /// Starts the process in its data folder and waits for its address. False if it died first.
    pub async fn try_launch(&mut self, environment: &[(&str, &str)]) -> bool {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let address = self.data.path().join("address");
        let _ = std::fs::remove_file(&address);
        let child = Command::new(program())
            .arg("--data")
            .arg(self.data.path())
            .arg("up")
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(key, value)| (key, value)))
            .envs(environment.iter().copied())
            .args(self.any_port())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("entente starts");
        self.child = Some(child);
        let until = Instant::now() + PATIENCE;
        loop {
            if let Ok(text) = std::fs::read_to_string(&address) {
                self.address = text.trim().to_owned();
                if !self.address.is_empty() {
                    return true;
                }
            }
            if self.exited() {
                return false;
            }
            assert!(Instant::now() < until, "no address in time:\n{}", self.log());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Any free port, unless the arguments name one.
    fn any_port(&self) -> &'static [&'static str] {
        if self.arguments.iter().any(|argument| argument == "--port") { &[] } else { &["--port", "0"] }
    }

    /// Starts the process; it must come up.
    pub async fn launch(&mut self) {
        assert!(self.try_launch(&[]).await, "entente ended at once:\n{}", self.log());
    }

    /// Whether the process has ended by itself.
    pub fn exited(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().ok().flatten().is_some())
    }

    /// Gives other arguments to the next start.
    pub fn rearm(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Ends it as Ctrl-C does and waits for it.
    pub async fn stop(&mut self) -> Option<i32> {
        let child = self.child.take()?;
        ended(child, Signal::INT, || self.log()).await
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The console's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    fn log_path(&self) -> PathBuf {
        self.data.path().join("up.log")
    }

    /// What the process printed.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// A page or an answer, whatever its status.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("{}{path}", self.address)).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()));
        (answer.status(), answer.text().await.expect("a body"))
    }

    /// An answer of the API.
    pub async fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
    }

    /// Publishes a claim and gives the answer.
    pub async fn publish(&self, request: &Value) -> Value {
        let token = std::fs::read_to_string(self.data.path().join("token")).expect("the token");
        let post = self.client.post(format!("{}/v1/claims", self.address)).bearer_auth(token.trim()).json(request);
        let answer = post.send().await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
        let (status, body) = (answer.status(), answer.text().await.expect("a body"));
        assert_eq!(status, StatusCode::CREATED, "{body}\n{request}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// The picture, once it fits.
    pub async fn picture_when(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let picture = self.json("/v1/picture").await;
            if fits(&picture) {
                return picture;
            }
            assert!(Instant::now() < until, "{what}: {}\n{}", picture["totals"], self.log());
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The picture after nothing has been logged for as long as `still`.
    pub async fn picture_at_rest(&self, still: Duration) -> Value {
        let (mut picture, mut since) = (self.json("/v1/picture").await, Instant::now());
        while since.elapsed() < still {
            sleep(Duration::from_millis(200)).await;
            let next = self.json("/v1/picture").await;
            if next["as_of"] != picture["as_of"] {
                (picture, since) = (next, Instant::now());
            }
        }
        picture
    }

    /// Revisions and objects of a family in the log, read page by page.
    pub async fn logged(&self, family: &str) -> (usize, usize) {
        let (mut revisions, mut objects, mut before) = (0, BTreeSet::new(), String::new());
        loop {
            let page = self.json(&format!("/v1/events?family={family}&limit=200{before}")).await;
            let events = page["events"].as_array().expect("a list");
            revisions += events.len();
            objects.extend(events.iter().filter_map(|line| line["object_id"].as_str().map(str::to_owned)));
            match page["next_before"].as_u64() {
                Some(next) => before = format!("&before={next}"),
                None => return (revisions, objects.len()),
            }
        }
    }

    /// Runs a subcommand on the same data folder.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(program()).arg("--data").arg(self.data.path()).args(arguments).output().expect("entente runs")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if let Some(child) = &self.child
            && let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw)
        {
            // Its nats-server must end with it, so it is asked first.
            let _ = kill_process(pid, Signal::TERM);
            std::thread::sleep(Duration::from_millis(300));
        }
        self.kill();
    }
}

/// The nats-server that is a child of this process.
#[must_use]
pub fn nats_server_of(parent: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    pids.find(|pid| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.starts_with("Name:\tnats-server") && status.lines().any(|line| line == format!("PPid:\t{parent}"))
    })
}
