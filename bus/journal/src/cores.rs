//! Work for several cores at once: signing and verifying are the only costs of the log that a core feels.

use std::num::NonZero;
use std::thread;

/// Below this many items the threads would cost more than they save.
const WORTH_SPLITTING: usize = 32;

/// Applies `f` to every item, on all cores where it pays, and keeps the order. Blocks until all is done.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores == 1 || items.len() < WORTH_SPLITTING {
        return items.into_iter().map(f).collect();
    }
    let share = items.len().div_ceil(cores);
    let f = &f;
    thread::scope(|scope| {
        let parts: Vec<_> = split(items, share)
            .into_iter()
            .map(|part| scope.spawn(move || part.into_iter().map(f).collect::<Vec<R>>()))
            .collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn split<T>(mut items: Vec<T>, share: usize) -> Vec<Vec<T>> {
    let mut parts = Vec::new();
    while items.len() > share {
        let rest = items.split_off(share);
        parts.push(std::mem::replace(&mut items, rest));
    }
    parts.push(items);
    parts
}

#[cfg(test)]
mod tests {
    #[test]
    fn order_is_kept_whatever_the_number_of_items() {
        for count in [0usize, 1, 31, 32, 33, 1_000, 1_001] {
            let doubled = super::map((0..count).collect(), |n| n * 2);
            assert_eq!(doubled, (0..count).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
