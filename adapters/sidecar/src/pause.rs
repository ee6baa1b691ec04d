//! The pause between two polls. It ends by whichever clock comes to its end first: a machine that was suspended counts that
//! time by the wall's clock alone, and a wall's clock that was set back must not hold up a feed.

use std::time::{Duration, Instant, SystemTime};

use tokio::time::sleep;

/// The longest that no clock is looked at.
const STEP: Duration = Duration::from_secs(10);

/// Waits for so long.
pub(crate) async fn pause(length: Duration) {
    let (began, by_wall) = (Instant::now(), SystemTime::now());
    while let Some(rest) = rest(length, began.elapsed(), by_wall.elapsed().unwrap_or_default()) {
        sleep(rest).await;
    }
}

/// What is left to wait before the clocks are looked at again, after what each of them counted.
fn rest(length: Duration, running: Duration, by_wall: Duration) -> Option<Duration> {
    let left = length.saturating_sub(running.max(by_wall));
    (!left.is_zero()).then_some(left.min(STEP))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_pause_ends_by_either_clock_and_is_looked_at_in_steps() {
        assert_eq!(rest(SECOND * 60, SECOND * 5, SECOND * 5), Some(STEP));
        assert_eq!(rest(SECOND * 60, SECOND * 57, SECOND * 57), Some(SECOND * 3));
        assert_eq!(rest(SECOND * 900, SECOND * 5, SECOND * 28_800), None, "the machine slept");
        assert_eq!(rest(SECOND * 60, SECOND * 60, Duration::ZERO), None, "the wall's clock was set back");
        assert_eq!(rest(Duration::ZERO, Duration::ZERO, Duration::ZERO), None);
        assert_eq!(rest(Duration::MAX, SECOND, SECOND), Some(STEP));
    }
}
