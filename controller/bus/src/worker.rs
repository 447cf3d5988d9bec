//! Handles an event: an attempt, another one later, and in the end parking.

use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use xos_steps::{Call, DynEventStep, Producer, Services, StepContext, StepError, call};

use crate::counter::Counter;
use crate::desk::Task;
use crate::parked::{Parking, REPLAY};
use crate::settings::Settings;
use crate::shared::Shared;

/// What the workers of a step share.
pub(crate) struct Workshop {
    pub(crate) step: Arc<dyn DynEventStep>,
    pub(crate) group: String,
    pub(crate) synchronizer: String,
    pub(crate) services: Arc<Services>,
    /// What the calls of this step have in common.
    pub(crate) call: Call,
    pub(crate) settings: Settings,
    pub(crate) time_limit: Duration,
    pub(crate) producer: Arc<dyn Producer>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) counter: Arc<Counter>,
    /// As many permits as events may be handled at once.
    pub(crate) room: Arc<Semaphore>,
}

/// What is to be done with an event after an attempt.
enum After {
    Done,
    Again,
    Park(String),
}

/// What a turn gives back to the desk.
pub(crate) struct Turn {
    task: Task,
    /// None: it was cut off.
    after: Option<After>,
}

/// One turn of an event. If its partition is taken away and the grace is over (`stop`), the turn is cut off, so that the next owner is the
/// only one.
pub(crate) async fn handle(shop: Arc<Workshop>, mut task: Task, stop: CancellationToken) -> Turn {
    if stop.is_cancelled() {
        return Turn { task, after: None };
    }
    let after = {
        let mut turn = std::pin::pin!(turn(&shop, &mut task));
        match futures::poll!(&mut turn) {
            Poll::Ready(after) => Some(after),
            Poll::Pending => stop.run_until_cancelled(turn).await,
        }
    };
    Turn { task, after }
}

/// Gives turns back that have ended, and tasks that were not begun, in their order.
pub(crate) fn give_back(shop: &Workshop, turns: impl IntoIterator<Item = Turn>, left: Vec<Task>) {
    let mut desk = shop.shared.desk();
    left.into_iter().rev().for_each(|task| desk.put_back(task));
    for Turn { task, after } in turns {
        match after {
            None => desk.drop_task(&task),
            Some(After::Done | After::Park(_)) => desk.done(task),
            Some(After::Again) => {
                let delay = shop.settings.retry.delay(task.attempts.max(1), rand::random());
                desk.later(task, Instant::now() + delay);
            }
        }
    }
    let has_more = desk.has_ready() || desk.due_at().is_some();
    drop(desk);
    if has_more {
        shop.shared.news.notify_one();
    }
    shop.shared.moved();
}

/// An attempt, if there are any left, and parking.
async fn turn(shop: &Workshop, task: &mut Task) -> After {
    let verdict = match task.verdict.take() {
        Some(verdict) => verdict,
        None => match attempt(shop, task).await {
            After::Park(verdict) => verdict,
            other => return other,
        },
    };
    let parking = Parking { synchronizer: &shop.synchronizer, step: shop.step.name(), group: &shop.group };
    let message = parking.message(&shop.settings, &task.event, &verdict, task.attempts);
    let topic = message.topic.clone();
    match shop.producer.send(message).await {
        Ok(()) => {
            shop.counter.parked();
            tracing::warn!(event = task.event.place(), parked_in = topic, reason = verdict, "event parked");
            After::Park(verdict)
        }
        Err(error) => {
            tracing::error!(event = task.event.place(), %error, "event cannot be parked: it is held, and nothing after it is committed");
            task.verdict = Some(verdict);
            task.attempts = task.attempts.saturating_add(1);
            After::Again
        }
    }
}

async fn attempt(shop: &Workshop, task: &mut Task) -> After {
    // An event that was parked by one step is sent again to that step alone.
    if task.event.header(REPLAY).is_some_and(|group| group != shop.group.as_bytes()) {
        return After::Done;
    }
    task.attempts += 1;
    let result = run(shop, task).await;
    match result {
        Ok(()) => {
            shop.counter.handled();
            After::Done
        }
        Err(StepError::Innocuous(reason)) => {
            tracing::info!(event = task.event.place(), reason, "event not done, no harm");
            shop.counter.handled();
            After::Done
        }
        // It is not the event's fault: it stays for the next start, or the next owner.
        Err(_) if shop.services.cancellation.is_cancelled() => After::Again,
        Err(error) => {
            shop.counter.failed();
            failed(shop, task, &error)
        }
    }
}

fn failed(shop: &Workshop, task: &Task, error: &StepError) -> After {
    let (attempt, of) = (task.attempts, shop.settings.attempts);
    if error.is_unreadable() || attempt >= of {
        return After::Park(error.to_string());
    }
    let event = task.event.place();
    match error {
        StepError::Deferred(reason) => tracing::debug!(event, attempt, reason, "event deferred"),
        _ if attempt == 1 => tracing::warn!(event, %error, of, "event failed, it is tried again"),
        _ => tracing::debug!(event, attempt, of, %error, "event failed again"),
    }
    After::Again
}

async fn run(shop: &Workshop, task: &Task) -> Result<(), StepError> {
    let call = shop.call.for_event(&task.event).after_failures(task.attempts.saturating_sub(1));
    let context = StepContext::new(&shop.services, call);
    call::run(shop.step.process(&context, &task.event), shop.time_limit).await
}
