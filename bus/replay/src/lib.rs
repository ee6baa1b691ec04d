//! Looking back: the log as it stood at any moment, folded by the same code as the live picture. Reads records, never
//! NATS; time is an argument.
//!
//! [`AsOf`] is what was asked for, a [`Timeline`] turns a time into a position, an [`Archive`] keeps the records of the
//! log and some states on the way, so that any [`Cut`] is folded from the nearest one.

mod archive;
mod as_of;
mod milestones;
mod moment;
mod timeline;

pub use archive::{Archive, Cut};
pub use as_of::{AsOf, AsOfError, position};
pub use milestones::Milestones;
pub use moment::{Moment, MomentError, NoMoment, parse_moment, seconds};
pub use timeline::Timeline;
