//! Every sentence of `CONTRACT.md`, executed against an adapter. An adapter's `tests/contract.rs` implements [`Subject`] over
//! the double of its provider and calls [`run`]; nothing else is to be written there:
//!
//! ```ignore
//! #[tokio::test(flavor = "multi_thread")]
//! async fn the_contract_is_kept() {
//!     entente_sidecar::contract::run(AcmeSubject::start().await).await;
//! }
//! ```
//!
//! The crate has `entente-sidecar = { workspace = true, features = ["contract"] }` among its dev-dependencies. The contract
//! starts a nats-server and the adapter's whole sidecar in this process, on the settings that the subject gives, and looks at
//! nothing but the log, the beats and what the sidecar answers over HTTP.

mod subject;

pub use subject::{Call, Fault, Subject};
