//! The records that count: what the door lets in, and every object's revisions as the log holds them.

pub(crate) mod admit;
pub(crate) mod entry;
pub(crate) mod history;
pub(crate) mod objects;
pub(crate) mod place;
pub(crate) mod shared;
pub(crate) mod void;
