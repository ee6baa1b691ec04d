//! The log that a command works on: a nats-server of its own, the one of a running server, or one that is named.

use std::path::Path;
use std::time::{Duration, Instant};

use entente_journal::{Access, Bus, Identity, NatsServer, Scope, ServerError, ServerOptions};

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::say;
use crate::settings::Settings;

/// How long a folder is waited for that another command holds: several that follow each other take their turns.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An open log.
pub struct Log {
    /// The connection.
    pub bus: Bus,
    /// Universe and audience.
    pub scope: Scope,
    /// Who signs.
    pub identity: Identity,
    /// The server's address.
    pub url: String,
    nats: Option<NatsServer>,
}

impl Log {
    /// Starts a nats-server on the data folder and opens its log.
    ///
    /// # Errors
    /// If the server does not start, or does not take us.
    pub async fn own(folder: &Folder, settings: &Settings, say: &(dyn Fn(&str) + Sync)) -> Result<Self, Failure> {
        folder.make()?;
        let identity = open_identity(folder)?;
        let options = || ServerOptions {
            data: folder.path().to_owned(),
            binary: settings.nats_server.clone(),
            cache: folder.cache(),
            fetch: settings.fetch,
            durable: settings.durable,
            users: vec![identity.public().to_owned()],
        };
        let nats = start(folder, options, say).await?;
        let url = nats.url();
        let access = Access { urls: vec![url.clone()], seed: Some(identity.seed().to_owned()), name: "up".to_owned() };
        let scope = Scope::actual();
        match connect(&access, &scope).await {
            Ok(bus) => {
                with_groups(&bus, folder).await;
                Ok(Self { bus, scope, identity, url, nats: Some(nats) })
            }
            Err(failure) => {
                nats.stop().await;
                Err(failure)
            }
        }
    }

    /// Opens the log of NATS servers that are there already, with the seed in a file or else the folder's own key.
    ///
    /// # Errors
    /// If none answers, or it does not take us.
    pub async fn of(folder: &Folder, urls: &[String], seed: Option<&Path>) -> Result<Self, Failure> {
        folder.make()?;
        let identity = open_identity(folder)?;
        let seed = Some(seed.map_or_else(|| Ok(identity.seed().to_owned()), read_seed)?);
        let access = Access { urls: urls.to_vec(), seed, name: "serve".to_owned() };
        let scope = Scope::actual();
        let bus = connect(&access, &scope).await?;
        with_groups(&bus, folder).await;
        Ok(Self { bus, scope, identity, url: urls.join(","), nats: None })
    }

    /// Opens the log that a running server of the data folder reads, if its NATS server answers.
    ///
    /// # Errors
    /// If the folder's key cannot be read.
    pub async fn of_running(folder: &Folder) -> Result<Option<Self>, Failure> {
        let Some(url) = Folder::line(&folder.nats()) else { return Ok(None) };
        let identity = open_identity(folder)?;
        let seed = Folder::line(&folder.seed())
            .map_or_else(|| Ok(identity.seed().to_owned()), |path| read_seed(Path::new(&path)))?;
        let urls: Vec<String> = url.split(',').map(str::to_owned).collect();
        let access = Access { urls, seed: Some(seed), name: "cli".to_owned() };
        match Bus::connect(&access).await {
            Ok(bus) => Ok(Some(Self { bus, scope: Scope::actual(), identity, url, nats: None })),
            Err(error) => {
                tracing::debug!(%error, "the NATS server that the folder names");
                Ok(None)
            }
        }
    }

    /// The scopes of the folder's log: everybody's, then those of its sharing groups, each with its local name.
    ///
    /// # Errors
    /// If the folder does not tell its groups.
    pub fn scopes(&self, folder: &Folder) -> Result<Vec<(Option<String>, Scope)>, Failure> {
        let groups = folder.groups()?;
        let of_groups = groups.iter().map(|(name, id)| (Some(name.to_owned()), scope_of(id)));
        Ok(std::iter::once((None, self.scope.clone())).chain(of_groups).collect())
    }

    /// Opens the log of a data folder: that of a running server, or else with a nats-server for the time of a command.
    ///
    /// # Errors
    /// If there is no such server, and none can be started.
    pub async fn of_folder(folder: &Folder, settings: &Settings) -> Result<Self, Failure> {
        match Self::of_running(folder).await? {
            Some(log) => Ok(log),
            None => Self::for_the_time(folder, settings).await,
        }
    }

    /// Opens the log of a data folder with a nats-server for the time of a command.
    ///
    /// # Errors
    /// As [`Log::own`].
    pub async fn for_the_time(folder: &Folder, settings: &Settings) -> Result<Self, Failure> {
        say::progress("no server runs: starting nats-server for the time of the command");
        Self::own(folder, settings, &|text| say::progress(text)).await
    }

    /// Closes the connection, and ends the server if it is our own.
    pub async fn close(self) {
        self.bus.close().await;
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
    }
}

/// Starts the server. A folder that is held is waited for: another command may hold it for its own question only. A
/// server that has begun to answer there keeps it.
async fn start(
    folder: &Folder,
    options: impl Fn() -> ServerOptions,
    say: &(dyn Fn(&str) + Sync),
) -> Result<NatsServer, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let held = match NatsServer::start(options(), say).await {
            Err(held @ ServerError::Held { .. }) => held,
            started => return started.map_err(|error| Failure::of(Exit::Failed, &error)),
        };
        if Instant::now() > until || Client::running(folder).await?.is_some() {
            return Err(Failure::of(Exit::Unreachable, &held));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn read_seed(path: &Path) -> Result<String, Failure> {
    Folder::line(path).filter(|line| line.starts_with("SU")).ok_or_else(|| {
        let what = format!("{} holds no NKey seed", path.display());
        Failure::new(Exit::Mistake, what, "name a readable file whose first line is the seed of a user, SU...")
    })
}

fn open_identity(folder: &Folder) -> Result<Identity, Failure> {
    Identity::open(&folder.key()).map_err(|error| Failure::of(Exit::Failed, &error))
}

/// The scope of an audience.
pub fn scope_of(audience: &str) -> Scope {
    Scope { audience: audience.to_owned(), ..Scope::actual() }
}

/// Brings the streams of the folder's sharing groups about where they are gone. What cannot be had keeps nobody from the
/// rest: who reads the group says so.
async fn with_groups(bus: &Bus, folder: &Folder) {
    let groups = match folder.groups() {
        Ok(groups) => groups,
        Err(failure) => return say::progress(failure.lines().trim_end()),
    };
    for (name, id) in groups.iter() {
        if let Err(error) = bus.apply(&scope_of(id)).await {
            say::progress(&format!("sharing group {name}: {error}"));
        }
    }
}

async fn connect(access: &Access, scope: &Scope) -> Result<Bus, Failure> {
    let bus = Bus::connect(access).await.map_err(|error| Failure::of(Exit::Unreachable, &error))?;
    match bus.apply(scope).await {
        Ok(()) => Ok(bus),
        Err(error) => {
            bus.close().await;
            Err(Failure::of(Exit::Failed, &error))
        }
    }
}
