//! The streams as data: which there are for a universe and an audience, and how they are brought about.
//!
//! Applying compares three things: what is wanted, what was applied last (the document in the KV bucket `topology`) and
//! what the server has. Streams are created and widened, never shrunk: a smaller limit drops messages at once. Raw
//! JSON, so that fields which this program does not know stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::RequestErrorKind;
use async_nats::jetstream::{self, kv};
use entente_schemas::subject;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::bus::Bus;

mod widen;

use widen::{Change, must_not_shrink, widened};

/// What one stream is for: a universe and an audience.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// `actual`, `exercise`, `test` or `exercise-<slug>`.
    pub universe: String,
    /// `all`, or the opaque id of a sharing group.
    pub audience: String,
}

impl Scope {
    /// The real world, everybody.
    #[must_use]
    pub fn actual() -> Self {
        Self { universe: "actual".to_owned(), audience: "all".to_owned() }
    }

    /// The name of the log's stream.
    #[must_use]
    pub fn log_stream(&self) -> String {
        subject::log_stream(&self.universe, &self.audience)
    }

    /// The name of the heartbeats' stream.
    #[must_use]
    pub fn beat_stream(&self) -> String {
        subject::beat_stream(&self.universe, &self.audience)
    }
}

/// Why the streams are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// No universe or no audience.
    #[error("`{0}` names no scope; expected actual, exercise, test or exercise-<slug>, and all or a group's id")]
    Scope(String),
    /// NATS refused a step.
    #[error("{step} failed: {reason}; check that JetStream is enabled for this user, then apply again")]
    Api {
        /// What was tried.
        step: String,
        /// The server's words.
        reason: String,
    },
    /// NATS does not answer at all.
    #[error(
        "{step} failed: the NATS server does not answer; check that it runs and can be reached from here, or, if others reach it, that JetStream is enabled for this user, then apply again"
    )]
    Silent {
        /// What was tried.
        step: String,
    },
    /// The server has promised its disk to other streams.
    #[error(
        "stream {stream} reserves {bytes} bytes and the server has not that much left; raise max_file of its jetstream block"
    )]
    Space {
        /// The stream.
        stream: String,
        /// What it would reserve.
        bytes: i64,
    },
    /// A limit would become smaller.
    #[error(
        "stream {stream}: {field} would shrink from {from} to {to}, which drops what is beyond it at once; copy the log to a new universe instead"
    )]
    Shrinks {
        /// The stream.
        stream: String,
        /// The member of its configuration.
        field: String,
        /// What it is.
        from: String,
        /// What it would be.
        to: String,
    },
    /// Somebody else applied at the same time.
    #[error("the topology was changed by somebody else at the same time; apply again")]
    Race,
}

/// What was applied: the stream's configuration by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Document {
    format: u32,
    streams: BTreeMap<String, Map<String, Value>>,
}

const FORMAT: u32 = 1;
const BUCKET: &str = "topology";
const SECOND: u64 = 1_000_000_000;
/// Limits in bytes that are reserved of the server's disk at creation: a scope of `up` fits its 64 GB thirty times.
const LOG_BYTES: i64 = 2 << 30;
const BEAT_BYTES: i64 = 8 << 20;
const PICTURE_BYTES: i64 = 64 << 20;

