//! A question to a server: the one that runs, or one that is started for the question and ended after it.

use crate::args::Place;
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::folder::Folder;
use crate::say;
use crate::settings::Settings;
use crate::station::{self, Asked};

/// Asks the server of a data folder.
///
/// # Errors
/// If there is none and none can be started, or the question fails.
pub async fn asking<T>(
    place: &Place,
    question: impl AsyncFnOnce(&Asked, &Folder) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let (folder, settings) = place.open()?;
    let server = server(&folder, &settings).await?;
    let answer = question(&server, &folder).await;
    server.end().await;
    answer
}

/// One that runs, or else our own. One that begins to run while we wait for the folder is as good.
async fn server(folder: &Folder, settings: &Settings) -> Result<Asked, Failure> {
    match station::running_or_own(folder, settings).await {
        Err(held) if held.exit == Exit::Unreachable => {
            let client = Client::running(folder).await?.ok_or(held)?;
            say::progress("a server has begun to run meanwhile: it is asked instead");
            Ok(Asked::Running(client))
        }
        asked => asked,
    }
}
