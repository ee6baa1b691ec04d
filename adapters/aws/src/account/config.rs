//! The adapter's part of the settings.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use entente_sidecar::account::{Feed, Length, Tables};
use serde::Deserialize;
use url::Url;

use super::table::{Document, table};

/// The names of APIs whose address can be set.
pub(super) const ENDPOINTS: &[&str] = &["ec2", "health", "sqs", "ssm"];

/// `[aws]`: what all feeds have in common.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Own {
    pub(super) home_region: String,
    pub(super) profile: String,
    pub(super) config_file: PathBuf,
    pub(super) credentials_file: PathBuf,
    pub(super) attempts: u32,
}

impl Default for Own {
    fn default() -> Self {
        let (config_file, credentials_file) = (PathBuf::new(), PathBuf::new());
        Self { home_region: "us-east-1".to_owned(), profile: String::new(), config_file, credentials_file, attempts: 3 }
    }
}

/// `[feeds.aws-ec2]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ec2 {
    pub(super) regions: Vec<String>,
    pub(super) sweep: Length,
    pub(super) correlated_machines: u64,
    pub(super) together: Length,
    pub(super) scheduled: bool,
}

impl Default for Ec2 {
    fn default() -> Self {
        let (sweep, together) = (Length(Duration::from_secs(600)), Length(Duration::from_secs(900)));
        Self { regions: Vec::new(), sweep, correlated_machines: 10, together, scheduled: false }
    }
}

/// `[feeds.aws-ssm]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ssm {
    pub(super) regions: Vec<String>,
    pub(super) lookback: Length,
    pub(super) only: Vec<String>,
    pub(super) documents: Vec<Document>,
}

impl Default for Ssm {
    fn default() -> Self {
        let lookback = Length(Duration::from_secs(24 * 3_600));
        Self { regions: Vec::new(), lookback, only: Vec::new(), documents: Vec::new() }
    }
}

impl Ssm {
    /// The documents that are read: one's own before those that every account knows.
    pub(super) fn all(&self) -> Vec<Document> {
        let read = |document: &&Document| self.only.is_empty() || self.only.contains(&document.prefix);
        self.documents.iter().chain(table().documents.iter().filter(read)).cloned().collect()
    }
}

/// `[feeds.aws-health]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Health {
    pub(super) organisation: bool,
    pub(super) regions: Vec<String>,
    pub(super) lookback_days: u32,
    pub(super) scheduled: bool,
    pub(super) notifications: bool,
}

impl Default for Health {
    fn default() -> Self {
        let regions = ["us-east-1", "us-east-2"].map(str::to_owned).to_vec();
        Self { organisation: false, regions, lookback_days: 7, scheduled: false, notifications: true }
    }
}

/// `[feeds.aws-events]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Events {
    pub(super) queue_url: String,
    pub(super) region: String,
    pub(super) sources: Vec<String>,
    pub(super) scheduled: bool,
    pub(super) notifications: bool,
}

impl Default for Events {
    fn default() -> Self {
        let (queue_url, region) = (String::new(), String::new());
        Self { queue_url, region, sources: vec!["aws.health".to_owned()], scheduled: false, notifications: true }
    }
}

impl Events {
    /// The queue's region: the one of the settings, else the one in its address, `https://sqs.REGION.amazonaws.com/...`.
    pub(super) fn region(&self) -> Option<String> {
        if !self.region.is_empty() {
            return Some(self.region.clone());
        }
        let url = Url::parse(&self.queue_url).ok()?;
        let mut parts = url.host_str()?.split('.');
        let service = parts.next()?;
        let second = parts.next()?;
        // The older form is `REGION.queue.amazonaws.com`.
        let region = if service == "sqs" { second } else { service };
        region.contains('-').then(|| region.to_owned())
    }
}

/// The adapter's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub(super) own: Own,
    pub(super) endpoints: BTreeMap<&'static str, entente_sidecar::account::Endpoint>,
    pub(super) ec2: Option<Feed<Ec2>>,
    pub(super) ssm: Option<Feed<Ssm>>,
    pub(super) health: Option<Feed<Health>>,
    pub(super) events: Option<Feed<Events>>,
}

impl Config {
    /// Reads the tables; mistakes are told to them.
    pub(super) fn read(tables: &mut Tables<'_>) -> Self {
        let endpoints = ENDPOINTS.iter().filter_map(|name| Some((*name, tables.endpoint(name)?))).collect();
        let config = Self {
            own: tables.own(),
            endpoints,
            ec2: tables.feed("aws-ec2"),
            ssm: tables.feed("aws-ssm"),
            health: tables.feed("aws-health"),
            events: tables.feed("aws-events"),
        };
        config.check(tables);
        config
    }

