//! Kill points: places where a test ends this process as `kill -9` would, to prove that nothing is lost or doubled.
//!
//! `ENTENTE_KILL_AT=<point>[:N]` kills at the N-th passage (1 if not given) of `outbox-written`, `published`,
//! `acknowledged` or `committed`. Unset, a passage costs one atomic load.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// A place in the way of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// The outbox has the event on disk; nobody was told.
    OutboxWritten,
    /// The event was handed to the bus.
    Published,
    /// The log has acknowledged the event; the outbox does not know yet.
    Acknowledged,
    /// The outbox has written down that the log has it.
    Committed,
}

struct Order {
    point: Point,
    remaining: AtomicU64,
}

static ORDER: OnceLock<Option<Order>> = OnceLock::new();

/// Passes a kill point.
pub(crate) fn pass(point: Point) {
    let order = ORDER.get_or_init(|| std::env::var("ENTENTE_KILL_AT").ok().as_deref().and_then(parse));
    let Some(order) = order.as_ref().filter(|order| order.point == point) else { return };
    if order.remaining.fetch_sub(1, Ordering::SeqCst) == 1 {
        // Nothing is left to do with an error: the process asked for its own end.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

fn parse(text: &str) -> Option<Order> {
    let (name, count) = text.split_once(':').unwrap_or((text, "1"));
    let point = match name {
        "outbox-written" => Point::OutboxWritten,
        "published" => Point::Published,
        "acknowledged" => Point::Acknowledged,
        "committed" => Point::Committed,
        _ => return None,
    };
    Some(Order { point, remaining: AtomicU64::new(count.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read() {
        let order = parse("published:3").unwrap();
        assert_eq!((order.point, order.remaining.into_inner()), (Point::Published, 3));
        assert_eq!(parse("committed").unwrap().remaining.into_inner(), 1);
        assert!(parse("elsewhere").is_none() && parse("published:x").is_none());
    }
}
