//! `entente-vendor`: the sidecar that tells the bus what vendors advise and state, and counts a vendor's own devices.

use std::process::ExitCode;

use entente_vendor::Vendor;

fn main() -> ExitCode {
    entente_sidecar::account::main::<Vendor>()
}
