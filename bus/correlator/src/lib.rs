//! What is going on: the pure fold from the log to the shared picture. No I/O, no clock, no float, no order of hashing:
//! the same records, model and cut give the same bytes on every machine.

pub mod picture;
pub mod select;
