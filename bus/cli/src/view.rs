//! The moment of a view: `--as-of` says how far the log counts, `--at` what the clock shows.

use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::exit::Failure;
use crate::line::text;
use crate::moment::Moment;

/// Flags of every command that shows the picture.
#[derive(Args, Clone, Debug, Default)]
pub struct ViewFlags {
    /// Count the log only so far: to a position, to so many records before its end (-3), or to a time: a second,
    /// minute or day that is named counts to its end
    #[arg(long, value_name = "POSITION|-RECORDS|TIME", allow_hyphen_values = true)]
    as_of: Option<AsOf>,
    /// What the clock shows: ages, overdue and silent follow it (default: now; with --as-of, the last record's time)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Keys and values of an address.
pub type Query = Vec<(&'static str, String)>;

impl ViewFlags {
    /// The query that asks for this moment. A position is passed on as it is.
    ///
    /// # Errors
    /// If the end of the log has to be asked for and the server does not answer.
    pub async fn query(&self, client: &Client, now: DateTime<Utc>) -> Result<Query, Failure> {
        let mut query = Vec::new();
        if let Some(as_of) = &self.as_of {
            query.push(("as_of", as_of.settle(client, now).await?));
        }
        query.extend(self.at.map(|moment| ("at", exactly(moment.settle(now)))));
        Ok(query)
    }
}

/// How far the log counts, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// To this position.
    Position(String),
    /// To the end of the unit that a time is written to.
    Time(Moment),
    /// So many records less than there are.
    Back(u64),
}

const EXPECTED: &str = "expected a position such as 120, so many records back such as -3, or";

impl FromStr for AsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_sequence = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        // A stream, or the local name or the id of a sharing group: each has a letter, which a time of the day has not.
        let is_stream = |name: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            name.bytes().all(fits) && name.bytes().any(|b| b.is_ascii_lowercase())
        };
        let names_a_stream =
            |part: &str| part.rsplit_once(':').is_some_and(|(name, n)| is_stream(name) && is_sequence(n));
        if text.split(',').all(|part| is_sequence(part) || names_a_stream(part)) {
            return Ok(Self::Position(text.to_owned()));
        }
        if let Some(records) = text.strip_prefix('-').filter(|records| is_sequence(records)) {
            return records.parse().map(Self::Back).map_err(|_| format!("{EXPECTED} {}", Moment::EXPECTED));
        }
        text.parse().map(Self::Time).map_err(|_| format!("{EXPECTED} {}", Moment::EXPECTED))
    }
}

impl AsOf {
    async fn settle(&self, client: &Client, now: DateTime<Utc>) -> Result<String, Failure> {
        match self {
            Self::Position(position) => Ok(position.clone()),
            Self::Time(moment) => Ok(exactly(moment.end(now))),
            Self::Back(records) => back(client, *records).await,
        }
    }

    /// The position after which follows what is meant if one begins here: with a time, the first that was logged then.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn begin(&self, client: &Client, now: DateTime<Utc>) -> Result<String, Failure> {
        let as_of = match self {
            Self::Position(position) if position.parse::<u64>().is_ok() => return Ok(position.clone()),
            Self::Position(position) => position.clone(),
            Self::Time(moment) => exactly(moment.settle(now) - TimeDelta::nanoseconds(1)),
            Self::Back(_) => self.settle(client, now).await?,
        };
        position(client, vec![("as_of", as_of)]).await
    }
}

fn exactly(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// The position up to which the server has read the log.
///
/// # Errors
/// If it does not answer.
pub async fn end_of_log(client: &Client) -> Result<String, Failure> {
    position(client, Query::new()).await
}

/// The position so many records before the end.
async fn back(client: &Client, records: u64) -> Result<String, Failure> {
    let end = end_of_log(client).await?;
    match end.parse::<u64>() {
        Ok(end) => Ok(end.saturating_sub(records).to_string()),
        Err(_) if records == 0 => Ok(end),
        Err(_) => behind_the_newest(client, records).await,
    }
}

/// In a log of several streams: the position before so many of the newest records.
async fn behind_the_newest(client: &Client, records: u64) -> Result<String, Failure> {
    let (mut left, mut before) = (records, None);
    while left > 0 {
        let most = left.min(PAGE);
        let mut query = Query::from([("limit", most.to_string())]);
        query.extend(before.take().map(|before| ("before", before)));
        let answer = client.json(&["v1", "events"], &query).await?;
        let Some(next) = text_of(&answer, "next_before") else { return Ok("0".to_owned()) };
        (left, before) = (left - most, Some(next));
    }
    Ok(shifted(&before.unwrap_or_default(), |sequence| sequence.saturating_sub(1)))
}

/// The most records that the server gives at once.
const PAGE: u64 = 200;

/// A position with each of its sequences moved.
pub fn shifted(position: &str, to: impl Fn(u64) -> u64) -> String {
    let shifted = |part: &str| match part.rsplit_once(':') {
        Some((stream, sequence)) => format!("{stream}:{}", to(sequence.parse().unwrap_or(0))),
        None => to(part.parse().unwrap_or(0)).to_string(),
    };
    position.split(',').map(shifted).collect::<Vec<_>>().join(",")
}

/// The position that a query counts to.
async fn position(client: &Client, mut query: Query) -> Result<String, Failure> {
    query.push(("limit", "1".to_owned()));
    let answer = client.json(&["v1", "events"], &query).await?;
    text_of(&answer, "as_of").ok_or_else(|| {
        let next = "check that command and server are of one version: `entente --version`";
        Failure::failed("the server does not say how far the log reaches", next)
    })
}

/// A position in an answer: a number, or a text where several streams are read.
pub fn text_of(answer: &Value, name: &str) -> Option<String> {
    Some(text(answer, name)).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_records_back_and_times_are_told_apart() {
        let read = |text: &str| text.parse::<AsOf>();
        assert_eq!(read("120"), Ok(AsOf::Position("120".into())));
        let streams = "A_actual_all:120,A_actual_g1:7";
        assert_eq!(read(streams), Ok(AsOf::Position(streams.into())));
        for of_groups in ["banks:7", "120,banks:7", "gbbbbbbbbbbbbbbbb:7"] {
            assert_eq!(read(of_groups), Ok(AsOf::Position(of_groups.into())));
        }
        assert!(matches!(read("04:57"), Ok(AsOf::Time(_))));
        assert_eq!(
            (shifted("120", |n| n + 1), shifted("A_actual_all:120,banks:7", |n| n - 1)),
            ("121".into(), "A_actual_all:119,banks:6".into())
        );
        assert_eq!((read("-3"), read("-0")), (Ok(AsOf::Back(3)), Ok(AsOf::Back(0))));
        assert_eq!(read("-10m"), Ok(AsOf::Time("-10m".parse().unwrap())));
        for text in ["yesterday", "-", "--3", "-99999999999999999999", ""] {
            let told = read(text).unwrap_err();
            assert!(told.contains("-3, or a time such as"), "{text}: {told}");
        }
    }
}
