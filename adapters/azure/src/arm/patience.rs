//! What is tried again within one call: small troubles on the way, twice and at once. For longer ones the feed's own pace is
//! right, and a wish for a pause is never waited for within a call: the feed shows it, and comes back then.

use azure_core::http::StatusCode;
use azure_core::http::policies::{RetryHeaders, RetryPolicy};
use azure_core::time::Duration;

/// Tries after the first.
const AGAIN: u32 = 2;

#[derive(Clone, Copy, Debug)]
pub(super) struct Patience;

impl RetryPolicy for Patience {
    fn is_expired(&self, _: Duration, retries: u32) -> bool {
        retries >= AGAIN
    }

    fn retry_headers(&self) -> Option<&RetryHeaders> {
        None
    }

    fn retry_status_codes(&self) -> &[StatusCode] {
        use StatusCode::{BadGateway, GatewayTimeout, InternalServerError, RequestTimeout};
        &[RequestTimeout, InternalServerError, BadGateway, GatewayTimeout]
    }

    fn sleep_duration(&self, retries: u32) -> Duration {
        Duration::milliseconds(200 * i64::from(retries))
    }
}
