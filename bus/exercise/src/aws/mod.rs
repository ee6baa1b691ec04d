//! AWS as its SDK hears it: EC2 in XML, Health in CBOR, SQS and SSM in JSON, all at one address. The region of a call is the
//! one that it was signed for; nobody's signature is checked, only its clock where that fault is played.

mod automation;
mod call;
mod cbor;
mod ec2;
mod health;
mod page;
mod queue;
mod recorded;
mod reply;
mod time;
mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, Uri};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

pub use self::automation::Automations;
pub use self::ec2::{instance_id, is_region};
pub use self::health::{Entity, Health, HealthEvent};
pub use self::queue::Queue;
pub use self::recorded::Recorded;
pub use self::reply::Refusal;
use crate::fault::Faults;
use crate::fleet::Fleet;
use crate::secret;
use crate::served::{Call as Made, Served};

/// The account that is played.
pub const ACCOUNT: &str = "644160558196";

/// The double. It ends when this is dropped.
#[derive(Debug)]
pub struct Aws {
    world: Arc<World>,
    served: Served,
}

/// What there is to tell.
#[derive(Debug)]
pub(crate) struct World {
    fleet: Fleet,
    faults: Faults,
    account: String,
    queue_url: String,
    health: Health,
    queue: Queue,
    automations: Automations,
    recorded: Recorded,
    /// Whether customers' own checks of what runs on a machine are known.
    own_checks: AtomicBool,
    /// Regions that the account has not enabled.
    disabled: Mutex<BTreeSet<String>>,
    /// Work that is planned, by the number of its machine.
    planned: Mutex<BTreeMap<usize, Value>>,
}

impl World {
    /// The regions in which the fleet has machines; at least one.
    fn regions(&self) -> BTreeSet<String> {
        let regions = self.fleet.machines().into_iter().map(|machine| machine.region).filter(|code| is_region(code));
        let mut regions: BTreeSet<String> = regions.collect();
        if regions.is_empty() {
            regions.insert("us-east-1".to_owned());
        }
        regions
    }
}

