//! What several places answered, and what those said that did not.

use entente_sidecar::poll::Failure;

/// How many places were asked, and why some did not answer.
#[derive(Default)]
pub(crate) struct Lack {
    asked: usize,
    failed: Vec<Failure>,
}

impl Lack {
    /// Takes note of a place's answer.
    pub(crate) fn note<T>(&mut self, answer: Result<T, Failure>) -> Option<T> {
        self.asked += 1;
        answer.map_err(|failure| self.failed.push(failure)).ok()
    }

    /// Whether all answered so far.
    pub(crate) fn is_none(&self) -> bool {
        self.failed.is_empty()
    }

    /// What is lacking, in words that name no place; an error where nobody answered at all. The longest pause that was
    /// wished for is kept.
    pub(crate) fn told(self) -> Result<Option<Box<Failure>>, Failure> {
        let (asked, failed) = (self.asked, self.failed.len());
        let longest = self.failed.iter().filter_map(|failure| failure.retry_after).max();
        let Some(mut first) = self.failed.into_iter().next() else { return Ok(None) };
        first.retry_after = longest;
        if failed == asked {
            return Err(first);
        }
        first.error.text = format!("{failed} of {asked} calls failed, {}", first.error.text);
        Ok(Some(Box::new(first)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_some_lack_is_told_and_what_all_lack_is_a_failure() {
        let fail =
            |seconds| Failure { retry_after: Some(Duration::from_secs(seconds)), ..Failure::new("throttled", "later") };
        let mut lack = Lack::default();
        assert_eq!((lack.note(Ok(1)), lack.is_none()), (Some(1), true));
        assert_eq!(lack.note::<u8>(Err(fail(3))), None);
        assert_eq!((lack.note::<u8>(Err(fail(9))), lack.is_none()), (None, false));
        let told = lack.told().unwrap().unwrap();
        assert_eq!(
            (told.error.text.as_str(), told.retry_after),
            ("2 of 3 calls failed, later", Some(Duration::from_secs(9)))
        );
        let mut lack = Lack::default();
        lack.note::<u8>(Err(fail(3)));
        assert_eq!(lack.told().unwrap_err().error.text, "later");
        assert_eq!(Lack::default().told().unwrap(), None);
    }
}
