//! What the contract needs to know of an adapter and its double.

use std::collections::BTreeSet;
use std::time::Duration;

use entente_schemas::family::Family;

use super::super::adapter::Adapter;

/// A fault that the double plays, at every call, until it is lifted. Each double words it as its provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Too many calls; with the pause that is wished, where one is named.
    Throttled(Option<Duration>),
    /// Nothing is answered for longer than the settings' `timeout`.
    Stalled,
    /// The answer ends in its middle.
    Truncated,
    /// The credentials have expired.
    Expired,
    /// The caller may not make the call.
    Forbidden,
    /// The provider's clock is ten minutes ahead of ours, and it refuses what was signed too early or too late. Providers
    /// that sign nothing by time only date their answers so.
    ClockOff,
}

/// One call that the double got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What was called, in words for whoever reads a failed test.
    pub name: String,
    /// Whether it could change, stop or delete anything at the provider. Taking note of a queue's message that the log has
    /// is `acknowledges` instead.
    pub changes: bool,
    /// Whether it tells the provider to forget what it delivered: deleting a message of a queue.
    pub acknowledges: bool,
}

/// An adapter beside the double of its provider.
///
/// The double begins with all well: machines, and nothing wrong with any. [`trouble`](Subject::trouble) breaks some of them,
/// or posts an incident, so that at least one feed has an impact to tell; [`cure`](Subject::cure) ends that.
pub trait Subject: Send + Sync {
    /// The adapter.
    type Adapter: Adapter;

    /// Its settings as TOML: `[endpoints]` at the double, its own table with credentials of the double, every feed that the
    /// double can serve. Keys that stand outside tables (`org`, `bus`, `data`, `timeout`, ...) are the contract's: do not
    /// set them. The contract asks for `every = "200ms"`, `incident_every = "100ms"` and `timeout = "1s"`.
    fn settings(&self) -> String;

    /// The feeds of the settings that ask, by slug, and that must show a state under every fault. Feeds that wait to be
    /// called, such as webhooks, are left out.
    fn asking(&self) -> Vec<String>;

    /// Makes trouble that the adapter must tell. If it is made and ended several times, each is told anew.
    fn trouble(&self);

    /// What the adapter says of the trouble.
    fn tells(&self) -> Family {
        Family::Impact
    }

    /// Ends the trouble.
    fn cure(&self);

    /// Plays a fault at every call, until lifted; the one before is lifted.
    fn play(&self, fault: Fault);

    /// Lifts the fault.
    fn lift(&self);

    /// The calls that the double got so far.
    fn calls(&self) -> Vec<Call>;

    /// Everything that the double gives out and that must never be heard on a bus: ids of accounts, machines, disks and
    /// runs, names, addresses with secrets in them.
    fn secrets(&self) -> BTreeSet<String>;

    /// Puts one item that no adapter can take among the double's answers, beside good ones, until the trouble is ended. False
    /// if an answer of this provider is taken whole or not at all.
    fn garble(&self) -> bool {
        false
    }

    /// The settings as TOML without any signal from inside the machines, if the adapter's provider does not show guests by
    /// itself: then trouble inside them must be `unknown`, never nothing and never nought. None where the provider shows it.
    fn sightless(&self) -> Option<String> {
        None
    }
}
