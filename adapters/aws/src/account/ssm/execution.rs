//! One execution of a document as SSM shows it: what it repairs, and how far it is. Pure. An execution on many machines
//! counts its steps, not its machines: those are its children.

use aws_sdk_ssm::types::AutomationExecutionMetadata;
use chrono::{DateTime, Utc};

use crate::account::machine::machine;
use crate::account::table::{Document, Stage, table};
use crate::account::time::time;

/// What an execution is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Many machines, each of which is a child.
    Many,
    /// One machine, which a child names.
    Child {
        /// The machine.
        machine: String,
    },
    /// One machine, which its parameters name.
    One,
    /// What another execution runs as a step. Where that one repairs machines, it is the one that counts.
    Step,
}

/// An execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Execution {
    pub(super) id: String,
    /// The execution that it is a part of.
    pub(super) parent: Option<String>,
    pub(super) scope: Scope,
    /// The document that it runs, by its place in the list.
    pub(super) document: usize,
    /// AWS's word for its state.
    pub(super) status: String,
    /// What that says; none if the word is not known.
    pub(super) stage: Option<Stage>,
    pub(super) began: Option<DateTime<Utc>>,
    pub(super) ended: Option<DateTime<Utc>>,
}

impl Execution {
    /// Reads an execution of one of these documents; nothing of others.
    pub(super) fn read(told: &AutomationExecutionMetadata, documents: &[Document]) -> Option<Self> {
        let id = told.automation_execution_id().filter(|id| !id.is_empty())?;
        let name = bare(told.document_name().unwrap_or_default());
        let fitting = documents.iter().enumerate().filter(|(_, document)| name.starts_with(&document.prefix));
        let (document, _) = fitting.max_by_key(|(_, document)| document.prefix.len())?;
        let status = told.automation_execution_status().map(|status| status.as_str()).unwrap_or_default();
        Some(Self {
            id: id.to_owned(),
            parent: told.parent_automation_execution_id().map(str::to_owned),
            scope: scope(told),
            document,
            status: status.to_owned(),
            stage: table().stage(status),
            began: told.execution_start_time().and_then(time),
            ended: told.execution_end_time().and_then(time),
        })
    }

    /// Whether it goes on; what is not known may.
    pub(super) fn is_open(&self) -> bool {
        self.stage.map_or(self.ended.is_none(), |stage| stage.open)
    }

    /// What came first stands first: of several repairs of one machine the last one says how it stands.
    pub(super) fn order(&self) -> (bool, Option<DateTime<Utc>>, Option<DateTime<Utc>>, &str) {
        (self.is_open(), self.ended, self.began, &self.id)
    }
}

/// The name of a document, which AWS gives as an ARN where it is shared by another account.
fn bare(name: &str) -> &str {
    name.rsplit_once(":document/").map_or(name, |(_, name)| name)
}

fn scope(told: &AutomationExecutionMetadata) -> Scope {
    let many = told.target_parameter_name().is_some() || !told.targets().is_empty() || !told.target_maps().is_empty();
    let machine = told.target().and_then(machine);
    match (told.parent_automation_execution_id(), machine) {
        (Some(_), Some(machine)) => Scope::Child { machine },
        // The part of one region, of a run in several, has children of its own.
        _ if many => Scope::Many,
        (Some(_), None) => Scope::Step,
        (None, _) => Scope::One,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::types::builders::AutomationExecutionMetadataBuilder;
    use entente_sidecar::fleet::Progress;

    use super::*;

    fn told(name: &str, status: &str) -> AutomationExecutionMetadataBuilder {
        let status = status.into();
        AutomationExecutionMetadata::builder()
            .automation_execution_id("e")
            .document_name(name)
            .automation_execution_status(status)
    }

    fn read(told: AutomationExecutionMetadataBuilder) -> Option<Execution> {
        Execution::read(&told.build(), &table().documents)
    }

    #[test]
    fn only_documents_that_are_listed_are_read_and_the_longest_prefix_wins() {
        let read =
            |name: &str| read(told(name, "InProgress")).map(|one| table().documents[one.document].approach.clone());
        assert_eq!(read("AWSSupport-StartEC2RescueWorkflow").as_deref(), Some("aws-ssm-start-ec2-rescue"));
        assert_eq!(
            read("arn:aws:ssm:us-east-1:011122335622:document/AWS-RestartEC2Instance").as_deref(),
            Some("aws-ssm-restart")
        );
        assert_eq!(read("AWS-UpdateLinuxAmi"), None);
    }

    #[test]
    fn parents_children_and_steps_are_told_apart() {
        let name = "AWSSupport-StartEC2RescueWorkflow";
        let scope = |told| read(told).unwrap().scope;
        assert_eq!(scope(told(name, "InProgress")), Scope::One);
        assert_eq!(scope(told(name, "InProgress").target_parameter_name("InstanceId")), Scope::Many);
        let child = || told(name, "Pending").parent_automation_execution_id("p");
        assert_eq!(
            scope(child().target("i-00ddbf07ce6372082")),
            Scope::Child { machine: "i-00ddbf07ce6372082".into() }
        );
        assert_eq!(scope(child()), Scope::Step);
        assert_eq!(scope(child().target_parameter_name("InstanceId")), Scope::Many, "the part of one region");
    }

    #[test]
    fn a_state_that_is_not_known_is_open_until_it_has_an_end() {
        let name = "AWS-RestartEC2Instance";
        let strange = read(told(name, "Levitating")).unwrap();
        assert_eq!((strange.stage, strange.is_open()), (None, true));
        let over =
            read(told(name, "Success").execution_end_time(aws_sdk_ssm::primitives::DateTime::from_secs(7))).unwrap();
        assert_eq!((over.stage.map(|stage| stage.progress), over.is_open()), (Some(Progress::Ended), false));
    }
}
