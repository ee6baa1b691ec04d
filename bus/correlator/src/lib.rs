//! What is going on: the pure fold from the log to the shared picture. No I/O, no clock, no float, no order of hashing:
//! the same records, model and cut give the same bytes on every machine.

mod denial;
mod fold;
mod incident;
mod join;
mod matrix;
mod model;
pub mod picture;
mod record;
pub mod select;
mod sight;
mod view;
pub mod words;

pub use fold::State;
pub use join::scene::incident_id;
pub use model::{Model, ModelError};
pub use record::entry::{Entry, Order};
pub use record::place::Place;
pub use record::shared::Shared;
pub use view::{Page, Span};
