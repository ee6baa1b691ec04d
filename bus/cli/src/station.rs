//! Where a command finds a server: the one that runs on the data folder.

use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::settings::Settings;

/// A server that a command can ask.
pub struct Station {
    client: Client,
}

/// The server that runs on the data folder.
///
/// # Errors
/// If none does.
pub async fn running_or_own(folder: &Folder, _settings: &Settings) -> Result<Station, Failure> {
    let client = Client::running(folder).await?.ok_or_else(|| {
        let what = format!("no server runs on {}", folder.path().display());
        Failure::new(Exit::Unreachable, what, "start one with `entente up`")
    })?;
    Ok(Station { client })
}

impl Station {
    /// The server.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Ends what was started for the command.
    #[allow(clippy::unused_async)]
    pub async fn end(self) {}
}
