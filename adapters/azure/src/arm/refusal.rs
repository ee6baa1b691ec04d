//! What went wrong with a call, in the words that all providers share. Of Azure's own words only codes are kept: its messages
//! name subscriptions, clients and resources.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use azure_core::error::ErrorKind;
use azure_core::http::StatusCode;
use azure_core::http::headers::{HeaderName, Headers};
use entente_sidecar::account::{Skew, Trouble};
use entente_sidecar::poll::Failure;
use serde::Deserialize;

use super::credential::Unusable;
use super::{Api, Exchange};

/// A clock that is off by more than this is why a token is not taken.
const CLOCK_MS: u64 = 240_000;

/// ARM's refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Inner,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    code: String,
}

/// Why a call was not answered as it should be: as all providers may refuse one, or as only Azure does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Trouble(Trouble),
    /// What was asked for is not there.
    Missing,
    /// The subscription has not registered the service that was asked.
    Unregistered,
}

impl From<Trouble> for Kind {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Kind {
    /// The failure of a call to an interface; `code` is Azure's word for it.
    pub(super) fn failure(&self, api: &Api, code: &str) -> Failure {
        let name = api.name;
        match self {
            Self::Trouble(trouble) => trouble.failure(name, api.permission, code),
            Self::Missing => Failure::new(
                NOT_FOUND,
                format!("{name}: what was asked for is not there ({code}); nothing need be done"),
            ),
            Self::Unregistered => {
                let service = api.permission.split('/').next().unwrap_or_default();
                let told =
                    format!("{name}: a subscription has not registered the service ({code}); register {service} in it");
                Failure::new("not-registered", told)
            }
        }
    }
}

/// The code of a failure that means that what was asked for is not there.
const NOT_FOUND: &str = "not-found";

/// None where what was asked for is not there.
pub(crate) fn if_there<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Err(failure) if failure.error.code == NOT_FOUND => Ok(None),
        other => other.map(Some),
    }
}

/// What an answer that is no success says.
pub(super) fn of_answer(answer: &Exchange, skew: &Skew) -> (Kind, String) {
    let code =
        serde_json::from_slice(&answer.body).map_or_else(|_| String::new(), |refused: Refused| refused.error.code);
    let code = if is_code(&code) { code } else { format!("HTTP {}", u16::from(answer.status)) };
    let pause = retry_after(&answer.headers);
    let off = skew.offset_ms().is_some_and(|offset| offset.unsigned_abs() > CLOCK_MS);
    let kind = match (u16::from(answer.status), code.as_str()) {
        (401, _) if off => Trouble::Clock.into(),
        (401, "ExpiredAuthenticationToken") => Trouble::Expired.into(),
        // A subscription that the caller may not see is not there for it.
        (404, "SubscriptionNotFound") => Trouble::Forbidden.into(),
        (_, "MissingSubscriptionRegistration" | "SubscriptionNotRegistered") => Kind::Unregistered,
        (404, code) if code.ends_with("NotFound") => Kind::Missing,
        (status, _) => Trouble::of_status(status, pause).into(),
    };
    (kind, code)
}

/// A word that names a kind of refusal, and nothing else.
fn is_code(code: &str) -> bool {
    !code.is_empty() && code.len() <= 60 && code.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// What kept a call from being answered.
pub(super) fn of_error(error: &azure_core::Error) -> (Trouble, String) {
    let mut credential = None;
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(unusable) = cause.downcast_ref::<Unusable>() {
            return (Trouble::Unauthenticated, unusable.to_string());
        }
        if let Some(error) = cause.downcast_ref::<azure_core::Error>() {
            match error.kind() {
                ErrorKind::HttpResponse { status, error_code, raw_response } => {
                    let headers = raw_response.as_ref().map(|response| response.headers());
                    return of_token(*status, error_code.as_deref(), headers);
                }
                ErrorKind::Connection | ErrorKind::Io => return (Trouble::Unreachable, String::new()),
                ErrorKind::Credential => credential = Some((Trouble::Unauthenticated, "no token".to_owned())),
                _ => {}
            }
        }
        next = cause.source();
    }
    credential.unwrap_or((Trouble::Unreachable, String::new()))
}

/// Why no token was given. Entra's codes are numbers.
fn of_token(status: StatusCode, code: Option<&str>, headers: Option<&Headers>) -> (Trouble, String) {
    let status = u16::from(status);
    let numbers = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_digit() || byte == b','));
    let first = numbers.and_then(|numbers| numbers.split(',').next()).unwrap_or_default();
    let trouble = match first {
        // The secret or the certificate has run out.
        "7000222" | "700027" => Trouble::Expired,
        // The assertion is not yet, or no longer, within its time.
        "700024" => Trouble::Clock,
        _ if matches!(status, 400..=499) && status != 408 && status != 429 => Trouble::Unauthenticated,
        _ => Trouble::of_status(status, headers.and_then(retry_after)),
    };
    (trouble, if first.is_empty() { format!("no token, HTTP {status}") } else { format!("AADSTS{first}") })
}

/// How long the caller's share is used up, where an answer says that it was the last: Resource Graph tells it before it
/// refuses.
pub(super) fn used_up(headers: &Headers) -> Option<Duration> {
    let left = header(headers, "x-ms-user-quota-remaining")?.trim().parse::<u64>().ok()?;
    if left == 0 { header(headers, "x-ms-user-quota-resets-after").and_then(clock_face) } else { None }
}

