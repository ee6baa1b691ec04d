//! What turns the feeds of an account into a small program of their own, the sidecar: settings, the loop around every feed,
//! what it tells of itself, the intake for neighbours, and what an adapter needs to call its provider with care.
//!
//! An adapter implements [`Adapter`], and its `main` is one line: `entente_sidecar::account::main::<Acme>()`.

mod adapter;
mod budget;
mod cadence;
mod carry;
mod cloudevents;
#[cfg(feature = "contract")]
pub mod contract;
mod counting;
mod devices;
mod health;
mod inbox;
mod intake;
mod link;
mod listen;
mod log;
mod metrics;
mod mistakes;
mod post;
mod preflight;
mod program;
mod reported;
mod runner;
mod secret;
mod seen;
mod sense;
mod serve;
mod settings;
mod skew;
mod socket;
mod stop;
mod tables;
mod trouble;
mod values;
mod watch;

pub use adapter::{AccountFeed, Adapter, Check, OpenError, Parts, Rate, Site};
pub use budget::{Budget, Key};
pub use cadence::Cadence;
pub use devices::{DeviceError, DeviceReport, DeviceSink, DeviceState};
pub use inbox::{Inbox, InboxError, Parcel, Receipt, Sender};
pub use listen::Listen;
pub use mistakes::{Mistake, Mistakes};
pub use preflight::{Found, Preflight, Row, preflight};
pub use program::main;
pub use runner::{Sidecar, StartError, intake_slug};
pub use secret::{Secret, SecretError};
pub use seen::SeenError;
pub use serve::ServeError;
pub use settings::{Layers, Settings};
pub use skew::Skew;
pub use tables::{Feed, Tables};
pub use trouble::Trouble;
pub use values::{Endpoint, Length};