impl Aws {
    /// Starts the double of an account that has these machines. `faults` name calls as `ec2:DescribeInstanceStatus@us-east-1`.
    ///
    /// # Errors
    /// If no port of loopback is free.
    pub async fn start(fleet: Fleet, faults: Faults) -> io::Result<Self> {
        let queue_url = format!("https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/health-events");
        secret::serve([ACCOUNT.to_owned(), queue_url.clone()]);
        let world = Arc::new(World {
            fleet,
            faults,
            account: ACCOUNT.to_owned(),
            queue_url,
            health: Health::default(),
            queue: Queue::default(),
            automations: Automations::default(),
            recorded: Recorded::default(),
            own_checks: AtomicBool::new(true),
            disabled: Mutex::default(),
            planned: Mutex::default(),
        });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&world));
        Ok(Self { served: Served::start(routes).await?, world })
    }

    /// Its address, for every service.
    #[must_use]
    pub fn url(&self) -> String {
        self.served.url()
    }

    /// The address of its queue, as the account knows it.
    #[must_use]
    pub fn queue_url(&self) -> &str {
        &self.world.queue_url
    }

    /// The machines.
    #[must_use]
    pub fn fleet(&self) -> &Fleet {
        &self.world.fleet
    }

    /// The faults that it plays.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// From now on EC2 is as it was before customers had checks of their own: it does not know what asks for them.
    pub fn without_own_checks(&self) {
        self.world.own_checks.store(false, Ordering::Relaxed);
    }

    /// Plans work of one kind on machines, between two moments, in place of what was planned there.
    pub fn plan(&self, machines: &[usize], code: &str, span: (DateTime<Utc>, DateTime<Utc>), description: &str) {
        let (from, to) = (time::stated(span.0), time::stated(span.1));
        let mut planned = self.world.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.extend(machines.iter().map(|machine| {
            let id = format!("instance-event-{machine:017x}");
            let event = json!({ "InstanceEventId": id, "Code": code, "Description": description,
                "NotBefore": from, "NotAfter": to });
            (*machine, event)
        }));
    }

    /// Nothing is planned any more.
    pub fn unplan(&self) {
        self.world.planned.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The account has this region no longer enabled: nobody is known there.
    pub fn disable(&self, region: &str) {
        self.world.disabled.lock().unwrap_or_else(PoisonError::into_inner).insert(region.to_owned());
    }

    /// What Health tells.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.world.health
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.world.queue
    }

    /// The executions of documents.
    #[must_use]
    pub fn automations(&self) -> &Automations {
        &self.world.automations
    }

    /// Recorded answers.
    #[must_use]
    pub fn recorded(&self) -> &Recorded {
        &self.world.recorded
    }

    /// Everything that is told here and must never be heard on a bus.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        let World { fleet, account, queue_url, health, automations, .. } = self.world.as_ref();
        let machines = fleet.machines().into_iter().filter(|machine| is_region(&machine.region));
        let machines = machines.flat_map(|machine| [instance_id(machine.number), machine.name]);
        let mut secrets: BTreeSet<String> = machines.chain([account.clone(), queue_url.clone()]).collect();
        secrets.extend(health.names().into_iter().chain(automations.ids()));
        secrets
    }

    /// What was asked so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Made> {
        self.served.calls()
    }

    /// Names of the operations that were asked so far, `ec2:DescribeInstanceStatus@us-east-1`.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        let read = |made: &Made| {
            let mut headers = HeaderMap::new();
            for (name, value) in &made.headers {
                if let (Ok(name), Ok(value)) = (name.parse::<axum::http::HeaderName>(), value.parse()) {
                    headers.insert(name, value);
                }
            }
            call::Call::read(&headers, &made.target.parse().ok()?, &made.body).map(|call| call.name())
        };
        self.calls().iter().filter_map(read).collect()
    }
}

