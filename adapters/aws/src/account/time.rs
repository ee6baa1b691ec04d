//! Instants of AWS: to the second, since fractions lose their last digit on the way.

use aws_sdk_ec2::primitives::DateTime as AwsTime;
use chrono::{DateTime, Utc};

const HALF_MS: u32 = 500_000;

/// The instant, to the second.
pub(super) fn time(time: &AwsTime) -> Option<DateTime<Utc>> {
    let more = time.subsec_nanos().saturating_add(HALF_MS) / 1_000_000_000;
    DateTime::from_timestamp(time.secs().saturating_add(i64::from(more)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_digit_makes_no_other_second() {
        let of = |nanos| time(&AwsTime::from_nanos(nanos).unwrap()).unwrap().timestamp();
        assert_eq!(of(1_589_077_890_529_000_000), 1_589_077_890);
        assert_eq!(of(1_589_077_889_999_999_000), 1_589_077_890);
        assert_eq!(of(1_589_077_889_998_000_000), 1_589_077_889);
    }
}
