//! The calls that this adapter makes: what each needs, and how often it is made at most. None changes anything but the
//! visibility of messages in the queue that is the adapter's own.

use entente_sidecar::account::Rate;

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    /// Its name in settings, states and checks.
    pub(crate) name: &'static str,
    /// The permission, as policies name it.
    pub(crate) permission: &'static str,
}

macro_rules! apis {
    ($($constant:ident = $name:literal, $permission:literal, $per_minute:literal;)*) => {
        $(pub(crate) const $constant: Api = Api { name: $name, permission: $permission };)*
        /// Calls a minute for each region.
        pub(crate) const RATES: &[Rate] = &[$(Rate { api: $name, per_minute: $per_minute }),*];
    };
}

// A fifth of what AWS publishes for describing calls, of what is usual where it publishes nothing.
apis! {
    DESCRIBE_REGIONS = "ec2.DescribeRegions", "ec2:DescribeRegions", 12;
    DESCRIBE_INSTANCE_STATUS = "ec2.DescribeInstanceStatus", "ec2:DescribeInstanceStatus", 240;
    DESCRIBE_INSTANCES = "ec2.DescribeInstances", "ec2:DescribeInstances", 240;
    DESCRIBE_EVENTS = "health.DescribeEvents", "health:DescribeEvents", 30;
    DESCRIBE_EVENT_DETAILS = "health.DescribeEventDetails", "health:DescribeEventDetails", 30;
    DESCRIBE_AFFECTED_ENTITIES = "health.DescribeAffectedEntities", "health:DescribeAffectedEntities", 60;
    DESCRIBE_EVENTS_FOR_ORGANIZATION =
        "health.DescribeEventsForOrganization", "health:DescribeEventsForOrganization", 30;
    DESCRIBE_EVENT_DETAILS_FOR_ORGANIZATION =
        "health.DescribeEventDetailsForOrganization", "health:DescribeEventDetailsForOrganization", 30;
    DESCRIBE_AFFECTED_ACCOUNTS_FOR_ORGANIZATION =
        "health.DescribeAffectedAccountsForOrganization", "health:DescribeAffectedAccountsForOrganization", 30;
    DESCRIBE_AFFECTED_ENTITIES_FOR_ORGANIZATION =
        "health.DescribeAffectedEntitiesForOrganization", "health:DescribeAffectedEntitiesForOrganization", 60;
    RECEIVE_MESSAGE = "sqs.ReceiveMessage", "sqs:ReceiveMessage", 600;
    DELETE_MESSAGE = "sqs.DeleteMessage", "sqs:DeleteMessage", 600;
    CHANGE_MESSAGE_VISIBILITY = "sqs.ChangeMessageVisibility", "sqs:ChangeMessageVisibility", 600;
    DESCRIBE_AUTOMATION_EXECUTIONS = "ssm.DescribeAutomationExecutions", "ssm:DescribeAutomationExecutions", 120;
    GET_AUTOMATION_EXECUTION = "ssm.GetAutomationExecution", "ssm:GetAutomationExecution", 120;
}
