//! The feeds of what Azure itself says: of its services' health, of single resources, and on its page of emerging issues.

pub(crate) mod emerging;
pub(crate) mod resources;
pub(crate) mod services;
