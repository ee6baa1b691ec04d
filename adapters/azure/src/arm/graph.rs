//! Resource Graph: one question for all subscriptions, answered in objects or, by older versions, in columns and rows.

use bytes::Bytes;
use entente_sidecar::account::Trouble;
use entente_sidecar::decode::List;
use entente_sidecar::poll::Failure;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Api, Arm, Call};

/// Rows of a page.
const PAGE: usize = 1_000;
/// Pages that are followed.
const PAGES_MAX: usize = 20_000;
/// Subscriptions that one question may name.
const SUBSCRIPTIONS_MAX: usize = 1_000;

/// Resource Graph, for these subscriptions; for all that the caller sees if none are named.
#[derive(Clone)]
pub(crate) struct Graph {
    arm: Arm,
    api: Api,
    subscriptions: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
    #[serde(rename = "$skipToken", default)]
    skip_token: Option<String>,
    #[serde(rename = "resultTruncated", default)]
    truncated: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Objects(List<Map<String, Value>>),
    Table { columns: List<Column>, rows: List<Vec<Value>> },
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

impl Graph {
    pub(crate) fn new(arm: Arm, api: Api, subscriptions: &[String]) -> Self {
        Self { arm, api, subscriptions: subscriptions.to_vec() }
    }

    /// Asks, and gives each row; one that is not of the form of `T` is given as the reason. The query must project `id`,
    /// without which nothing but the first page is given.
    ///
    /// # Errors
    /// If there is no answer, or rows are missing from it.
    pub(crate) async fn rows<T: DeserializeOwned>(
        &self,
        query: &str,
        mut each: impl FnMut(Result<T, String>),
    ) -> Result<(), Failure> {
        let all: [&[String]; 1] = [&[]];
        let groups: Vec<&[String]> = self.subscriptions.chunks(SUBSCRIPTIONS_MAX).collect();
        for group in if groups.is_empty() { &all[..] } else { &groups[..] } {
            self.group(query, group, &mut each).await?;
        }
        Ok(())
    }

    async fn group<T: DeserializeOwned>(
        &self,
        query: &str,
        subscriptions: &[String],
        each: &mut impl FnMut(Result<T, String>),
    ) -> Result<(), Failure> {
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let call = self.call(query, subscriptions, token.as_deref());
            let answer: Answer = self.arm.whole(&call).await?;
            answer.data.rows(|row| each(serde_json::from_value(row).map_err(|_| "a row of another form".to_owned())));
            match answer.skip_token.filter(|token| !token.is_empty()) {
                Some(next) if token.as_deref() != Some(&next) => token = Some(next),
                Some(_) => break,
                None if answer.truncated.as_ref().is_some_and(is_true) => {
                    return Err(call.failure(&Trouble::Truncated, "resultTruncated"));
                }
                None => return Ok(()),
            }
        }
        let call = self.call(query, subscriptions, None);
        Err(call.failure(&Trouble::Unreadable, "the list of pages never ends"))
    }

    /// The smallest question that needs the permission.
    pub(crate) fn smallest(&self) -> Call {
        let group = self.subscriptions.get(..self.subscriptions.len().min(SUBSCRIPTIONS_MAX)).unwrap_or_default();
        self.call("resources | project id | limit 1", group, None)
    }

    fn call(&self, query: &str, subscriptions: &[String], token: Option<&str>) -> Call {
        let mut options = json!({ "resultFormat": "objectArray", "$top": PAGE });
        let mut body = json!({ "query": query });
        if let (Some(token), Some(options)) = (token, options.as_object_mut()) {
            options.insert("$skipToken".to_owned(), token.into());
        }
        if let Some(body) = body.as_object_mut() {
            body.insert("options".to_owned(), options);
            if !subscriptions.is_empty() {
                body.insert("subscriptions".to_owned(), subscriptions.into());
            }
        }
        let path = "/providers/Microsoft.ResourceGraph/resources".to_owned();
        Call { body: Some(Bytes::from(body.to_string())), ..Call::get(self.api, "", path) }
    }
}

impl Data {
    fn rows(self, mut each: impl FnMut(Value)) {
        match self {
            Self::Objects(rows) => rows.into_iter().for_each(|row| each(Value::Object(row))),
            Self::Table { columns, rows } => {
                for row in rows {
                    let cells = columns.iter().map(|column| column.name.clone()).zip(row);
                    each(Value::Object(cells.collect()));
                }
            }
        }
    }
}

/// `true`, or the text that the older versions write.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

/// Reads one element of a list of ARM.
pub(crate) fn element<T: DeserializeOwned>(raw: &RawValue) -> Result<T, String> {
    serde_json::from_str(raw.get()).map_err(|error| format!("line {} column {}", error.line(), error.column()))
}
