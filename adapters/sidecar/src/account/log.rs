//! What the program says on stderr. Lines of Entente's own crates alone, for those of the libraries that call a provider may
//! name accounts, roles and people; and what is tried again and again while the bus is away, at most once a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

/// The variable that shows more, or less.
pub(super) const VARIABLE: &str = "ENTENTE_LOG";
/// A target stands for all that begin like it, and every crate of ours is called `entente_…`: no adapter can be forgotten.
const USUAL: &str = "off,entente=warn,entente_journal=info,entente_sidecar=info";
/// Where something is tried until the bus is there.
const TRIED: [&str; 3] = ["entente_journal::bus", "entente_journal::publish", "entente_sidecar::account::link"];
const AGAIN: Duration = Duration::from_secs(60);

/// Begins to write what happens to stderr. Gives what is wrong with the variable, if anything is.
pub(super) fn begin() -> Option<String> {
    let written = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let (filter, wrong) = match written.as_deref().map(EnvFilter::try_new) {
        None => (EnvFilter::new(USUAL), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => {
            let what = format!("{VARIABLE}: {error}; the usual lines are shown. Expected such as {USUAL}");
            (EnvFilter::new(USUAL), Some(what))
        }
    };
    let log = tracing_subscriber::registry().with(lines(filter, std::io::stderr));
    let begun = log.try_init().err().map(|_| format!("a log was set up before ours; {VARIABLE} has no effect"));
    wrong.or(begun)
}

/// Writes the lines that the filter lets through.
fn lines<S, W>(filter: EnvFilter, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    use tracing_subscriber::filter::FilterExt as _;
    // A log on a full disk must not take the work with it: what cannot be written of it is left out.
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false).log_internal_errors(false);
    lines.with_filter(filter.and(Seldom::default()))
}

/// Lets the first warning of a kind through that a bus which is away brings again and again, and then one a minute.
#[derive(Default)]
struct Seldom(Mutex<HashMap<Identifier, Instant>>);

impl Seldom {
    fn lets(&self, of: &Metadata<'_>, now: Instant) -> bool {
        if *of.level() != Level::WARN || !TRIED.iter().any(|target| of.target().starts_with(target)) {
            return true;
        }
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.get(&of.callsite()).is_none_or(|last| now.duration_since(*last) >= AGAIN);
        if due {
            told.insert(of.callsite(), now);
        }
        due
    }
}

impl<S> Filter<S> for Seldom {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        self.lets(event.metadata(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(filter: &str, say: impl FnOnce()) -> String {
        let paper = Paper::default();
        let writer = paper.clone();
        let log = lines(EnvFilter::new(filter), move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(log), say);
        let bytes = paper.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines_of_others_are_not_shown_unless_they_are_asked_for_and_no_adapter_is_forgotten() {
        let say = || {
            tracing::error!(target: "aws_config::profile", "role of 123456789012");
            tracing::warn!(target: "hyper_util::client", "vault.bank.example");
            tracing::warn!(target: "entente_of_a_new_cloud::account", "the list is not kept");
            tracing::info!(target: "entente_sidecar::account::program", "it begins");
        };
        let usual = written(USUAL, say);
        assert!(!usual.contains("123456789012") && !usual.contains("vault"), "{usual}");
        assert!(usual.contains("the list is not kept") && usual.contains("it begins"), "{usual}");
        assert!(written("warn", say).contains("123456789012"));
    }

    #[test]
    fn what_is_tried_again_and_again_is_told_once_a_minute_and_all_else_each_time() {
        let told = written(USUAL, || {
            for number in 0..9 {
                tracing::warn!(target: "entente_journal::bus", "NATS: no connection");
                tracing::warn!(target: "entente_sidecar::account::watch", "feed {number}");
            }
        });
        assert_eq!((told.matches("NATS").count(), told.matches("feed").count()), (1, 9), "{told}");
        let (seldom, now) = (Seldom::default(), Instant::now());
        let of = {
            static SITE: tracing::callsite::DefaultCallsite = tracing::callsite::DefaultCallsite::new(&META);
            static META: Metadata<'static> = tracing::metadata! {
                name: "again", target: "entente_journal::bus", level: Level::WARN, fields: &[],
                callsite: &SITE, kind: tracing::metadata::Kind::EVENT,
            };
            &META
        };
        let lets = [0, 59, 60, 119, 120].map(|second| seldom.lets(of, now + Duration::from_secs(second)));
        assert_eq!(lets, [true, false, true, false, true]);
    }
}
