//! Heartbeats: what a feed's adapter says of itself every 30 seconds. Telemetry, unsigned, kept as the last value per
//! feed; never part of the log or of the picture's digest.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::family::FeedState;

/// Seconds between two beats; three missed make a feed blind (`adapter_gone`).
pub const BEAT_SECONDS: u64 = 30;

/// One beat of one feed's adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Beat {
    /// Live or blind, as the adapter last published it.
    pub state: FeedState,
    /// The last poll that was good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<DateTime<Utc>>,
    /// The last poll of any kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_poll: Option<DateTime<Utc>>,
    /// When the adapter asks next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<DateTime<Utc>>,
    /// Polls failed in a row.
    pub failures: u64,
    /// The last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BeatError>,
    /// From the edge to the log.
    pub lag: Lag,
    /// What waits to be published.
    pub outbox: Backlog,
    /// Words of the provider that the mapping does not know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_words: Vec<UnmappedWord>,
    /// Version of the mapping in use.
    pub mapping_version: u32,
    /// The provider's clock minus ours, milliseconds, from its `Date` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// When the beat was made.
    pub beat_at: DateTime<Utc>,
}

/// The last failure of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BeatError {
    /// A stable short code: `timeout`, `http-503`, `unreadable`.
    pub code: String,
    /// In words.
    pub text: String,
}

/// Milliseconds from entering the outbox to the log's acknowledgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Lag {
    /// Median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// Ninety-nine in a hundred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u64>,
}

/// What waits in an outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Backlog {
    /// Events.
    pub events: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A provider's word that the mapping table does not list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct UnmappedWord {
    /// The member it stood in.
    pub field: String,
    /// The word, shortened to 100 characters.
    pub word: String,
    /// What it was read as.
    pub read_as: String,
    /// How often.
    pub count: u64,
    /// When first.
    pub first: DateTime<Utc>,
}
