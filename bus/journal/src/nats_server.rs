//! The private nats-server of a single machine: found or fetched, started, watched, started again when it dies, stopped.
//!
//! Two servers run on one folder without a word, so the data folder is locked here first. The lock file holds the
//! server's process id: what a killed process left running is ended before a new one starts.

mod address;
mod child;
mod lock;
mod program;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::fetch::FetchError;
use child::{Keeper, Launch};

/// How long a started server may take until it answers.
const READY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How to run nats-server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// The data folder: store, configuration, log and lock; one server at a time.
    pub data: PathBuf,
    /// The program, where it is not to be looked for.
    pub binary: Option<PathBuf>,
    /// Where a fetched program is kept.
    pub cache: PathBuf,
    /// Whether it may be fetched.
    pub fetch: bool,
    /// Sync every write to disk; else every 10 s, which a power cut may cost.
    pub durable: bool,
    /// Public NKeys of the users of the account HUB.
    pub users: Vec<String>,
}

/// A running nats-server. Dropping it ends the server too, without waiting for clients.
pub struct NatsServer {
    keeper: Arc<Keeper>,
    url: String,
    _lock: lock::Lock,
}

/// Why no server runs.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// There is no program, and none could be brought.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The program that was named cannot be used.
    #[error("{path} cannot be used as nats-server: {reason}; name another with --nats-server, or leave the option out")]
    Program {
        /// The program.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Another process holds the data folder.
    #[error("the data folder {path} is in use by process {holder}; stop that process, or choose another folder")]
    Held {
        /// The folder.
        path: PathBuf,
        /// The process, by the lock file.
        holder: String,
    },
    /// A file or folder cannot be made.
    #[error("{path} cannot be made or read: {source}; check who owns the data folder and whether the disk is full")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A key that is none.
    #[error("`{0}` is no public NKey of a user; expected U and 55 more characters")]
    User(String),
    /// nats-server did not accept its configuration.
    #[error("nats-server does not accept {path}: {reason}; report this, for the file is written by this program")]
    Config {
        /// The file.
        path: PathBuf,
        /// Its words.
        reason: String,
    },
    /// It did not answer in time.
    #[error("nats-server did not become ready within 10 s: {reason}; its own words stand in {log}")]
    NotReady {
        /// What was missing.
        reason: String,
        /// Its log file.
        log: PathBuf,
    },
}

/// What nats-server writes about its own ports.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
    #[serde(default)]
    monitoring: Vec<String>,
}

impl NatsServer {
    /// Brings a server up and waits until it answers; says in single lines what takes its time, and when it has another
    /// address than it had at the last start, which it keeps where it is free. It is started again on the same ports when
    /// it dies.
    ///
    /// # Errors
    /// If there is no program, the folder is in use, or the server does not become ready.
    pub async fn start(options: ServerOptions, say: &(dyn Fn(&str) + Sync)) -> Result<Self, ServerError> {
        for user in &options.users {
            if !user.starts_with('U') || nkeys::from_public_key(user).is_err() {
                return Err(ServerError::User(user.clone()));
            }
        }
        make_folders(&options.data)?;
        let lock = lock::Lock::take(&options.data)?;
        let program = program::find(&options, say).await?;
        let config = options.data.join("nats.conf");
        let before = address::of_last_start(&config);
        let kept = before.as_deref().filter(|listen| address::is_free(listen));
        write_config(&config, &options, (kept.unwrap_or(address::ANY), address::ANY))?;
        program::check_config(&program, &config).await?;
        remove_ports_files(&options.data)?;
        let launch = Launch { program, config: config.clone(), lock: lock.path().to_owned() };
        let keeper = Keeper::start(launch).map_err(|source| ServerError::File { path: config.clone(), source })?;
        let keeper = Arc::new(keeper);
        let (nats, monitoring) = ready(&keeper, &options.data).await?;
        if let Some(before) = before.filter(|before| *before != nats) {
            say(&format!(
                "nats-server had the address {before}, which another program has now; who was given it needs {nats}"
            ));
        }
        // From now on the ports are fixed, so that clients find a server that was started again.
        write_config(&config, &options, (&nats, &monitoring))?;
        Ok(Self { keeper, url: format!("nats://{nats}"), _lock: lock })
    }

