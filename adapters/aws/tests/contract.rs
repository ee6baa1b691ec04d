//! Every sentence of the sidecars' contract, kept by the adapter against its double.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at what it did not expect")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entente_aws::account::Aws;
use entente_exercise::aws::{Aws as Double, Entity, HealthEvent, instance_id};
use entente_exercise::{Condition, Fault as Played, Faults, Fleet, Os};
use entente_sidecar::contract::{Call, Fault, Subject, run};
use serde_json::json;

struct AwsSubject {
    double: Double,
    folder: tempfile::TempDir,
    machines: Vec<usize>,
    troubles: AtomicUsize,
}

impl AwsSubject {
    async fn start() -> Self {
        let (fleet, since) = (Fleet::new(), Utc::now() - TimeDelta::days(30));
        let mut machines = fleet.add(8, Os::Windows, ("us-east-1", "us-east-1a"), false, since);
        machines.extend(fleet.add(8, Os::Windows, ("us-east-1", "us-east-1b"), false, since));
        fleet.add(4, Os::Linux, ("eu-west-1", "eu-west-1a"), false, since);
        let folder = tempfile::tempdir().unwrap();
        let key = "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI\n";
        std::fs::write(folder.path().join("credentials"), key).unwrap();
        std::fs::write(folder.path().join("config"), "").unwrap();
        let double = Double::start(fleet, Faults::default()).await.unwrap();
        Self { double, folder, machines, troubles: AtomicUsize::new(0) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tell(&self, status: &'static str, now: DateTime<Utc>) {
        let number = self.troubles.load(Ordering::Relaxed);
        let hit = self.machines.iter().take(6).map(|machine| Entity {
            value: instance_id(*machine),
            account: entente_exercise::aws::ACCOUNT.to_owned(),
            status: Some(if status == "open" { "IMPAIRED" } else { "RESOLVED" }),
        });
        self.double.health().tell(HealthEvent {
            arn: format!(
                "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/AWS_EC2_OPERATIONAL_ISSUE_{number}"
            ),
            service: "EC2".to_owned(),
            code: "AWS_EC2_OPERATIONAL_ISSUE".to_owned(),
            category: "issue",
            scope: "ACCOUNT_SPECIFIC",
            region: "us-east-1".to_owned(),
            status,
            start: now,
            end: (status == "closed").then_some(now),
            updated: now,
            text: format!("Your instance {} does not answer.", instance_id(self.machines[0])),
            entities: hit.collect(),
        });
    }

    fn send(&self, now: DateTime<Utc>) {
        let number = self.troubles.load(Ordering::Relaxed);
        let machine = instance_id(self.machines[1]);
        let message = json!({
            "version": "0", "detail-type": "AWS Health Event", "source": "aws.health",
            "account": entente_exercise::aws::ACCOUNT, "time": now.to_rfc3339(), "region": "us-east-1",
            "detail": {
                "eventArn": format!("arn:aws:health:us-east-1::event/EBS/AWS_EBS_DEGRADED_{number}"),
                "service": "EBS", "eventTypeCode": "AWS_EBS_DEGRADED_EBS_VOLUME_PERFORMANCE",
                "eventTypeCategory": "issue", "statusCode": "open", "communicationId": number.to_string(),
                "startTime": now.to_rfc2822(), "lastUpdatedTime": now.to_rfc2822(), "eventRegion": "us-east-1",
                "eventDescription": [{ "language": "en_US", "latestDescription": format!("Volumes of {machine} are slow.") }],
                "affectedEntities": [{ "entityValue": machine, "status": "IMPAIRED" }],
            },
        });
        self.double.queue().send(message.to_string());
    }
}

impl Subject for AwsSubject {
    type Adapter = Aws;

    fn settings(&self) -> String {
        let url = self.double.url();
        let rates = [
            "ec2.DescribeRegions",
            "ec2.DescribeInstanceStatus",
            "ec2.DescribeInstances",
            "health.DescribeEvents",
            "health.DescribeEventDetails",
            "health.DescribeAffectedEntities",
            "ssm.DescribeAutomationExecutions",
            "ssm.GetAutomationExecution",
        ];
        let rates: String = rates.iter().map(|api| format!("\"{api}\" = 60000\n")).collect();
        format!(
            "[endpoints]\nec2 = \"{url}\"\nhealth = \"{url}\"\nsqs = \"{url}\"\nssm = \"{url}\"\n[budget]\n{rates}\
             [aws]\nconfig_file = \"{}\"\ncredentials_file = \"{}\"\nattempts = 1\n\
             [feeds.aws-ec2]\n[feeds.aws-ssm]\n[feeds.aws-health]\n[feeds.aws-events]\nqueue_url = \"{}\"\n",
            self.file("config").display(),
            self.file("credentials").display(),
            self.double.queue_url(),
        )
    }

    fn asking(&self) -> Vec<String> {
        ["aws-ec2", "aws-ssm", "aws-health", "aws-events"].map(str::to_owned).to_vec()
    }

    fn trouble(&self) {
        let now = Utc::now();
        self.troubles.fetch_add(1, Ordering::Relaxed);
        self.double.fleet().set(self.machines.iter().copied().take(12), &Condition::BootLoop, now);
        self.double.automations().start_many(
            "us-east-1",
            "AWSSupport-StartEC2RescueWorkflow",
            &self.machines[..4],
            now,
        );
        self.tell("open", now);
        self.send(now);
    }

    fn cure(&self) {
        let now = Utc::now();
        self.double.fleet().set(self.machines.iter().copied(), &Condition::Well, now);
        if self.troubles.load(Ordering::Relaxed) > 0 {
            self.tell("closed", now);
        }
        self.double.queue().purge();
    }

    fn garble(&self) -> bool {
        self.double.queue().send(format!("no event at all, of {}", instance_id(self.machines[2])));
        true
    }

    fn play(&self, fault: Fault) {
        self.double.faults().lift();
        let fault = match fault {
            Fault::Throttled(retry_after) => Played::Throttled { retry_after },
            Fault::Stalled => Played::Stall(Duration::from_secs(30)),
            Fault::Truncated => Played::Truncated,
            Fault::Expired => Played::Expired,
            Fault::Forbidden => Played::Forbidden,
            Fault::ClockOff => Played::ClockOff(600),
        };
        self.double.faults().keep("", fault);
    }

    fn lift(&self) {
        self.double.faults().lift();
    }

    fn calls(&self) -> Vec<Call> {
        let reads = ["Describe", "Get", "Receive", "ChangeMessageVisibility"];
        let call = |name: String| {
            let operation = name.split(':').nth(1).unwrap_or_default();
            let acknowledges = operation.starts_with("DeleteMessage");
            let changes = !acknowledges && !reads.iter().any(|kind| operation.starts_with(kind));
            Call { acknowledges, changes, name }
        };
        self.double.asked().into_iter().map(call).collect()
    }

    fn secrets(&self) -> BTreeSet<String> {
        self.double.secrets()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    run(AwsSubject::start().await).await;
}
