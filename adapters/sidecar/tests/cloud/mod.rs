//! A made-up cloud and the adapter to it: machines in pages, a queue whose messages have to be deleted, a webhook. It shows
//! what an adapter with an account consists of.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod adapter;
pub mod double;
mod flaw;
mod queue;
