//! Why a provider did not answer as it should, in words that are the same for all providers: a stable code for machines,
//! and for people what happened and what to do next.

use std::time::Duration;

use crate::poll::Failure;

/// A way in which a call fails. Which answer of a provider means which is the adapter's knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Too many calls; with the pause that the provider wishes, where it names one.
    Throttled(Option<Duration>),
    /// The credentials are there and no longer valid.
    Expired,
    /// No credentials were found, or they are unknown.
    Unauthenticated,
    /// The caller may not make this call.
    Forbidden,
    /// The account's plan does not hold this API.
    NotInPlan,
    /// No connection.
    Unreachable,
    /// No answer in time.
    Stalled,
    /// The answer broke off, or is not whole.
    Truncated,
    /// The signature was refused for its time.
    Clock,
    /// Something failed inside the provider.
    Internal(Option<Duration>),
    /// The answer is not of the form that was agreed.
    Unreadable,
}

impl Trouble {
    /// The kind of a plain HTTP status, where the body tells nothing better. `retry_after` is the header, read.
    #[must_use]
    pub fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            408 => Self::Stalled,
            429 => Self::Throttled(retry_after),
            500.. => Self::Internal(retry_after),
            _ => Self::Unreadable,
        }
    }

    /// The stable code that beats, states and metrics carry.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Throttled(_) => "throttled",
            Self::Expired => "expired",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotInPlan => "not-in-plan",
            Self::Unreachable => "unreachable",
            Self::Stalled => "stalled",
            Self::Truncated => "truncated",
            Self::Clock => "clock",
            Self::Internal(_) => "provider-error",
            Self::Unreadable => "unreadable",
        }
    }

    /// The failure of a call to `api`. `detail` is the provider's own word for it, as `RequestLimitExceeded`; never a
    /// message of its, which may name an account. `permission` is what the call needs.
    #[must_use]
    pub fn failure(&self, api: &str, permission: &str, detail: &str) -> Failure {
        let detail: String = detail.chars().filter(|c| !c.is_control()).take(80).collect();
        let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
        let text = format!("{api}: {}{detail}; {}", self.what(), self.next(permission));
        Failure { retry_after: self.retry_after(), ..Failure::new(self.code(), text) }
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::Throttled(after) | Self::Internal(after) = self { *after } else { None }
    }

    fn what(&self) -> &'static str {
        match self {
            Self::Throttled(_) => "the provider takes no more calls for now",
            Self::Expired => "the credentials have expired",
            Self::Unauthenticated => "the provider does not know who calls",
            Self::Forbidden => "the call is not permitted",
            Self::NotInPlan => "the account's support plan does not hold this API",
            Self::Unreachable => "the provider cannot be reached",
            Self::Stalled => "the provider did not answer in time",
            Self::Truncated => "the answer broke off",
            Self::Clock => "the signature was refused for its time",
            Self::Internal(_) => "something failed inside the provider",
            Self::Unreadable => "the answer is not of the expected form",
        }
    }

    fn next(&self, permission: &str) -> String {
        match self {
            Self::Throttled(_) => "it is asked again later; lower its rate under [budget] if this stays".to_owned(),
            Self::Expired => "they are read anew at each call: renew them where they come from".to_owned(),
            Self::Unauthenticated => "give the sidecar an identity, or mend the one it has".to_owned(),
            Self::Forbidden => format!("grant {permission} to the sidecar's identity"),
            Self::NotInPlan => "change the plan, or switch the feed off in the settings".to_owned(),
            Self::Unreachable => "look at network, proxy and the endpoint in the settings".to_owned(),
            Self::Stalled => "it is asked again; raise `timeout` if this stays".to_owned(),
            Self::Clock => "set this machine's clock by NTP".to_owned(),
            Self::Truncated | Self::Internal(_) => "it is asked again".to_owned(),
            Self::Unreadable => {
                "look for a newer adapter, or for something between that answers in its place".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_code_words_and_the_next_step() {
        let failure = Trouble::Forbidden.failure("acme.List", "acme:List", "AccessDenied\n");
        assert_eq!(failure.error.code, "forbidden");
        let told = "acme.List: the call is not permitted (AccessDenied); grant acme:List to the sidecar's identity";
        assert_eq!(failure.error.text, told);
    }

    #[test]
    fn a_status_has_a_kind_and_the_provider_s_wish_is_kept() {
        let wish = Some(Duration::from_secs(7));
        let of = |status| Trouble::of_status(status, wish);
        assert_eq!(of(429).failure("a", "b", "").retry_after, wish);
        assert_eq!(of(503), Trouble::Internal(wish));
        assert_eq!([of(401), of(403), of(404)], [Trouble::Unauthenticated, Trouble::Forbidden, Trouble::Unreadable]);
    }
}
