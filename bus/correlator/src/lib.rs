//! What is going on: the pure fold from the log to the shared picture. No I/O, no clock, no float, no order of hashing:
//! the same records, model and cut give the same bytes on every machine.

mod admit;
mod approach;
mod brief;
mod cause;
mod cluster;
mod count;
mod disagree;
mod entry;
mod explain;
mod facets;
mod fold;
mod graph;
mod history;
mod incident;
mod lane;
mod line;
mod matrix;
mod model;
mod objects;
mod owed;
pub mod picture;
mod place;
mod reach;
mod scene;
pub mod select;
mod sight;
mod success;
mod told;
mod unknown;
mod vertex;
mod view;
pub mod words;

pub use entry::{Entry, Order};
pub use fold::State;
pub use model::{Model, ModelError};
pub use objects::erases;
pub use scene::incident_id;
pub use view::memberships;