    /// Its address for clients, `nats://127.0.0.1:PORT`; the same after it was started again.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Its process, if one runs just now.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        *self.keeper.pid.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks it to end, waits 5 s, then ends it.
    pub async fn stop(self) {
        let keeper = Arc::clone(&self.keeper);
        let ended = tokio::task::spawn_blocking(move || keeper.stop()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "stopping nats-server");
        }
    }
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> ServerError + '_ {
    move |source| ServerError::File { path: path.to_owned(), source }
}

fn make_folders(data: &Path) -> Result<(), ServerError> {
    for folder in [data.to_owned(), data.join("run"), data.join("log"), data.join("js")] {
        fs::create_dir_all(&folder).map_err(file(&folder))?;
    }
    Ok(())
}

fn write_config(path: &Path, options: &ServerOptions, (listen, http): (&str, &str)) -> Result<(), ServerError> {
    let system = crate::Identity::generate().map_err(|reason| ServerError::Config { path: path.to_owned(), reason })?;
    let users: Vec<String> = options.users.iter().map(|user| format!("{{nkey: {user}}}")).collect();
    let data = &options.data;
    let text = format!(
        r#"# Written anew at each start; changes are lost.
server_name: "entente-up"
listen: "{listen}"
http: "{http}"
ports_file_dir: {run}
log_file: {log}
logfile_size_limit: 10MB
max_payload: 128KB
max_connections: 256
max_pending: 32MB
ping_interval: "20s"
jetstream {{
  store_dir: {store}, max_mem: 64MB, max_file: 64GB, sync_interval: "{sync}"
  limits {{ max_ack_pending: 10000, duplicate_window: "10m" }}
}}
system_account: SYS
accounts {{
  SYS {{ users: [{{nkey: {system}}}] }}
  HUB {{ jetstream: enabled, users: [{users}] }}
}}
"#,
        run = quoted(&data.join("run"))?,
        log = quoted(&data.join("log").join("nats.log"))?,
        store = quoted(&data.join("js"))?,
        sync = if options.durable { "always" } else { "10s" },
        system = system.public(),
        users = users.join(", "),
    );
    fs::write(path, text).map_err(file(path))
}

/// A path as a string of the configuration, whatever characters it has.
fn quoted(path: &Path) -> Result<String, ServerError> {
    let text = path.to_str().filter(|text| !text.chars().any(|c| c.is_control() || c == '"' || c == '\\'));
    let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "a path with quotes, backslashes or controls");
    text.map(|text| format!("\"{text}\"")).ok_or_else(|| file(path)(unfit()))
}

fn remove_ports_files(data: &Path) -> Result<(), ServerError> {
    let run = data.join("run");
    for entry in fs::read_dir(&run).map_err(file(&run))?.flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "ports") {
            fs::remove_file(entry.path()).map_err(file(&entry.path()))?;
        }
    }
    Ok(())
}

/// Waits for the ports file, then for a good answer about health. Gives host and port of both listeners.
async fn ready(keeper: &Keeper, data: &Path) -> Result<(String, String), ServerError> {
    let (until, log) = (Instant::now() + READY, data.join("log").join("nats.log"));
    let mut reason = "it wrote no ports file".to_owned();
    while Instant::now() < until {
        if let Some(failure) = keeper.failure() {
            reason = failure;
            break;
        }
        if let Some((nats, monitoring)) = read_ports(&data.join("run")) {
            match healthy(&monitoring).await {
                Ok(()) => return Ok((nats, monitoring)),
                Err(error) => reason = format!("it is not healthy: {error}"),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    keeper.stop();
    Err(ServerError::NotReady { reason, log })
}

fn read_ports(run: &Path) -> Option<(String, String)> {
    let files = fs::read_dir(run).ok()?.flatten();
    let mut texts = files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "ports"));
    let ports: Ports = serde_json::from_str(&fs::read_to_string(texts.next()?.path()).ok()?).ok()?;
    let nats = ports.nats.first()?.strip_prefix("nats://")?.to_owned();
    Some((nats, ports.monitoring.first()?.strip_prefix("http://")?.to_owned()))
}

async fn healthy(monitoring: &str) -> Result<(), reqwest::Error> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    client.get(format!("http://{monitoring}/healthz")).send().await?.error_for_status()?;
    Ok(())
}
