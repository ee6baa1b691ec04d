//! Which nats-server to run: the one that was named, one on PATH, the cached one, or one that is fetched.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{ServerError, ServerOptions};
use crate::bus::{FLOOR, RECOMMENDED, Version};
use crate::fetch;

/// Finds a program that is new enough, or brings it.
pub(super) async fn find(options: &ServerOptions, say: &(dyn Fn(&str) + Sync)) -> Result<PathBuf, ServerError> {
    if let Some(path) = &options.binary {
        let failed = |reason| ServerError::Program { path: path.clone(), reason };
        let version = version_of(path).await.map_err(failed)?;
        if version < FLOOR {
            return Err(failed(too_old(version)));
        }
        warn_if_old(path, version, say);
        return Ok(path.clone());
    }
    if let Some(path) = on_path("nats-server") {
        match version_of(&path).await {
            Ok(version) if version >= FLOOR => {
                warn_if_old(&path, version, say);
                return Ok(path);
            }
            Ok(version) => say(&format!("{} is not used: {}", path.display(), too_old(version))),
            Err(reason) => say(&format!("{} is not used: {reason}", path.display())),
        }
    }
    let cached = fetch::place(&options.cache);
    if version_of(&cached).await.is_ok() {
        return Ok(cached);
    }
    fetch::fetch(&options.cache, options.fetch, say).await?;
    version_of(&cached).await.map_err(|reason| ServerError::Program { path: cached.clone(), reason })?;
    Ok(cached)
}

fn too_old(version: Version) -> String {
    format!(
        "it is version {version}, and the log needs {FLOOR} or newer (older ones have no atomic batches with dedupe)"
    )
}

fn warn_if_old(path: &Path, version: Version, say: &(dyn Fn(&str) + Sync)) {
    if version < RECOMMENDED {
        say(&format!("{} is version {version}; {RECOMMENDED} or newer is recommended", path.display()));
    }
}

/// The first program of a name on PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| candidate.is_file())
}

async fn version_of(program: &Path) -> Result<Version, String> {
    let output =
        Command::new(program).arg("-v").output().await.map_err(|error| format!("it does not start: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = text.trim().rsplit(' ').next().and_then(Version::parse);
    version.ok_or_else(|| {
        format!("it does not say its version, but `{}`", text.trim().chars().take(80).collect::<String>())
    })
}

/// Lets nats-server itself read a configuration.
pub(super) async fn check_config(program: &Path, config: &Path) -> Result<(), ServerError> {
    let failed = |reason: String| ServerError::Config { path: config.to_owned(), reason };
    let output = Command::new(program).arg("-t").arg("-c").arg(config).output().await;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
