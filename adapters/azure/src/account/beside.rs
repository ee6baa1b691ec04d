//! Several places asked beside each other: one that is slow does not hold up the others.

use futures::StreamExt as _;

/// How many are asked at once.
const AT_ONCE: usize = 4;

/// What each answered, in the order in which they are given.
pub(crate) async fn beside<F: Future>(asked: Vec<F>) -> Vec<F::Output> {
    let numbered = asked.into_iter().enumerate().map(|(number, asked)| async move { (number, asked.await) });
    let mut answers: Vec<_> = futures::stream::iter(numbered).buffer_unordered(AT_ONCE).collect().await;
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_that_is_slow_holds_up_nobody_and_answers_keep_their_order() {
        let began = tokio::time::Instant::now();
        let asked = (0..20_u64).map(|number| async move {
            tokio::time::sleep(Duration::from_secs(if number == 0 { 60 } else { 1 })).await;
            number
        });
        assert_eq!(beside(asked.collect()).await, (0..20).collect::<Vec<_>>());
        assert_eq!(began.elapsed().as_secs(), 60);
    }
}
