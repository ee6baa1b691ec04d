//! Which claims are one incident: what they name, the rules that join, people's words about it, and what belongs where.

pub(crate) mod cluster;
pub(crate) mod cut;
pub(crate) mod facets;
pub(crate) mod ghost;
pub(crate) mod graph;
pub(crate) mod home;
pub(crate) mod place;
pub(crate) mod reach;
pub(crate) mod scene;
pub(crate) mod vertex;
