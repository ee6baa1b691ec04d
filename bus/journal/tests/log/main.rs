//! The log's promises on a real nats-server: nothing lost, nothing doubled, nothing taken that no client should send.

mod kills;
mod outbox;
mod server;
mod topology;
mod traps;
mod trial;
mod verify;
mod way;