fn wanted(scope: &Scope) -> Document {
    let (universe, audience) = (&scope.universe, &scope.audience);
    let log = scope.log_stream();
    let claims = subject::claims_of(universe, audience);
    let streams = [
        stream(json!({
            "name": log, "subjects": [claims], "max_bytes": LOG_BYTES, "duplicate_window": 600 * SECOND,
            "deny_purge": true, "allow_atomic": true,
            "republish": { "src": claims, "dest": subject::wake(&log), "headers_only": true },
        })),
        stream(json!({
            "name": scope.beat_stream(), "subjects": [subject::beats_of(universe, audience)], "max_bytes": BEAT_BYTES,
            "max_msgs_per_subject": 1, "max_age": 3_600 * SECOND, "duplicate_window": 120 * SECOND,
            "republish": {
                "src": subject::beats_of(universe, audience), "dest": subject::wake(&scope.beat_stream()),
                "headers_only": false,
            },
        })),
        stream(json!({
            "name": format!("PIC_{universe}_{audience}"), "subjects": [format!("picture.{universe}.{audience}.>")],
            "max_bytes": PICTURE_BYTES, "max_msgs_per_subject": 1, "duplicate_window": 120 * SECOND,
        })),
    ];
    Document { format: FORMAT, streams: streams.into_iter().collect() }
}

