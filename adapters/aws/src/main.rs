//! The sidecar of an AWS account: what its checks, Health, its queue and its workflows tell.

use std::process::ExitCode;

fn main() -> ExitCode {
    entente_sidecar::account::main::<entente_aws::account::Aws>()
}
