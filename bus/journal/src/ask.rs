//! Bounded asks.
