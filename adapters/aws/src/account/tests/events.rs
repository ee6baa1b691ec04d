//! AWS Health by EventBridge and a queue.

use entente_exercise::{Fault, Fleet as Machines};
use entente_schemas::count::Quantity;
use entente_schemas::family::Phase;
use entente_sidecar::Ask as _;
use entente_sidecar::ask::{Clock, Told};
use entente_sidecar::item::Reading;
use entente_sidecar::poll::Settled;
use serde_json::{Value, json};

use super::{Bench, ask, count, impact};

fn message(more: &Value) -> String {
    let mut detail = json!({
        "eventArn": "arn:aws:health:us-east-1::event/EC2/AWS_EC2_OPERATIONAL_ISSUE/X_1", "service": "EC2",
        "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE", "eventTypeCategory": "issue", "statusCode": "open",
        "communicationId": "c1", "startTime": "Thu, 1 Jan 2026 04:09:00 GMT",
        "lastUpdatedTime": "Thu, 1 Jan 2026 04:20:00 GMT", "eventRegion": "us-east-1",
        "eventDescription": [{ "language": "en_US", "latestDescription": "We see i-0aaaaaaaaaaaaaaa1 fail." }],
        "affectedEntities": [{ "entityValue": "i-0aaaaaaaaaaaaaaa1", "status": "IMPAIRED" }],
    });
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "version": "0", "id": "1", "detail-type": "AWS Health Event", "source": "aws.health",
        "account": "644160558196", "time": "2026-01-01T04:20:30Z", "region": "us-west-2", "detail": detail })
    .to_string()
}

async fn bench(messages: &[String]) -> Bench {
    let bench = Bench::new(Machines::new()).await;
    messages.iter().for_each(|message| bench.double.queue().send(message.clone()));
    bench
}

#[tokio::test]
async fn a_message_is_deleted_once_it_is_settled_and_never_before() {
    let bench = bench(&[message(&json!({}))]).await;
    let mut feed = bench.events();
    assert!(feed.settles_in_log());
    let Told::Reading(Reading { items, .. }) = feed.ask(Clock::wall()).await.unwrap() else { panic!() };
    assert_eq!((items.len(), bench.double.queue().len()), (1, 1));
    feed.settle(Settled::NotTaken).await;
    assert_eq!(bench.double.queue().len(), 1);
    bench.double.queue().reveal();
    let reading = ask(&mut feed).await.unwrap();
    assert_eq!(count(impact(&reading, "X_1"), Quantity::Affected), 1);
    assert_eq!(reading.items[0].also[0].notice().unwrap().text, "We see [resource] fail.");
    assert!(bench.double.queue().is_empty());
}

#[tokio::test]
async fn copies_are_one_object_and_pages_are_put_together() {
    let page = |page: u64, machine: &str| {
        let hit = json!([{ "entityValue": machine, "status": "IMPAIRED" }]);
        message(&json!({ "page": page.to_string(), "totalPages": "2", "affectedEntities": hit }))
    };
    let messages = [page(1, "i-0aaaaaaaaaaaaaaa1"), page(1, "i-0aaaaaaaaaaaaaaa1"), page(2, "i-0aaaaaaaaaaaaaaa2")];
    let bench = bench(&messages).await;
    let reading = ask(&mut bench.events()).await.unwrap();
    assert!(reading.items.iter().all(|item| item.object_id == reading.items[0].object_id));
    let last = reading.items.last().unwrap().impact().unwrap();
    assert_eq!(count(last, Quantity::Affected), 2);
}

