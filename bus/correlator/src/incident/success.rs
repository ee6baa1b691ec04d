//! Observed success: the Wilson score interval at 95 % in whole numbers, so that every machine prints the same digits.
//! Below 30 known outcomes it is too early to say.

use crate::picture::Success;

/// Fewer outcomes than this say nothing yet.
pub const TOO_EARLY_BELOW: u64 = 30;

/// z = 1.96, squared, in ten-thousandths.
const Z2: u128 = 38_416;
/// z in ten-thousandths.
const Z: u128 = 19_600;
const MILLION: u128 = 1_000_000;

/// The rate of `succeeded` in `n` and its interval, parts per million, rounded outwards.
#[must_use]
pub fn observed(n: u64, succeeded: u64) -> Success {
    let succeeded = succeeded.min(n);
    let too_early = n < TOO_EARLY_BELOW;
    if n == 0 {
        return Success { n, succeeded, untold: 0, ppm: None, lo_ppm: None, hi_ppm: None, too_early };
    }
    let (lo, hi) = wilson(u128::from(n), u128::from(succeeded));
    let ppm = u128::from(succeeded) * MILLION / u128::from(n);
    let (ppm, lo_ppm, hi_ppm) = (Some(narrow(ppm)), Some(narrow(lo)), Some(narrow(hi)));
    Success { n, succeeded, untold: 0, ppm, lo_ppm, hi_ppm, too_early }
}

impl Success {
    /// The same outcomes beside `untold` others of which nobody says how they ended: a rate of those told alone would
    /// count the silent ones as if they had not been tried.
    #[must_use]
    pub fn beside(self, untold: u64) -> Self {
        if untold == 0 {
            return self;
        }
        Self { untold, ppm: None, lo_ppm: None, hi_ppm: None, ..self }
    }
}

fn narrow(ppm: u128) -> u32 {
    u32::try_from(ppm.min(MILLION)).unwrap_or(1_000_000)
}

/// (2s + z² ± z·√(z² + 4s(n−s)/n)) / 2(n + z²), all scaled by ten thousand. Counts above 2⁴⁶ are scaled down first.
fn wilson(n: u128, s: u128) -> (u128, u128) {
    let scale = n.div_ceil(1 << 46).max(1);
    let (n, s) = (n / scale, s / scale);
    let spread = Z2 * 10_000 + 4 * s * (n - s) * 100_000_000 / n;
    let half = Z * spread.isqrt() / 10_000;
    let centre = 2 * s * 10_000 + Z2;
    let below = 2 * (n * 10_000 + Z2);
    let lo = centre.saturating_sub(half + 1) * MILLION / below;
    let hi = ((centre + half + 1) * MILLION).div_ceil(below);
    (if s == 0 { 0 } else { lo }, if s == n { MILLION } else { hi.min(MILLION) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the closed formula in double precision.
    #[test]
    fn the_interval_is_wilsons() {
        for (n, s, lo, hi) in
            [(100_u64, 97_u64, 915_479_u32, 989_746_u32), (30, 15, 331_538, 668_461), (1_000, 0, 0, 3_827)]
        {
            let found = observed(n, s);
            let close = |a: Option<u32>, b: u32| a.is_some_and(|a| a.abs_diff(b) <= 3);
            assert!(close(found.lo_ppm, lo) && close(found.hi_ppm, hi), "{n} {s}: {found:?}");
        }
    }

    #[test]
    fn few_outcomes_are_too_early_and_none_give_no_rate() {
        assert!(observed(29, 29).too_early && !observed(30, 1).too_early);
        assert_eq!(observed(0, 0).ppm, None);
        let beside = observed(198, 198).beside(42);
        assert_eq!((beside.n, beside.untold, beside.ppm, beside.lo_ppm, beside.hi_ppm), (198, 42, None, None, None));
        assert_eq!(observed(198, 198).beside(0), observed(198, 198));
    }

    #[test]
    fn the_interval_holds_the_rate_up_to_the_greatest_count() {
        for n in [1_u64, 7, 30, 999, 8_500_000, 9_000_000_000_000_000] {
            for s in [0, 1, n / 3, n / 2, n - 1, n] {
                let found = observed(n, s);
                assert!(found.lo_ppm <= found.ppm && found.ppm <= found.hi_ppm, "{n} {s}: {found:?}");
            }
        }
    }
}