    fn check(&self, tables: &mut Tables<'_>) {
        if !is_region(&self.own.home_region) {
            tables.mistake("aws.home_region", "expected the code of a region such as us-east-1");
        }
        if self.own.attempts == 0 || self.own.attempts > 10 {
            tables.mistake("aws.attempts", "expected 1 to 10");
        }
        let regions = [
            ("feeds.aws-ec2.regions", self.ec2.as_ref().map(|feed| &feed.own.regions)),
            ("feeds.aws-ssm.regions", self.ssm.as_ref().map(|feed| &feed.own.regions)),
            ("feeds.aws-health.regions", self.health.as_ref().map(|feed| &feed.own.regions)),
        ];
        for (path, regions) in regions {
            for region in regions.into_iter().flatten().filter(|region| !is_region(region)) {
                tables.mistake(path, format!("`{region}`: expected codes of regions such as us-east-1"));
            }
        }
        if let Some(health) = &self.health {
            check_health(&health.own, tables);
        }
        if let Some(events) = &self.events {
            check_events(&events.own, tables);
        }
        if let Some(ssm) = &self.ssm {
            check_documents(&ssm.own, tables);
        }
    }
}

fn check_health(health: &Health, tables: &mut Tables<'_>) {
    if health.regions.is_empty() {
        tables.mistake("feeds.aws-health.regions", "expected the regions of AWS Health, the active one first");
    }
    if health.lookback_days == 0 || health.lookback_days > 90 {
        tables.mistake("feeds.aws-health.lookback_days", "expected 1 to 90: AWS keeps events for 90 days");
    }
}

fn check_events(events: &Events, tables: &mut Tables<'_>) {
    let fits = Url::parse(&events.queue_url).is_ok_and(|url| matches!(url.scheme(), "https" | "http"));
    if !fits {
        let what = "expected the address of the queue, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME";
        tables.mistake("feeds.aws-events.queue_url", what);
    } else if !events.region().is_some_and(|region| is_region(&region)) {
        tables.mistake("feeds.aws-events.region", "the queue's address names no region; set it here");
    }
    if events.sources.is_empty() {
        tables.mistake("feeds.aws-events.sources", "expected the sources of events that are taken: aws.health");
    }
}

fn check_documents(ssm: &Ssm, tables: &mut Tables<'_>) {
    let known: Vec<&str> = table().documents.iter().map(|document| document.prefix.as_str()).collect();
    for prefix in ssm.only.iter().filter(|prefix| !known.contains(&prefix.as_str())) {
        let expected = known.join(", ");
        tables.mistake("feeds.aws-ssm.only", format!("`{prefix}`: expected some of: {expected}"));
    }
    let slug = |text: &str| {
        (1..=60).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    for document in &ssm.documents {
        if document.prefix.is_empty() || !slug(&document.approach) {
            let what = "each needs a `prefix` of names and an `approach` of small letters, digits and -";
            tables.mistake("feeds.aws-ssm.documents", what);
        }
        if document.parameters.is_empty() {
            tables.mistake("feeds.aws-ssm.documents", "`parameters` names those that hold a machine: [\"InstanceId\"]");
        }
    }
    if ssm.all().is_empty() {
        tables.mistake("feeds.aws-ssm.documents", "expected at least one document");
    }
}

/// `us-east-1`, `us-gov-west-1`, `eusc-de-east-1`: small letters, digits and dashes, with a number at the end.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, rest)) if rest.len() >= 2 => {
            rest.iter().all(letters) && (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
        }
        _ => false,
    }
}

/// A length of time for counting with dates.
pub(super) fn delta(length: Length) -> TimeDelta {
    TimeDelta::from_std(length.0).unwrap_or(TimeDelta::hours(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_s_address_names_its_region() {
        let of = |queue_url: &str| Events { queue_url: queue_url.to_owned(), ..Events::default() }.region();
        assert_eq!(of("https://sqs.eu-west-1.amazonaws.com/011122335622/x").as_deref(), Some("eu-west-1"));
        assert_eq!(of("https://us-east-2.queue.amazonaws.com/011122335622/x").as_deref(), Some("us-east-2"));
        assert_eq!(of("http://127.0.0.1:5000/011122335622/x"), None);
        let given = Events { region: "us-east-1".into(), ..Events::default() };
        assert_eq!(given.region().as_deref(), Some("us-east-1"));
    }

    #[test]
    fn codes_of_regions_are_known_by_their_form() {
        for code in ["us-east-1", "us-gov-west-1", "ap-southeast-4", "us-iso-east-1"] {
            assert!(is_region(code), "{code}");
        }
        for code in ["", "global", "us-central1", "us-east", "US-EAST-1", "us-east-1a", "-1"] {
            assert!(!is_region(code), "{code}");
        }
    }
}