#[tokio::test]
async fn each_statement_on_one_event_is_told_in_the_order_of_its_time() {
    let later = message(&json!({ "communicationId": "c2", "lastUpdatedTime": "Thu, 1 Jan 2026 05:00:00 GMT",
        "statusCode": "closed", "eventDescription": [{ "language": "en_US", "latestDescription": "It is over." }] }));
    let bench = bench(&[later, message(&json!({}))]).await;
    let mut feed = bench.events();
    let first = ask(&mut feed).await.unwrap();
    let second = ask(&mut feed).await.unwrap();
    assert_eq!([impact(&first, "X_1").phase, impact(&second, "X_1").phase], [Phase::Investigating, Phase::Resolved]);
    assert!(bench.double.queue().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_stays_and_holds_up_nothing() {
    let bench = bench(&["no event at all, of account 644160558196".to_owned(), message(&json!({}))]).await;
    let mut feed = bench.events();
    let reading = ask(&mut feed).await.unwrap();
    assert_eq!((reading.items.len(), reading.refused.len(), reading.increment), (1, 1, true));
    assert_eq!(bench.double.queue().len(), 1, "for the queue's own rules");
    assert_eq!(ask(&mut feed).await.unwrap(), Reading { increment: true, ..Reading::default() }, "hidden for a while");
}

#[tokio::test]
async fn what_others_put_into_the_queue_is_passed_over_and_deleted() {
    let state = json!({ "source": "aws.ec2", "detail-type": "EC2 Instance State-change Notification", "detail": { "state": "stopped" } });
    let bench = bench(&[state.to_string()]).await;
    let reading = ask(&mut bench.events()).await.unwrap();
    assert_eq!((reading.items.len(), reading.refused.len()), (0, 0));
    assert!(bench.double.queue().is_empty());
}

#[tokio::test]
async fn a_fault_while_deleting_costs_a_repetition_only() {
    let bench = bench(&[message(&json!({}))]).await;
    bench.double.faults().play("DeleteMessageBatch", Fault::Internal, 1);
    let mut feed = bench.events();
    let first = ask(&mut feed).await.unwrap();
    assert_eq!(bench.double.queue().len(), 1);
    bench.double.queue().reveal();
    let again = ask(&mut feed).await.unwrap();
    assert_eq!(first.items[0].native, again.items[0].native, "equal, so that the memory takes it as said");
    assert!(bench.double.queue().is_empty());
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_named() {
    let bench = bench(&[]).await;
    let failure = ask(&mut bench.events_of("https://sqs.us-east-1.amazonaws.com/1/none")).await.unwrap_err();
    let told =
        "sqs.ReceiveMessage: there is no such queue in us-east-1; mend queue_url or region of [feeds.aws-events]";
    assert_eq!((failure.error.code.as_str(), failure.error.text.as_str()), ("no-queue", told));
}

#[tokio::test]
async fn a_feed_that_fails_pauses() {
    let bench = bench(&[]).await;
    let mut feed = bench.events();
    bench.double.faults().keep("sqs:", Fault::Forbidden);
    let failure = ask(&mut feed).await.unwrap_err();
    assert_eq!(failure.error.code, "forbidden");
    assert!(failure.error.text.contains("grant sqs:ReceiveMessage"), "{}", failure.error.text);
    assert_ne!(feed.pause(), Some(std::time::Duration::ZERO), "a feed that fails is not asked without a pause");
    bench.double.faults().lift();
    assert!(ask(&mut feed).await.is_ok());
}

#[tokio::test]
async fn what_is_not_taken_comes_again_later_and_later() {
    let bench = bench(&[message(&json!({}))]).await;
    let mut feed = bench.events();
    for _ in 0..3 {
        feed.ask(Clock::wall()).await.unwrap();
        feed.settle(Settled::NotTaken).await;
        bench.double.queue().reveal();
    }
    let calls = bench.double.calls();
    let hidden = calls.iter().filter_map(|call| serde_json::from_slice::<Value>(&call.body).ok());
    let hidden = hidden.filter_map(|input| input.pointer("/Entries/0/VisibilityTimeout").and_then(Value::as_i64));
    assert_eq!(hidden.collect::<Vec<_>>(), [5, 10, 20], "a queue moves what comes too often");
}

#[tokio::test]
async fn a_message_without_the_count_of_its_deliveries_is_told_as_well() {
    let bench = bench(&[]).await;
    let bare = json!({ "Messages": [{ "MessageId": "1", "ReceiptHandle": "1", "Body": message(&json!({})) }] });
    bench.double.recorded().play("ReceiveMessage", [bare]);
    let reading = ask(&mut bench.events()).await.unwrap();
    assert_eq!(reading.items.len(), 1);
}