/// How long Azure wants to be left alone: in milliseconds, in seconds or as a date; Resource Graph names it by its quota.
fn retry_after(headers: &Headers) -> Option<Duration> {
    let millis = ["x-ms-retry-after-ms", "retry-after-ms"].into_iter().find_map(|name| header(headers, name));
    if let Some(millis) = millis.and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let plain = header(headers, "retry-after").and_then(seconds_or_date);
    plain.or_else(|| header(headers, "x-ms-user-quota-resets-after").and_then(clock_face))
}

fn seconds_or_date(text: &str) -> Option<Duration> {
    let text = text.trim();
    let seconds = text.parse().ok().map(Duration::from_secs);
    seconds.or_else(|| httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok())
}

/// `00:00:05`.
fn clock_face(text: &str) -> Option<Duration> {
    let parts: Vec<u64> = text.trim().split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = parts.as_slice() else { return None };
    let minutes = hours.checked_mul(60)?.checked_add(*minutes)?;
    Some(Duration::from_secs(minutes.checked_mul(60)?.checked_add(*seconds)?))
}

pub(super) fn header<'a>(headers: &'a Headers, name: &'static str) -> Option<&'a str> {
    headers.get_optional_str(&HeaderName::from_static(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str, pairs: &[(&'static str, &str)]) -> (Kind, String) {
        let mut headers = Headers::new();
        pairs.iter().for_each(|(name, value)| headers.insert(*name, (*value).to_owned()));
        let body = body.to_owned().into();
        of_answer(&Exchange { status: status.into(), headers, body }, &Skew::default())
    }

    #[test]
    fn a_refusal_keeps_its_code_and_never_its_message() {
        let body = r#"{"error":{"code":"AuthorizationFailed","message":"The client '5f1d' over /subscriptions/9e0c"}}"#;
        assert_eq!(refused(403, body, &[]), (Trouble::Forbidden.into(), "AuthorizationFailed".into()));
        let forged = r#"{"error":{"code":"/subscriptions/9e0c41b7"}}"#;
        assert_eq!(refused(500, forged, &[]), (Trouble::Internal(None).into(), "HTTP 500".into()));
        assert_eq!(refused(502, "<html>", &[]).1, "HTTP 502");
        let gone = r#"{"error":{"code":"SubscriptionNotFound"}}"#;
        assert_eq!(refused(404, gone, &[]).0, Trouble::Forbidden.into());
    }

    #[test]
    fn what_is_not_there_is_no_fault_of_the_answer() {
        let of = |status: u16, code: &str| refused(status, &format!(r#"{{"error":{{"code":"{code}"}}}}"#), &[]).0;
        assert_eq!([of(404, "ResourceNotFound"), of(404, "ResourceGroupNotFound")], [Kind::Missing, Kind::Missing]);
        assert_eq!(refused(404, "<html>", &[]).0, Trouble::Unreadable.into());
        let api = Api { name: "azure.X", permission: "Microsoft.ResourceHealth/events/read", version: "1" };
        let missing = Kind::Missing.failure(&api, "ResourceNotFound");
        assert!(matches!(if_there::<()>(Err(missing)), Ok(None)));
        let unregistered = of(409, "MissingSubscriptionRegistration").failure(&api, "MissingSubscriptionRegistration");
        assert_eq!(unregistered.error.code, "not-registered");
        assert!(unregistered.error.text.ends_with("; register Microsoft.ResourceHealth in it"));
        assert!(if_there::<()>(Err(unregistered)).is_err());
    }

    #[test]
    fn a_share_that_is_used_up_is_told_before_it_is_refused() {
        let told = |left: &str, after: &str| {
            let mut headers = Headers::new();
            headers.insert("x-ms-user-quota-remaining", left.to_owned());
            headers.insert("x-ms-user-quota-resets-after", after.to_owned());
            used_up(&headers)
        };
        assert_eq!(told("0", "00:00:05"), Some(Duration::from_secs(5)));
        assert_eq!((told("14", "00:00:05"), told("none", "00:00:05"), used_up(&Headers::new())), (None, None, None));
    }

    #[test]
    fn a_token_that_is_too_old_by_the_clock_is_the_clock_s_matter() {
        let body = r#"{"error":{"code":"ExpiredAuthenticationToken"}}"#.to_owned();
        let answer = Exchange { status: 401.into(), headers: Headers::new(), body: body.into() };
        let skew = Skew::default();
        assert_eq!(of_answer(&answer, &skew).0, Trouble::Expired.into());
        skew.set(-600_000);
        assert_eq!(of_answer(&answer, &skew).0, Trouble::Clock.into());
    }

    #[test]
    fn a_pause_is_read_however_it_is_written() {
        let pause = |name, value| match refused(429, "{}", &[(name, value)]).0 {
            Kind::Trouble(Trouble::Throttled(pause)) => pause.map(|pause| pause.as_millis()),
            other => panic!("{other:?}"),
        };
        assert_eq!(pause("retry-after", "7"), Some(7_000));
        assert_eq!(pause("x-ms-retry-after-ms", "250"), Some(250));
        assert_eq!(pause("x-ms-user-quota-resets-after", "00:01:05"), Some(65_000));
        assert_eq!(pause("retry-after", "soon"), None);
        assert_eq!(pause("x-ms-user-quota-resets-after", "18446744073709551615:1:1"), None);
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        assert!(pause("retry-after", &soon).is_some_and(|pause| pause > 60_000));
    }
}
