//! Faults that a double plays instead of an answer: the ways in which real endpoints fail. What a refusal looks like on the
//! wire differs by provider, so each double words its own; how long it lasts and which calls it hits is the same for all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too many calls, in the provider's own words; with the pause that it wishes, where it names one.
    Throttled {
        /// `Retry-After`.
        retry_after: Option<Duration>,
    },
    /// Nothing is answered for so long, then the connection is closed.
    Stall(Duration),
    /// The answer ends in its middle.
    Truncated,
    /// The credentials are no longer valid.
    Expired,
    /// The caller may not make this call.
    Forbidden,
    /// The provider's clock is so many seconds ahead of ours, and it refuses what was signed too early or too late.
    ClockOff(i64),
    /// Something failed inside the provider.
    Internal,
}

/// A fault and the calls that it hits.
#[derive(Clone, Debug)]
struct Order {
    /// A part of the call's name or path; every call if empty.
    call: String,
    fault: Fault,
    /// How many calls are still hit; until it is lifted if none.
    left: Option<usize>,
}

/// The faults that a double is told to play. Clones are one list.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    orders: Arc<Mutex<Vec<Order>>>,
}

impl Faults {
    /// Plays a fault at the next `times` calls whose name or path contains `call`.
    pub fn play(&self, call: &str, fault: Fault, times: usize) {
        self.add(call, fault, Some(times));
    }

    /// Plays a fault at every such call until it is lifted.
    pub fn keep(&self, call: &str, fault: Fault) {
        self.add(call, fault, None);
    }

    /// Lifts all faults.
    pub fn lift(&self) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The fault that hits this call, if any; it is counted.
    #[must_use]
    pub fn take(&self, call: &str) -> Option<Fault> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let hit = orders.iter_mut().find(|order| call.contains(&order.call))?;
        let fault = hit.fault.clone();
        if let Some(left) = &mut hit.left {
            *left = left.saturating_sub(1);
        }
        orders.retain(|order| order.left != Some(0));
        Some(fault)
    }

    fn add(&self, call: &str, fault: Fault, left: Option<usize>) {
        let order = Order { call: call.to_owned(), fault, left };
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_hits_the_calls_it_names_as_often_as_was_said() {
        let faults = Faults::default();
        faults.play("DescribeEvents", Fault::Expired, 2);
        assert_eq!(faults.take("ListQueues"), None);
        assert_eq!([(); 3].map(|()| faults.take("DescribeEvents")), [Some(Fault::Expired), Some(Fault::Expired), None]);
        faults.keep("", Fault::Internal);
        assert_eq!((faults.take("a"), faults.take("b")), (Some(Fault::Internal), Some(Fault::Internal)));
        faults.lift();
        assert_eq!(faults.take("a"), None);
    }
}
