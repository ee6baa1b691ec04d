//! What an error of the SDK means: AWS has its own word for each refusal, one or more a protocol, and some mean two things.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use chrono::{DateTime, Utc};
use entente_sidecar::account::{Skew, Trouble};

use super::whole::{self, NoEnd};

const THROTTLED: [&str; 13] = [
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "EC2ThrottledException",
    "KmsThrottled",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RateExceeded",
    "SlowDown",
];
const EXPIRED: [&str; 4] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];
const UNAUTHENTICATED: [&str; 9] = [
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const FORBIDDEN: [&str; 7] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "KmsAccessDenied",
    "OptInRequired",
    "Unauthorized",
    "UnauthorizedOperation",
];
const CLOCK: [&str; 2] = ["RequestInTheFuture", "RequestTimeTooSkewed"];
const NOT_IN_PLAN: &str = "SubscriptionRequiredException";
/// From this difference between two clocks on, a signature that is refused was refused for its time.
const SKEW_MS: i64 = 4 * 60 * 1_000;

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its kind.
    pub(crate) trouble: Trouble,
    /// AWS's own word; a message of its may name an account.
    pub(crate) word: String,
}

/// What an error means, given what is known of the clocks.
pub(crate) fn meant<E>(error: &SdkError<E>, skew: &Skew) -> Refused
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let refused = |trouble, word: &str| Refused { trouble, word: word.to_owned() };
    let answer = error.raw_response();
    let status = answer.map(|answer| answer.status().as_u16());
    let header = |name| answer.and_then(|answer| answer.headers().get(name));
    let wish = header("retry-after").and_then(|after| wished(after, Utc::now()));
    match error {
        other if sources(other).any(|error| error.is::<NoEnd>()) => refused(Trouble::Truncated, ""),
        SdkError::TimeoutError(_) => refused(Trouble::Stalled, ""),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => refused(Trouble::Stalled, ""),
        SdkError::ServiceError(service) => match (service.err().code(), status) {
            (Some(word), status) => refused(of_word(word, status.unwrap_or_default(), wish, skew), word),
            // What is no answer although nothing was refused broke off, or is of something between.
            (None, Some(200..300)) => refused(unread(answer.and_then(|answer| answer.body().bytes())), ""),
            (None, status) => refused(Trouble::of_status(status.unwrap_or_default(), wish), ""),
        },
        // The connection ended within the body, or the body was read and is no answer.
        SdkError::ResponseError(_) => refused(unread(answer.and_then(|answer| answer.body().bytes())), ""),
        other if has_no_credentials(other) => refused(Trouble::Unauthenticated, "no credentials"),
        other if broke_off(other) => refused(Trouble::Truncated, ""),
        SdkError::DispatchFailure(_) => refused(Trouble::Unreachable, ""),
        _ => refused(Trouble::Unreadable, "the call could not be made"),
    }
}

/// What an answer is that nobody can read.
fn unread(body: Option<&[u8]>) -> Trouble {
    if body.is_none_or(whole::broke_off) { Trouble::Truncated } else { Trouble::Unreadable }
}

/// What a refused call lacks: a queue whose messages are under a key of its own needs that too.
pub(crate) fn permission<'a>(word: &str, asked: &'a str) -> &'a str {
    if word.to_ascii_lowercase().starts_with("kms") { "kms:Decrypt on the queue's key" } else { asked }
}

fn of_word(word: &str, status: u16, wish: Option<Duration>, skew: &Skew) -> Trouble {
    // Some services put their own name or a kind before it.
    let word = word.rsplit('.').next().unwrap_or(word);
    let off = skew.offset_ms().is_some_and(|offset| offset.abs() > SKEW_MS);
    let timed = EXPIRED.contains(&word) || UNAUTHENTICATED.contains(&word);
    match word {
        word if CLOCK.contains(&word) || (off && timed) => Trouble::Clock,
        word if THROTTLED.contains(&word) => Trouble::Throttled(wish),
        word if EXPIRED.contains(&word) => Trouble::Expired,
        word if UNAUTHENTICATED.contains(&word) => Trouble::Unauthenticated,
        word if FORBIDDEN.contains(&word) => Trouble::Forbidden,
        NOT_IN_PLAN => Trouble::NotInPlan,
        _ => Trouble::of_status(status, wish),
    }
}

/// `Retry-After`: seconds, or a date.
fn wished(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    (until.with_timezone(&Utc) - now).to_std().ok()
}

fn has_no_credentials(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|error| error.is::<CredentialsError>())
}

/// Whether the connection ended within the answer, as the HTTP client words it: its own type is of another crate.
fn broke_off(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|error| error.to_string().contains("before message completed"))
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_what_it_does_in_each_protocol() {
        let (skew, wish) = (Skew::default(), Some(Duration::from_secs(7)));
        let meant = |word, status| of_word(word, status, wish, &skew);
        for word in ["RequestLimitExceeded", "ThrottlingException", "RequestThrottled", "Client.RequestLimitExceeded"] {
            assert_eq!(meant(word, 503), Trouble::Throttled(wish), "{word}");
        }
        assert_eq!(
            [meant("RequestExpired", 400), meant("ExpiredTokenException", 400)],
            [Trouble::Expired, Trouble::Expired]
        );
        assert_eq!(meant("AuthFailure", 401), Trouble::Unauthenticated);
        for word in ["AccessDenied", "KMS.AccessDeniedException", "KmsAccessDenied"] {
            assert_eq!(meant(word, 400), Trouble::Forbidden, "{word}");
        }
        let asked = "sqs:ReceiveMessage";
        assert_eq!(permission("KMS.AccessDeniedException", asked), "kms:Decrypt on the queue's key");
        assert_eq!(permission("AccessDenied", asked), asked);
        assert_eq!(meant("SubscriptionRequiredException", 400), Trouble::NotInPlan);
        assert_eq!(meant("InternalError", 500), Trouble::Internal(wish));
        assert_eq!(meant("ValidationException", 400), Trouble::Unreadable);
    }

    #[test]
    fn a_signature_that_is_refused_while_the_clock_is_off_was_refused_for_its_time() {
        let skew = Skew::default();
        skew.set(600_000);
        for word in ["AuthFailure", "RequestExpired", "InvalidSignatureException", "RequestTimeTooSkewed"] {
            assert_eq!(of_word(word, 400, None, &skew), Trouble::Clock, "{word}");
        }
        assert_eq!(of_word("AccessDenied", 400, None, &skew), Trouble::Forbidden);
    }

    #[test]
    fn a_wish_is_seconds_or_a_date() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(wished("7", now), Some(Duration::from_secs(7)));
        assert_eq!(wished("Thu, 01 Jan 2026 00:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wished("Wed, 31 Dec 2025 00:00:00 GMT", now), None);
        assert_eq!(wished("soon", now), None);
    }
}
