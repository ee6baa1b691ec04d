//! EC2: what the checks of machines say, region by region.

mod ask;
mod checks;
mod planned;
mod region;

pub(super) use ask::Ec2Ask;
pub(super) use planned::Planner;

/// The native system.
pub(super) const SYSTEM: &str = "aws.ec2";