async fn answer(State(world): State<Arc<World>>, headers: HeaderMap, uri: Uri, body: Bytes) -> Response<Body> {
    let Some(call) = call::Call::read(&headers, &uri, &body) else { return reply::unknown() };
    let (fault, now) = (world.faults.take(&call.name()), Utc::now());
    let disabled = world.disabled.lock().unwrap_or_else(PoisonError::into_inner).contains(&call.region);
    let told = async {
        if disabled {
            return Err(Refusal::new(
                401,
                "AuthFailure",
                "AWS was not able to validate the provided access credentials",
            ));
        }
        if let Some(recorded) = world.recorded.next(&call.operation) {
            return recorded;
        }
        match call.service {
            "ec2" => {
                let machines = world.fleet.machines();
                let here = machines.iter().filter(|machine| machine.region == call.region);
                secret::serve(here.map(|machine| instance_id(machine.number)));
                ec2::answer(&world, &call, now)
            }
            "health" => world.health.answer(&call),
            "sqs" => world.queue.answer(&call, &world.queue_url).await,
            _ => world.automations.answer(&call, &world.account),
        }
    };
    reply::spoiled(fault, &call, now, told).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fault::Fault;
    use crate::fleet::{Condition, Os};

    async fn double() -> Aws {
        let (fleet, since) = (Fleet::new(), "2026-01-05T04:09:00Z".parse().unwrap());
        let there = fleet.add(7, Os::Windows, ("us-east-1", "us-east-1a"), false, since);
        fleet.add(1, Os::Linux, ("us-central1", "us-central1-a"), false, since);
        fleet.set(there.into_iter().take(6), &Condition::BootLoop, since);
        Aws::start(fleet, Faults::default()).await.unwrap()
    }

    async fn query(double: &Aws, form: &[(&str, &str)]) -> (u16, String) {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let answer = reqwest::Client::new().post(double.url()).body(body.finish()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn json(double: &Aws, target: &str, input: serde_json::Value) -> serde_json::Value {
        let request = reqwest::Client::new().post(double.url()).header("x-amz-target", target);
        request.body(input.to_string()).send().await.unwrap().json().await.unwrap()
    }

    #[tokio::test]
    async fn impaired_instances_of_one_region_come_in_pages() {
        let double = double().await;
        let (mut seen, mut token) = (0, None::<String>);
        loop {
            let mut form = vec![
                ("Action", "DescribeInstanceStatus"),
                ("MaxResults", "5"),
                ("Filter.1.Name", "instance-status.status"),
                ("Filter.1.Value.1", "impaired"),
            ];
            form.extend(token.as_deref().map(|token| ("NextToken", token)));
            let (status, text) = query(&double, &form).await;
            assert_eq!(status, 200, "{text}");
            seen += text.matches("<impairedSince>2026-01-05T04:09:00.000Z</impairedSince>").count();
            token = text.split_once("<nextToken>").map(|(_, rest)| rest.split('<').next().unwrap().to_owned());
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, 6);
        assert_eq!(double.asked(), ["ec2:DescribeInstanceStatus@us-east-1"; 2]);
        let (_, regions) = query(&double, &[("Action", "DescribeRegions")]).await;
        assert!(regions.contains("<regionName>us-east-1</regionName>") && !regions.contains("central1"), "{regions}");
    }

    #[tokio::test]
    async fn a_message_stays_until_it_is_deleted() {
        let double = double().await;
        double.queue().send("{}");
        let ask = serde_json::json!({ "QueueUrl": double.queue_url(), "VisibilityTimeout": 600, "WaitTimeSeconds": 1 });
        let first = json(&double, "AmazonSQS.ReceiveMessage", ask.clone()).await;
        assert_eq!(first["Messages"][0]["Body"], "{}");
        assert_eq!(json(&double, "AmazonSQS.ReceiveMessage", ask.clone()).await["Messages"], serde_json::json!([]));
        double.queue().reveal();
        let again = json(&double, "AmazonSQS.ReceiveMessage", ask).await;
        assert_eq!(again["Messages"][0]["Attributes"]["ApproximateReceiveCount"], "2");
        let delete = |message: &serde_json::Value| serde_json::json!({ "QueueUrl": double.queue_url(), "ReceiptHandle": message["Messages"][0]["ReceiptHandle"] });
        json(&double, "AmazonSQS.DeleteMessage", delete(&first)).await;
        assert_eq!(double.queue().len(), 1, "an old receipt deletes nothing");
        json(&double, "AmazonSQS.DeleteMessage", delete(&again)).await;
        assert!(double.queue().is_empty());
    }

    #[tokio::test]
    async fn refusals_are_in_the_words_of_each_protocol() {
        let double = double().await;
        double.faults().keep("", Fault::Throttled { retry_after: Some(Duration::from_secs(7)) });
        let (status, text) = query(&double, &[("Action", "DescribeRegions")]).await;
        assert!(status == 503 && text.contains("<Code>RequestLimitExceeded</Code>"), "{text}");
        let answer = json(&double, "AmazonSSM.DescribeAutomationExecutions", serde_json::json!({})).await;
        assert_eq!(answer["__type"], "com.amazonaws.ssm#ThrottlingException");
        let health = format!("{}/service/AWSHealth_20160804/operation/DescribeEvents", double.url());
        let answer = reqwest::Client::new().post(health).send().await.unwrap();
        assert_eq!(answer.headers()["retry-after"], "7");
        let answer = cbor::decode(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(answer["__type"], "com.amazonaws.health#ThrottlingException");
        double.faults().lift();
        double.faults().keep("", Fault::Truncated);
        let sent = reqwest::Client::new().post(double.url()).body("Action=DescribeRegions").send().await.unwrap();
        assert!(sent.status() == 200 && sent.text().await.is_err());
    }
}
