//! What an error of Google's clients means, in the words that are the same for all providers. Messages of Google are left
//! out: they name projects and machines.

use std::error::Error as _;
use std::time::{Duration, SystemTime};

use entente_sidecar::account::{Skew, Trouble};
use entente_sidecar::poll::Failure;
use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::StatusDetails;

use super::api::Api;

/// A clock that is off by more is why a token is refused.
const CLOCK_MS: u64 = 300_000;

/// The code of what is not there.
pub(super) const NOT_FOUND: &str = "not-found";

/// Reasons that say more than the status does: over a quota, which Compute Engine refuses with 403.
const OVER_QUOTA: [&str; 7] = [
    "rateLimitExceeded",
    "userRateLimitExceeded",
    "concurrentLimitExceeded",
    "dailyLimitExceeded",
    "quotaExceeded",
    "RATE_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
];
/// The service is switched off in the project.
const SWITCHED_OFF: [&str; 3] = ["SERVICE_DISABLED", "accessNotConfigured", "BILLING_DISABLED"];
/// Refusals that granting the call's own permission does not mend, and what does.
const FORBIDDEN: [(&str, &str); 5] = [
    ("ACCESS_TOKEN_SCOPE_INSUFFICIENT", SCOPES),
    ("insufficientPermissions", SCOPES),
    (
        "USER_PROJECT_DENIED",
        "grant serviceusage.services.use to the sidecar's identity in the project of `quota_project`",
    ),
    ("CONSUMER_INVALID", "the project is shut down, or there is none of that name; look at the names in the settings"),
    ("SECURITY_POLICY_VIOLATED", "let the sidecar's identity through the service perimeter around the project"),
];
const SCOPES: &str =
    "give the machine that the sidecar runs on the access scope cloud-platform, or use workload identity";
/// Nobody called.
const NOBODY: [&str; 3] = ["CREDENTIALS_MISSING", "required", "ACCESS_TOKEN_TYPE_UNSUPPORTED"];

/// Whether an error may be gone at once: it happened on the way, or inside Google.
pub(super) fn is_passing(error: &Error) -> bool {
    !is_late(error)
        && (error.is_connect()
            || error.is_io()
            || error.http_status_code().is_some_and(|status| (500..600).contains(&status)))
}

/// Whether Google says when to come back.
pub(super) fn wishes_pause(error: &Error) -> bool {
    header(error, "retry-after").and_then(pause).is_some()
}

/// The failure that an error of a call stands for.
pub(super) fn read(api: &Api, error: &Error, skew: &Skew) -> Failure {
    if let Some(date) = header(error, "date") {
        skew.note(date);
    }
    let reason = reason(error);
    if SWITCHED_OFF.contains(&reason) {
        return switched_off(api, reason);
    }
    if let Some((_, next)) = FORBIDDEN.iter().find(|(known, _)| *known == reason) {
        let text = format!("{}: the call is not permitted ({reason}); {next}", api.name);
        return Failure::new(Trouble::Forbidden.code(), text);
    }
    if error.http_status_code() == Some(404) {
        return missing(api);
    }
    skew.explain(trouble(error, reason, skew).failure(api.name, api.permission, reason))
}

/// No credentials were found, or those that were found cannot be used.
pub(super) fn no_identity(api: &Api) -> Failure {
    Trouble::Unauthenticated.failure(api.name, api.permission, "no credentials")
}

fn trouble(error: &Error, reason: &str, skew: &Skew) -> Trouble {
    let pause = header(error, "retry-after").and_then(pause);
    match error.http_status_code() {
        Some(401) if skew.offset_ms().is_some_and(|offset| offset.unsigned_abs() > CLOCK_MS) => Trouble::Clock,
        Some(401) if NOBODY.contains(&reason) => Trouble::Unauthenticated,
        Some(401) => Trouble::Expired,
        Some(403) if OVER_QUOTA.contains(&reason) => Trouble::Throttled(pause),
        Some(status) => Trouble::of_status(status, pause),
        None => on_the_way(error),
    }
}

/// What happened to a call that got no answer of Google's.
fn on_the_way(error: &Error) -> Trouble {
    if is_late(error) {
        Trouble::Stalled
    } else if error.is_authentication() {
        Trouble::Unauthenticated
    } else if error.is_connect() {
        Trouble::Unreachable
    } else if error.is_io() || is_cut(error) {
        Trouble::Truncated
    } else {
        Trouble::Unreadable
    }
}

/// Whether the time was over: before the answer began, or within it.
fn is_late(error: &Error) -> bool {
    error.is_timeout() || sources(error).any(|source| source.downcast_ref().is_some_and(reqwest::Error::is_timeout))
}

/// Whether an answer ended before it was whole.
fn is_cut(error: &Error) -> bool {
    sources(error).any(|source| source.downcast_ref().is_some_and(serde_json::Error::is_eof))
}

fn sources(error: &Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |source: &&(dyn std::error::Error + 'static)| (*source).source())
}

/// Google's word for why; never its message.
fn reason(error: &Error) -> &str {
    let Some(status) = error.status() else { return "" };
    let given = status.details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.as_str()),
        _ => None,
    });
    let word = |reason: &&str| reason.len() <= 60 && reason.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    given.filter(word).unwrap_or_else(|| status.code.name())
}

fn header<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.http_headers()?.get(name)?.to_str().ok()
}

/// Seconds, or a date.
fn pause(retry_after: &str) -> Option<Duration> {
    if let Ok(seconds) = retry_after.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(retry_after).ok()?.duration_since(SystemTime::now()).ok()
}

fn switched_off(api: &Api, reason: &str) -> Failure {
    let next = if reason == "BILLING_DISABLED" {
        "link the project to a billing account".to_owned()
    } else {
        format!("enable it with `gcloud services enable {}`", api.service)
    };
    Failure::new("not-in-plan", format!("{}: the API is switched off in the project ({reason}); {next}", api.name))
}

fn missing(api: &Api) -> Failure {
    let text =
        format!("{}: there is no such project, organisation or zone; look at the names in the settings", api.name);
    Failure::new(NOT_FOUND, text)
}
