//! The running server, and the log that it reads.

use super::Finding;
use crate::client::Client;
use crate::folder::Folder;
use crate::log::Log;

/// Whether the server answers with a picture.
pub async fn answers(client: &Client) -> Finding {
    match client.json(&["v1", "picture"], &[]).await {
        Ok(picture) => {
            let figure =
                |path: &str| picture.pointer(path).map(|value| value.to_string().replace('"', "")).unwrap_or_default();
            let (open, position) = (figure("/totals/open"), figure("/as_of"));
            let what = format!("answers at {}, {open} incidents open at position {position}", client.url(&[], &[]));
            Finding::good("server", what)
        }
        Err(failure) => Finding::bad("server", failure.what, failure.next),
    }
}

/// Whether the NATS server behind it answers us too.
pub async fn log(folder: &Folder) -> Finding {
    match Log::of_running(folder).await {
        Ok(Some(log)) => {
            let finding = Finding::good("log", format!("{} answers at {}", log.scope.log_stream(), log.url));
            log.close().await;
            finding
        }
        Ok(None) => Finding::bad(
            "log",
            "its NATS server does not answer",
            "end the server and start it again with `entente up`",
        ),
        Err(failure) => Finding::bad("log", failure.what, failure.next),
    }
}
