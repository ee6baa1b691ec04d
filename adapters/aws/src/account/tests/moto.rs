//! A stand-in that others wrote: moto plays EC2, and EventBridge with a rule into SQS. It ignores filters and pages and has
//! no impaired machine; what it does have, the feeds read. Where it is not installed this is skipped, which with CI set is
//! a failure.

use std::process::Stdio;
use std::time::Duration;

use entente_exercise::Fleet as Machines;
use entente_schemas::family::Phase;
use entente_sidecar::Ask as _;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use super::{Bench, ask, impact};

/// A server of its own on a free port; it ends with this.
struct Moto {
    url: String,
    _process: Child,
}

impl Moto {
    /// Starts the program that `MOTO_SERVER` names, else `moto_server`; none if there is no such program.
    async fn start() -> Option<Self> {
        let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&program);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).kill_on_drop(true);
        let Ok(process) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            let reason = format!("no {program}; `pip install 'moto[server]'` brings it");
            assert!(std::env::var_os("CI").is_none(), "{reason}");
            println!("skipped: {reason}");
            return None;
        };
        let url = format!("http://127.0.0.1:{port}");
        let moto = Self { url, _process: process };
        for _ in 0..600 {
            if reqwest::get(format!("{}/moto-api/", moto.url)).await.is_ok() {
                return Some(moto);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{program} does not answer on port {port}");
    }

    /// A call that the adapter never makes: something has to be there before it can be read.
    async fn call(&self, service: &str, target: Option<&str>, body: String) -> String {
        let scope = format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/{service}/aws4_request, ");
        let request = reqwest::Client::new().post(&self.url);
        let request = request.header("authorization", scope + "SignedHeaders=host, Signature=0");
        let request = match target {
            Some(target) => request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0"),
            None => request.header("content-type", "application/x-www-form-urlencoded"),
        };
        let answer = request.body(body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{target:?}: {status} {text}");
        text
    }

    async fn json(&self, service: &str, target: &str, input: Value) -> Value {
        let text = self.call(service, Some(target), input.to_string()).await;
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

#[tokio::test]
async fn machines_of_moto_are_read_and_none_is_ill() {
    let Some(moto) = Moto::start().await else { return };
    let run = "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&MinCount=3&MaxCount=3&InstanceType=t3.micro";
    moto.call("ec2", None, run.to_owned()).await;
    let bench = Bench::new(Machines::new()).await.at(&moto.url);
    let mut feed = bench.ec2(&["us-east-1"]);
    // A whole listing first, then a look at what is impaired, for which moto lists everything.
    for _ in 0..2 {
        let reading = ask(&mut feed).await.unwrap();
        assert_eq!((reading.items, reading.unmapped), (Vec::new(), std::collections::BTreeMap::new()));
    }
    let mut every = bench.ec2(&[]);
    let reading = ask(&mut every).await.unwrap_or_else(|failure| panic!("{}", failure.error.text));
    assert_eq!(reading.items, Vec::new());
}

#[tokio::test]
async fn an_event_goes_through_a_rule_and_a_queue_of_moto() {
    let Some(moto) = Moto::start().await else { return };
    let queue = moto.json("sqs", "AmazonSQS.CreateQueue", json!({ "QueueName": "health" })).await;
    let queue_url = queue["QueueUrl"].as_str().unwrap().to_owned();
    let pattern = json!({ "source": ["aws.health"] }).to_string();
    moto.json("events", "AWSEvents.PutRule", json!({ "Name": "health", "EventPattern": pattern })).await;
    let target = json!({ "Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:health" });
    moto.json("events", "AWSEvents.PutTargets", json!({ "Rule": "health", "Targets": [target] })).await;
    let detail = json!({
        "eventArn": "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/X_1", "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE", "eventTypeCategory": "issue", "statusCode": "open",
        "startTime": "Thu, 1 Jan 2026 04:09:00 GMT", "lastUpdatedTime": "Thu, 1 Jan 2026 04:20:00 GMT",
        "eventDescription": [{ "language": "en_US", "latestDescription": "Some instances fail." }],
        "affectedEntities": [{ "entityValue": "i-0aaaaaaaaaaaaaaa1", "status": "IMPAIRED" }],
    });
    let entry = json!({ "Source": "aws.health", "DetailType": "AWS Health Event", "Detail": detail.to_string() });
    moto.json("events", "AWSEvents.PutEvents", json!({ "Entries": [entry] })).await;
    let bench = Bench::new(Machines::new()).await.at(&moto.url);
    let mut feed = bench.events_of(&queue_url);
    let reading = ask(&mut feed).await.unwrap();
    let told = impact(&reading, "X_1");
    assert_eq!((told.phase, told.summary.as_deref()), (Phase::Investigating, Some("Some instances fail.")));
    assert!(feed.settles_in_log());
    let attributes = json!({ "QueueUrl": queue_url, "AttributeNames": ["All"] });
    let left = moto.json("sqs", "AmazonSQS.GetQueueAttributes", attributes).await;
    let figures = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
    assert_eq!(figures.map(|figure| left["Attributes"][figure].as_str()), [Some("0"), Some("0")], "{left}");
}
