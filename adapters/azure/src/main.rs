//! `entente-azure`: the sidecar that tells the bus what an account at Azure sees.

use std::process::ExitCode;

use entente_azure::Azure;

fn main() -> ExitCode {
    entente_sidecar::account::main::<Azure>()
}
