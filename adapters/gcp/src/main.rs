//! `entente-gcp`: the sidecar that tells a sharing group what an account sees of Google Cloud.

use std::process::ExitCode;

use entente_gcp::account::Gcp;

fn main() -> ExitCode {
    entente_sidecar::account::main::<Gcp>()
}
