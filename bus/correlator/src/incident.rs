//! One incident's view, a part a file: lanes, disagreements, unknowns, causes, repairs, figures, what was told and what is
//! owed, why its members are one, and the eight answers.

pub(crate) mod answer;
pub(crate) mod approach;
pub(crate) mod brief;
pub(crate) mod cause;
pub(crate) mod core;
pub(crate) mod count;
pub(crate) mod disagree;
pub(crate) mod explain;
pub(crate) mod lane;
pub(crate) mod line;
pub(crate) mod owed;
pub(crate) mod reach;
pub(crate) mod success;
pub(crate) mod told;
pub(crate) mod unknown;
