//! Parts of an answer: pages, and query parameters as Google's clients write them.

use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::refusal;

/// How a page is asked for. Compute Engine says `maxResults`, the others `pageSize`; the first page has an empty token or
/// none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Paging {
    max_results: Option<usize>,
    page_size: Option<usize>,
    page_token: Option<String>,
}

/// A page token that the double did not give.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadToken;

/// A part of a list, and where it goes on.
pub(super) struct Page<T> {
    pub(super) elements: Vec<T>,
    pub(super) next: Option<String>,
}

impl Paging {
    /// The page that was asked for. `usual` is how many elements one has unless told, `limit` how many at most.
    pub(super) fn cut<T>(&self, list: Vec<T>, usual: usize, limit: usize) -> Result<Page<T>, BadToken> {
        let token = self.page_token.as_deref().filter(|token| !token.is_empty());
        let from = match token {
            None => 0,
            Some(token) => read(token).filter(|from| *from <= list.len()).ok_or(BadToken)?,
        };
        let asked = self.max_results.or(self.page_size).filter(|size| *size > 0).unwrap_or(usual);
        let size = asked.min(limit).max(1);
        let next = (from + size < list.len()).then(|| write(from + size));
        Ok(Page { elements: list.into_iter().skip(from).take(size).collect(), next })
    }

    /// Whether the first page was asked for.
    pub(super) fn is_first(&self) -> bool {
        self.page_token.as_deref().unwrap_or_default().is_empty()
    }
}

/// The page of a list as the newer services give it: `usual` elements unless told, `limit` at most. An empty list is left
/// out, as these services do.
pub(super) fn listed(member: &str, list: Vec<Value>, paging: &Paging, usual: usize, limit: usize) -> Response {
    let page = match paging.cut(list, usual, limit) {
        Ok(page) => page,
        Err(BadToken) => return refusal::bad_token("/v1/"),
    };
    let mut answer = Map::new();
    if !page.elements.is_empty() {
        answer.insert(member.to_owned(), Value::from(page.elements));
    }
    answer.extend(page.next.map(|next| ("nextPageToken".to_owned(), Value::from(next))));
    axum::Json(Value::Object(answer)).into_response()
}

const TOKEN: &str = "CjBiYXNlNjQ-";

fn write(from: usize) -> String {
    format!("{TOKEN}{from}")
}

fn read(token: &str) -> Option<usize> {
    token.strip_prefix(TOKEN)?.parse().ok()
}

/// The value of a parameter whose name is not one that Rust could spell, such as `$alt`.
pub(super) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name || key.replace("%24", "$") == name).map(|(_, value)| value)
}
