//! Time as a device keeps it: one number of minutes, which is the moment when its episode began while that is open, and how
//! long its last one took once that is over.

/// 1 January 2020 in seconds since 1970: moments are counted from there, for 31 years.
const EPOCH: i64 = 1_577_836_800;

/// A moment or a span; 0 where nobody knows. 24 bits, so that a row of the table has 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Minutes(u32);

impl Minutes {
    pub(crate) const UNKNOWN: Self = Self(0);
    pub(crate) const MAX: u32 = (1 << 24) - 1;

    /// The number as it is written; none if it is none.
    pub(crate) fn new(number: u32) -> Option<Self> {
        (number <= Self::MAX).then_some(Self(number))
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    /// A moment in seconds since 1970. Those before 2020 or after 2051 count as the first or the last there is.
    pub(crate) fn at(unix: i64) -> Self {
        let minute = unix.saturating_sub(EPOCH).div_euclid(60).clamp(0, i64::from(Self::MAX - 1));
        Self(u32::try_from(minute).unwrap_or(0) + 1)
    }

    /// From this moment to that one; a part of a minute counts as one. Unknown if the first is, or lies behind the other.
    pub(crate) fn until(self, end: Self) -> Self {
        let span = end.0.checked_sub(self.0).filter(|_| self != Self::UNKNOWN);
        span.map_or(Self::UNKNOWN, |minutes| Self(minutes.max(1)))
    }

    /// A span rounded up, by less than a sixteenth: so few different ones that devices can be counted by it.
    pub(crate) fn rounded(self) -> u32 {
        let bits = self.0.checked_ilog2().unwrap_or(0).saturating_sub(4);
        self.0 | ((1 << bits) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_between_moments_and_unknown_where_one_is() {
        let at = |minute: i64| Minutes::at(1_721_361_600 + 60 * minute);
        let span = |from: i64, to: i64| at(from).until(at(to)).number();
        assert_eq!([span(0, 0), span(0, 1), span(0, 90), span(5, 4), span(-9, 9)], [1, 1, 90, 0, 18]);
        assert_eq!(Minutes::UNKNOWN.until(at(7)), Minutes::UNKNOWN);
        assert_eq!([Minutes::at(i64::MIN), Minutes::at(EPOCH), Minutes::at(EPOCH + 59)], [Minutes(1); 3]);
        assert_eq!(Minutes::at(i64::MAX).number(), Minutes::MAX);
        assert_eq!(Minutes::new(Minutes::MAX + 1), None);
    }

    #[test]
    fn rounding_keeps_the_order_and_adds_less_than_a_sixteenth() {
        let (mut last, mut different) = (0, 0);
        for number in (0..5_000).chain((5_000..=Minutes::MAX).step_by(97)).chain([Minutes::MAX]) {
            let rounded = Minutes(number).rounded();
            assert!(rounded >= last && rounded >= number && 16 * (rounded - number) <= number, "{number}: {rounded}");
            different += usize::from(rounded > last);
            last = rounded;
        }
        assert!(different < 340 && last <= Minutes::MAX, "{different}");
    }
}