/// A stream's configuration: what all have in common, and its own.
fn stream(own: Value) -> (String, Map<String, Value>) {
    let common = json!({
        "retention": "limits", "storage": "file", "compression": "s2", "num_replicas": 1, "discard": "new",
        "max_msg_size": 131_072, "max_msgs": -1, "max_age": 0, "allow_direct": true, "deny_delete": false,
    });
    let mut config = object(common);
    config.extend(object(own));
    let name = config.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    (name, config)
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

impl Bus {
    /// Creates the streams of a scope where they are absent, widens them where they are narrower than wanted, leaves
    /// them where they are wider.
    ///
    /// # Errors
    /// If the scope has no name, NATS refuses a step, or a limit would become smaller than what was applied before.
    pub async fn apply(&self, scope: &Scope) -> Result<(), TopologyError> {
        if !subject::is_universe(&scope.universe) || !subject::is_audience(&scope.audience) {
            return Err(TopologyError::Scope(format!("{} {}", scope.universe, scope.audience)));
        }
        self.apply_document(&format!("{}.{}", scope.universe, scope.audience), &wanted(scope)).await
    }

    /// How many events a scope's log holds; none if its stream is not there.
    ///
    /// # Errors
    /// If NATS does not answer within 2 s, or refuses.
    pub async fn events_of(&self, scope: &Scope) -> Result<Option<u64>, TopologyError> {
        let info = self.stream_info(&scope.log_stream()).await?;
        Ok(info.map(|info| info.pointer("/state/messages").and_then(Value::as_u64).unwrap_or(0)))
    }

    /// The sharing groups of a universe that have a log, whoever made it.
    ///
    /// # Errors
    /// If NATS does not answer within 2 s, or refuses.
    pub async fn groups(&self, universe: &str) -> Result<BTreeSet<String>, TopologyError> {
        let step = "listing the streams";
        let (of_universe, mut found, mut offset) = (subject::log_stream(universe, ""), BTreeSet::new(), 0);
        loop {
            let answer = self.api("STREAM.NAMES", &json!({ "offset": offset }), step).await?;
            let answer = answer.map_err(|error| api(step, &error.description))?;
            let names = answer.get("streams").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let groups = names.iter().filter_map(|name| name.as_str()?.strip_prefix(&of_universe));
            found.extend(groups.filter(|id| *id != "all" && subject::is_audience(id)).map(str::to_owned));
            offset += names.len() as u64;
            if names.is_empty() || answer.get("total").and_then(Value::as_u64).is_none_or(|total| offset >= total) {
                return Ok(found);
            }
        }
    }

    async fn apply_document(&self, key: &str, wanted: &Document) -> Result<(), TopologyError> {
        let bucket = self.bucket().await?;
        let entry = bucket.entry(key).await.map_err(|error| api("reading the topology", &error))?;
        let before: Document = match &entry {
            Some(entry) => serde_json::from_slice(&entry.value).map_err(|error| api("reading the topology", &error))?,
            None => Document::default(),
        };
        for (name, config) in &wanted.streams {
            if let Some(applied) = before.streams.get(name) {
                must_not_shrink(name, applied, config)?;
            }
        }
        for (name, config) in &wanted.streams {
            self.bring_about(name, config).await?;
        }
        if before == *wanted {
            return Ok(());
        }
        let value = serde_json::to_vec(wanted).map_err(|error| api("writing the topology", &error))?;
        let revision = entry.map_or(0, |entry| entry.revision);
        bucket.update(key, value.into(), revision).await.map_err(|_| TopologyError::Race)?;
        Ok(())
    }

    async fn bucket(&self) -> Result<kv::Store, TopologyError> {
        // A server that does not answer says so here, in fewer words than the bucket would need.
        self.stream_info(&format!("KV_{BUCKET}")).await?;
        let context = jetstream::new(self.client.clone());
        if let Ok(bucket) = context.get_key_value(BUCKET).await {
            return Ok(bucket);
        }
        let config = kv::Config { bucket: BUCKET.to_owned(), history: 8, ..kv::Config::default() };
        context.create_key_value(config).await.map_err(|error| api("creating the bucket topology", &error))
    }

    async fn bring_about(&self, name: &str, wanted: &Map<String, Value>) -> Result<(), TopologyError> {
        let Some(found) = self.stream_config(name).await? else {
            return self.write_stream("CREATE", name, wanted).await;
        };
        match widened(name, &found, wanted)? {
            Change::None => Ok(()),
            Change::Widen(config) => self.write_stream("UPDATE", name, &config).await,
        }
    }

    async fn stream_config(&self, name: &str) -> Result<Option<Map<String, Value>>, TopologyError> {
        let info = self.stream_info(name).await?;
        Ok(info.map(|mut info| object(info.get_mut("config").map(Value::take).unwrap_or_default())))
    }

    async fn stream_info(&self, name: &str) -> Result<Option<Value>, TopologyError> {
        let step = format!("asking for stream {name}");
        match self.api(&format!("STREAM.INFO.{name}"), &json!({}), &step).await? {
            Ok(info) => Ok(Some(info)),
            Err(ApiError { code: 10_059, .. }) => Ok(None),
            Err(error) => Err(TopologyError::Api { step, reason: error.description }),
        }
    }

    async fn write_stream(&self, verb: &str, name: &str, config: &Map<String, Value>) -> Result<(), TopologyError> {
        let step = format!("STREAM.{verb} of {name}");
        let body = Value::Object(config.clone());
        match self.api(&format!("STREAM.{verb}.{name}"), &body, &step).await? {
            Ok(_) => Ok(()),
            Err(ApiError { code: 10_047, .. }) => {
                let bytes = config.get("max_bytes").and_then(Value::as_i64).unwrap_or(0);
                Err(TopologyError::Space { stream: name.to_owned(), bytes })
            }
            Err(error) => Err(TopologyError::Api { step, reason: error.description }),
        }
    }

    /// One request to the JetStream API, named by what it is for.
    pub(crate) async fn api(
        &self,
        verb: &str,
        body: &Value,
        step: &str,
    ) -> Result<Result<Value, ApiError>, TopologyError> {
        let answer = self.client.request(format!("$JS.API.{verb}"), body.to_string().into()).await;
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::TimedOut => TopologyError::Silent { step: step.to_owned() },
            _ => api(step, &error),
        })?;
        let mut answer: Value = serde_json::from_slice(&answer.payload).map_err(|error| api(step, &error))?;
        match answer.get_mut("error").map(Value::take) {
            Some(error) => Ok(Err(serde_json::from_value(error).map_err(|error| api(step, &error))?)),
            None => Ok(Ok(answer)),
        }
    }
}

/// An error of the JetStream API, as it stands in its answers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ApiError {
    /// The server's own number of the error.
    #[serde(default, rename = "err_code")]
    pub(crate) code: u64,
    /// In words.
    #[serde(default)]
    pub(crate) description: String,
}

fn api(step: &str, reason: &dyn std::fmt::Display) -> TopologyError {
    TopologyError::Api { step: step.to_owned(), reason: reason.to_string() }
}
