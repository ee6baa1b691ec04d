//! SQS: one queue. What is received stays hidden for its visibility time and comes back unless it is deleted by the newest
//! handle; waiting calls are answered as soon as something is there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::call::Call;
use super::reply::Refusal;

/// Messages that one call may take.
const BATCH_MAX: usize = 10;
/// Seconds that a call may wait.
const WAIT_MAX_S: u64 = 20;
/// Seconds of hiding where none are asked for.
const HIDDEN_S: u64 = 30;

/// A queue.
#[derive(Debug, Default)]
pub struct Queue {
    held: Mutex<Vec<Message>>,
    sent: Notify,
}

#[derive(Debug)]
struct Message {
    number: u64,
    body: String,
    hidden_until: Option<Instant>,
    received: u64,
}

impl Queue {
    /// Puts a message into the queue.
    pub fn send(&self, body: impl Into<String>) {
        let mut held = self.lock();
        let number = held.iter().map(|message| message.number).max().map_or(1, |last| last + 1);
        held.push(Message { number, body: body.into(), hidden_until: None, received: 0 });
        drop(held);
        self.sent.notify_waiters();
    }

    /// Messages that nobody has deleted yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether everything was deleted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Drops every message.
    pub fn purge(&self) {
        self.lock().clear();
    }

    /// Shows every message that is hidden, as if its time were over.
    pub fn reveal(&self) {
        self.lock().iter_mut().for_each(|message| message.hidden_until = None);
        self.sent.notify_waiters();
    }

    pub(super) async fn answer(&self, call: &Call, url: &str) -> Result<Value, Refusal> {
        if call.input.get("QueueUrl").and_then(Value::as_str) != Some(url) {
            return Err(Refusal::new(400, "QueueDoesNotExist", "The specified queue does not exist."));
        }
        match call.operation.as_str() {
            "ReceiveMessage" => self.receive(&call.input).await,
            "DeleteMessage" => self.delete(call.input.get("ReceiptHandle")).map(|()| json!({})),
            "DeleteMessageBatch" => Ok(self.batch(&call.input, |entry| self.delete(entry.get("ReceiptHandle")))),
            "ChangeMessageVisibility" => self.hide(&call.input).map(|()| json!({})),
            "ChangeMessageVisibilityBatch" => Ok(self.batch(&call.input, |entry| self.hide(entry))),
            "GetQueueAttributes" => {
                Ok(json!({ "Attributes": { "ApproximateNumberOfMessages": self.len().to_string() } }))
            }
            other => Err(Refusal::new(400, "UnsupportedOperation", other)),
        }
    }

    async fn receive(&self, input: &Value) -> Result<Value, Refusal> {
        let number = |member: &str, unasked: u64| input.get(member).and_then(Value::as_u64).unwrap_or(unasked);
        let (most, wait) = (number("MaxNumberOfMessages", 1), number("WaitTimeSeconds", 0));
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if !(1..=BATCH_MAX).contains(&most) || wait > WAIT_MAX_S {
            return Err(Refusal::invalid("MaxNumberOfMessages is 1 to 10, WaitTimeSeconds 0 to 20."));
        }
        let hidden = Duration::from_secs(number("VisibilityTimeout", HIDDEN_S));
        let end = Instant::now() + Duration::from_secs(wait);
        loop {
            let sent = self.sent.notified();
            let taken = self.take(most, hidden);
            if !taken.is_empty() || Instant::now() >= end {
                return Ok(json!({ "Messages": taken }));
            }
            let again = self.next_shown().map_or(end, |shown| shown.min(end));
            tokio::select! {
                () = sent => {}
                () = sleep_until(again) => {}
            }
        }
    }

    fn take(&self, most: usize, hidden: Duration) -> Vec<Value> {
        let now = Instant::now();
        let mut held = self.lock();
        let shown = held.iter_mut().filter(|message| message.hidden_until.is_none_or(|until| until <= now));
        let taken = shown.take(most).map(|message| {
            message.received += 1;
            message.hidden_until = Some(now + hidden);
            json!({
                "MessageId": format!("{:08x}-0000-4000-8000-000000000000", message.number),
                "ReceiptHandle": handle(message),
                "Body": message.body,
                "Attributes": { "ApproximateReceiveCount": message.received.to_string() },
            })
        });
        taken.collect()
    }

    fn next_shown(&self) -> Option<Instant> {
        self.lock().iter().filter_map(|message| message.hidden_until).min()
    }

    fn delete(&self, given: Option<&Value>) -> Result<(), Refusal> {
        let given = given.and_then(Value::as_str).unwrap_or_default();
        self.lock().retain(|message| handle(message) != given);
        Ok(())
    }

    fn hide(&self, entry: &Value) -> Result<(), Refusal> {
        let given = entry.get("ReceiptHandle").and_then(Value::as_str).unwrap_or_default();
        let length = entry.get("VisibilityTimeout").and_then(Value::as_u64).unwrap_or_default();
        let mut held = self.lock();
        let Some(message) = held.iter_mut().find(|message| handle(message) == given) else {
            return Err(Refusal::new(400, "ReceiptHandleIsInvalid", "The input receipt handle is invalid."));
        };
        message.hidden_until = Some(Instant::now() + Duration::from_secs(length));
        drop(held);
        self.sent.notify_waiters();
        Ok(())
    }

    fn batch(&self, input: &Value, each: impl Fn(&Value) -> Result<(), Refusal>) -> Value {
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for entry in input.get("Entries").and_then(Value::as_array).into_iter().flatten() {
            match each(entry) {
                Ok(()) => good.push(json!({ "Id": entry.get("Id") })),
                Err(_) => {
                    failed.push(json!({ "Id": entry.get("Id"), "Code": "ReceiptHandleIsInvalid", "SenderFault": true }))
                }
            }
        }
        json!({ "Successful": good, "Failed": failed })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Each receipt has its own handle.
fn handle(message: &Message) -> String {
    format!("AQEB{:08}x{:04}", message.number, message.received)
}
