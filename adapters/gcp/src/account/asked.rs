//! Several places are asked for one answer: projects, zones. What those told that answered counts, and what one lacks is told
//! beside it; only if none answered there is no answer.

use entente_sidecar::Told;
use entente_sidecar::item::Reading;
use entente_sidecar::poll::Failure;

/// How the places answered.
pub(crate) struct Asked {
    /// What a place is.
    place: &'static str,
    places: usize,
    failures: Vec<Failure>,
    /// What did not come beside that.
    beside: Vec<Failure>,
}

impl Asked {
    /// Nobody was asked yet.
    pub(crate) fn of(place: &'static str) -> Self {
        Self { place, places: 0, failures: Vec::new(), beside: Vec::new() }
    }

    /// Takes note of how a place answered, and gives what it told.
    pub(crate) fn note<T>(&mut self, answer: Result<T, Failure>) -> Option<T> {
        self.places += 1;
        match answer {
            Ok(told) => Some(told),
            Err(failure) => {
                self.failures.push(failure);
                None
            }
        }
    }

    /// Whether a place answered.
    pub(crate) fn any(&self) -> bool {
        self.failures.len() < self.places
    }

    /// Whether all of them did.
    pub(crate) fn all(&self) -> bool {
        self.failures.is_empty()
    }

    /// Takes note of what else did not come, beside the answers of the places.
    pub(crate) fn lack(&mut self, failures: Vec<Failure>) {
        self.beside.extend(failures);
    }

    /// The answer of all together.
    ///
    /// # Errors
    /// If no place answered.
    pub(crate) fn told(self, mut reading: Reading) -> Result<Told, Failure> {
        let (places, failed, place) = (self.places, self.failures.len(), self.place);
        let Some(mut failure) = self.failure() else { return Ok(Told::Reading(reading)) };
        if failed > 0 && failed == places {
            return Err(failure);
        }
        if failed > 0 {
            failure.error.text = format!("{failed} of {places} ({place}) did not answer; {}", failure.error.text);
        }
        reading.lacks = Some(Box::new(failure));
        Ok(Told::Reading(reading))
    }

    /// The first failure, with the longest pause that was wished for.
    fn failure(self) -> Option<Failure> {
        let mut all = self.failures.into_iter().chain(self.beside);
        let first = all.next()?;
        let pause = all.filter_map(|failure| failure.retry_after).chain(first.retry_after).max();
        Some(Failure { retry_after: pause, ..first })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_fails_is_told_beside_what_the_others_said() {
        let pause = Some(Duration::from_secs(7));
        let failed = || Failure { retry_after: pause, ..Failure::new("forbidden", "x: not permitted") };
        let mut asked = Asked::of("project");
        assert_eq!((asked.note(Ok(1)), asked.note::<u8>(Err(failed()))), (Some(1), None));
        let Ok(Told::Reading(reading)) = asked.told(Reading::default()) else { panic!("no answer") };
        let lacks = reading.lacks.unwrap();
        assert_eq!(lacks.error.text, "1 of 2 (project) did not answer; x: not permitted");
        assert_eq!(lacks.retry_after, pause);

        let mut none = Asked::of("project");
        assert_eq!(none.note::<u8>(Err(failed())), None);
        assert_eq!(none.told(Reading::default()).unwrap_err().error.code, "forbidden");
        assert!(matches!(Asked::of("project").told(Reading::default()), Ok(Told::Reading(_))));
    }
}
