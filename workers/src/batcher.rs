//! Gathers what single jobs ask for into batches, and hands each its own answer.
//!
//! Jobs are independent; only their I/O is batched. A batch that panics is halved until the culprit stands alone, so
//! that its neighbours never notice.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot};
use trueup_chain::Intent;
use trueup_queue::{Failure, Handled};

use crate::throttle::Throttle;

/// How many requests may wait for a batch before those who ask wait themselves.
const WAITING: usize = 10_000;

/// What a job comes to.
pub(crate) type Answer = Result<Handled, Failure>;

/// Works on a batch: one answer for each item, in order. What must be announced is so before the future is returned.
pub(crate) type Process<T> = Arc<dyn Fn(Vec<T>) -> BoxFuture<'static, Vec<Answer>> + Send + Sync>;

struct Request<T> {
    item: T,
    /// Says that keys are coming for as long as the item waits; the batch has one of its own from its start.
    intent: Option<Intent>,
    answer: oneshot::Sender<Answer>,
}

/// The limits of a batcher.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) items: usize,
    pub(crate) in_flight: usize,
    pub(crate) linger: Duration,
}

pub(crate) struct Batcher<T> {
    requests: mpsc::Sender<Request<T>>,
}

impl<T: Clone + Send + 'static> Batcher<T> {
    /// Starts the task that gathers; it ends when the last clone of its owner is gone. A batch begins when `throttle`
    /// lets it.
    pub(crate) fn start(limits: Limits, throttle: Option<Throttle>, process: Process<T>) -> Self {
        let (requests, waiting) = mpsc::channel(WAITING);
        tokio::spawn(gather(limits, throttle, process, waiting));
        Self { requests }
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn submit(&self, item: T, intent: Option<Intent>) -> Answer {
        let (answer, answered) = oneshot::channel();
        if self.requests.send(Request { item, intent, answer }).await.is_err() {
            return Err(Failure::passing("the worker is shutting down"));
        }
        answered.await.unwrap_or_else(|_| Err(Failure::passing("the worker is shutting down")))
    }
}

async fn gather<T: Clone + Send + 'static>(
    limits: Limits,
    throttle: Option<Throttle>,
    process: Process<T>,
    mut waiting: mpsc::Receiver<Request<T>>,
) {
    let slots = Arc::new(Semaphore::new(limits.in_flight));
    while let Some(first) = waiting.recv().await {
        // While no slot is free, what comes in meanwhile fills this batch.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let admission = match &throttle {
            Some(throttle) => Some(throttle.enter().await),
            None => None,
        };
        let items = throttle.as_ref().map_or(limits.items, |throttle| throttle.batch_of(limits.items));
        let mut batch = vec![first];
        while batch.len() < items {
            match tokio::time::timeout(limits.linger, waiting.recv()).await {
                Ok(Some(request)) => batch.push(request),
                Ok(None) | Err(_) => break,
            }
        }
        let process = Arc::clone(&process);
        tokio::spawn(async move {
            work(process, batch).await;
            drop((admission, slot));
        });
    }
}

fn work<T: Clone + Send + 'static>(process: Process<T>, batch: Vec<Request<T>>) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let mut items = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        let mut intents = Vec::with_capacity(batch.len());
        for request in batch {
            items.push(request.item);
            answers.push(request.answer);
            intents.push(request.intent);
        }
        let working = process(items.clone());
        drop(intents);
        match tokio::spawn(working).await {
            Ok(results) => {
                debug_assert_eq!(results.len(), answers.len(), "one answer for each item");
                for (answer, result) in answers.into_iter().zip(results) {
                    // Nobody listens if the job was dropped; its lease expires.
                    let _ = answer.send(result);
                }
            }
            Err(error) if items.len() == 1 => {
                let failure = Failure::passing(format!("panicked: {}", panic_message(error)));
                answers.into_iter().for_each(|answer| drop(answer.send(Err(failure.clone()))));
            }
            Err(_) => {
                let mut first: Vec<Request<T>> =
                    items.into_iter().zip(answers).map(|(item, answer)| Request { item, intent: None, answer }).collect();
                let second = first.split_off(first.len() / 2);
                work(Arc::clone(&process), first).await;
                work(process, second).await;
            }
        }
    })
}

fn panic_message(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "without a message".to_owned()),
        Err(error) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(items: usize) -> Limits {
        Limits { items, in_flight: 2, linger: Duration::from_millis(20) }
    }

    #[tokio::test]
    async fn what_is_asked_together_is_worked_on_together_and_answered_apart() {
        let process: Process<usize> = Arc::new(|items| {
            Box::pin(async move { items.iter().map(|item| Ok(Handled::Ack(format!("{item} of {}", items.len())))).collect() })
        });
        let batcher = Batcher::start(limits(3), None, process);
        let answers = futures::future::join_all((0..3).map(|item| batcher.submit(item, None))).await;
        assert_eq!(answers, (0..3).map(|item| Ok(Handled::Ack(format!("{item} of 3")))).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_panic_is_the_failure_of_the_one_item_that_causes_it() {
        let process: Process<usize> = Arc::new(|items| {
            Box::pin(async move {
                assert!(!items.contains(&5), "five is too many");
                items.iter().map(|_| Ok(Handled::AlreadyAcked)).collect()
            })
        });
        let batcher = Batcher::start(limits(8), None, process);
        let answers = futures::future::join_all((0..8).map(|item| batcher.submit(item, None))).await;
        for (item, answer) in answers.into_iter().enumerate() {
            if item == 5 {
                assert_eq!(answer, Err(Failure::passing("panicked: five is too many")));
            } else {
                assert_eq!(answer, Ok(Handled::AlreadyAcked));
            }
        }
    }
}
