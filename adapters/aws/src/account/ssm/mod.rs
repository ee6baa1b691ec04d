//! Systems Manager Automation: runs of documents that repair machines.

mod ask;
mod execution;
mod region;

pub(super) use ask::SsmAsk;
pub(super) use region::Common;

/// The native system.
pub(super) const SYSTEM: &str = "aws.ssm";
