//! Asking over HTTP: only for what changed, with limits on time and on the unpacked size, and without following the
//! provider anywhere but along a few redirects.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{
    CONTENT_TYPE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use crate::decode::{ANSWER_MAX, DecodeError, declared, refuse};
use crate::poll::{Answer, Failure, Settled};

const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(45);
const REDIRECTS: usize = 5;
/// How we name ourselves to providers.
pub const AGENT: &str = concat!("entente/", env!("CARGO_PKG_VERSION"));

/// A feed that is asked over HTTP.
#[derive(Debug)]
pub struct Fetch {
    client: Client,
    url: Url,
    /// Of the last answer that was read.
    known: Validators,
    /// Of the last answer, until it is settled.
    given: Validators,
    clock_offset_ms: Option<i64>,
}

/// By which a server knows what we have.
#[derive(Clone, Debug, Default)]
pub struct Validators {
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
}

impl Fetch {
    /// Prepares asking.
    ///
    /// # Errors
    /// If the system gives no TLS roots.
    pub fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(AGENT)
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS))
            .build()?;
        let (known, given) = (Validators::default(), Validators::default());
        Ok(Self { client, url, known, given, clock_offset_ms: None })
    }

    /// Asks once.
    ///
    /// # Errors
    /// If there is no answer, it is not a good one, or it is too large.
    pub async fn ask(&mut self) -> Result<Answer, Failure> {
        let request = self.client.get(self.url.clone()).headers(self.known.conditions());
        let response = request.send().await.map_err(failed)?;
        self.clock_offset_ms = offset_ms(response.headers());
        self.given = Validators::of(response.headers());
        match response.status() {
            StatusCode::NOT_MODIFIED if self.known.any() => {
                if !self.given.any() {
                    self.given = self.known.clone();
                }
                Ok(Answer::Unchanged)
            }
            status if status.is_success() => body(response).await.map(Answer::Body),
            status => Err(refused(status, response.headers())),
        }
    }

    /// Takes note of what became of the last answer: only one that was read may be left out next time.
    pub fn settle(&mut self, settled: Settled) {
        let given = std::mem::take(&mut self.given);
        self.known = if settled == Settled::Read { given } else { Validators::default() };
    }

    /// The provider's clock minus ours, to the second.
    #[must_use]
    pub fn clock_offset_ms(&self) -> Option<i64> {
        self.clock_offset_ms
    }
}

impl Validators {
    /// Those that an answer carries.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(ETAG).cloned(), modified: headers.get(LAST_MODIFIED).cloned() }
    }

    /// Whether there are any.
    #[must_use]
    pub fn any(&self) -> bool {
        self.etag.is_some() || self.modified.is_some()
    }

    /// The headers by which only what changed is asked for.
    #[must_use]
    pub fn conditions(&self) -> HeaderMap {
        let named = |(name, value): (HeaderName, &Option<HeaderValue>)| value.clone().map(|value| (name, value));
        [(IF_NONE_MATCH, &self.etag), (IF_MODIFIED_SINCE, &self.modified)].into_iter().filter_map(named).collect()
    }
}

async fn body(mut response: Response) -> Result<Arc<[u8]>, Failure> {
    let charset = charset(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        let room = (ANSWER_MAX + 1).saturating_sub(body.len());
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if body.len() > ANSWER_MAX {
            return Err(too_large(&body));
        }
    }
    match declared(&body, charset.as_deref()) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(Failure::refused("unreadable", refuse(error, &body))),
    }
}

/// The refusal of an answer of which only the first bytes were read.
pub(crate) fn too_large(body: &[u8]) -> Failure {
    let reason = format!("{}; the digest is of the first {} bytes", DecodeError::TooLarge, body.len());
    Failure::refused("too-large", refuse(reason, body))
}

fn charset(headers: &HeaderMap) -> Option<String> {
    let parameters = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    let (_, value) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// The clock that an answer shows minus ours, to the second.
#[must_use]
pub fn offset_ms(headers: &HeaderMap) -> Option<i64> {
    let ours = SystemTime::now();
    let ms = |duration: Duration| i64::try_from(duration.as_millis()).ok();
    match date(headers)?.duration_since(ours) {
        Ok(ahead) => ms(ahead),
        Err(behind) => ms(behind.duration()).map(|ms| -ms),
    }
}

/// The failure that a status tells of, with the provider's own wish when to ask again.
#[must_use]
pub fn refused(status: StatusCode, headers: &HeaderMap) -> Failure {
    let next = match status.as_u16() {
        401 | 403 => "; the feed may want another address or an account",
        404 | 410 => "; look whether the feed has moved",
        _ => "",
    };
    let text = format!("the provider answered {status}{next}");
    Failure { retry_after: retry_after(headers), ..Failure::new(format!("http-{}", status.as_u16()), text) }
}

/// Seconds, or a date: that is by the provider's clock, which it tells too, so that ours may be wrong.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = date(headers).unwrap_or_else(SystemTime::now);
    httpdate::parse_http_date(value).ok()?.duration_since(now).ok()
}

/// What the provider's clock showed.
fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// A call without an answer, in words for people, with the innermost reason; the address may hold a secret and is left out.
#[must_use]
pub fn failed(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let (code, what) = match () {
        () if error.is_connect() => ("unreachable", "the provider cannot be reached"),
        () if error.is_timeout() => ("timeout", "the provider did not answer in time"),
        () if error.is_redirect() => ("redirects", "the provider sends us round and round"),
        () => ("broken-off", "the answer broke off"),
    };
    Failure::new(code, format!("{what}: {innermost}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_to_come_back_at_is_read_by_the_clock_that_wrote_it() {
        let headers = |after: &'static str, date: &'static str| {
            let pairs = [(RETRY_AFTER, after), (DATE, date)].into_iter();
            let pairs = pairs.filter(|(_, value)| !value.is_empty());
            pairs.map(|(name, value)| (name, HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        let (noon, later) = ("Sat, 01 Jan 2050 12:00:00 GMT", "Sat, 01 Jan 2050 12:02:00 GMT");
        assert_eq!(retry_after(&headers(later, noon)), Some(Duration::from_secs(120)));
        assert_eq!(retry_after(&headers(noon, later)), None);
        assert!(retry_after(&headers(noon, "")) > Some(Duration::from_secs(3_600)));
        assert_eq!(retry_after(&headers("30", noon)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers("soon", noon)), None);
    }
}
