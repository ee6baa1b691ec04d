//! The running server, and the log that it reads.

use entente_journal::{Tip, tip};

use super::{Finding, machine};
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

/// Whether the NATS server behind it answers us too, and whether its clock agrees with ours.
pub async fn log(folder: &Folder) -> Vec<Finding> {
    match Log::of_running(folder).await {
        Ok(Some(log)) => {
            let answers = Finding::good("log", format!("{} answers at {}", log.scope.log_stream(), log.url));
            let end = tip(&log.bus, &log.scope).await;
            let end = end.map(|tip| clock(&tip));
            let end = end.unwrap_or_else(|error| Finding::bad("log", error.to_string(), "see the server's rights"));
            let mut findings = vec![answers, end];
            findings.extend(groups(folder, &log).await);
            log.close().await;
            findings
        }
        Ok(None) => vec![Finding::bad(
            "log",
            "its NATS server does not answer",
            "end the server and start it again with `entente up`",
        )],
        Err(failure) => vec![Finding::bad("log", failure.what, failure.next)],
    }
}

/// Whether the stream of each sharing group is there.
async fn groups(folder: &Folder, log: &Log) -> Vec<Finding> {
    let scopes = match log.scopes(folder) {
        Ok(scopes) => scopes,
        Err(failure) => return vec![Finding::bad("sharing groups", failure.what, failure.next)],
    };
    let mut findings = Vec::new();
    for (name, scope) in scopes.into_iter().filter_map(|(name, scope)| Some((name?, scope))) {
        let (about, stream) = (format!("sharing group {name}"), scope.log_stream());
        findings.push(match log.bus.events_of(&scope).await {
            Ok(Some(_)) => Finding::good(&about, format!("{stream} answers")),
            Ok(None) => {
                let next = format!(
                    "`entente audience create {name}` makes it anew; who transmits there sends again what it still has"
                );
                Finding::bad(&about, format!("{stream} is gone"), next)
            }
            Err(error) => Finding::bad(&about, error.to_string(), "see the server's rights"),
        });
    }
    findings
}

/// Whether this machine's clock agrees with the log's.
pub fn clock(tip: &Tip) -> Finding {
    machine::clock_offset(tip.offset().num_milliseconds(), "the log")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_that_is_not_the_log_s_is_told_with_the_remedy() {
        let machine: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
        let judged = |seconds| {
            let server = machine + TimeDelta::seconds(seconds);
            clock(&Tip { sequence: 1, logged: None, server, machine })
        };
        assert_eq!((judged(0).state, judged(-3).state), (State::Good, State::Note));
        let (ahead, behind) = (judged(-301), judged(6));
        assert_eq!((ahead.state, ahead.what.as_str()), (State::Bad, "301.0 s ahead of that of the log"));
        assert!(ahead.next.contains("over 300 s held back"), "{}", ahead.next);
        assert_eq!((behind.state, behind.what.as_str()), (State::Bad, "6.0 s behind that of the log"));
        assert!(behind.next.contains("dated before"), "{}", behind.next);
    }
}
