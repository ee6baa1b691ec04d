//! EC2: what the checks of machines say, region by region.

mod ask;
mod checks;
mod region;

pub(super) use ask::Ec2Ask;

/// The native system.
pub(super) const SYSTEM: &str = "aws.ec2";
