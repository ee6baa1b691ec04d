//! The edge toward Google Cloud: its feeds into claims. The public feed needs no account; feeds of an account come behind
//! the feature `account`.

#[cfg(feature = "account")]
pub mod account;
mod normalize;
mod public;

pub use public::public;
