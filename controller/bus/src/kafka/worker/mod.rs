//! Handles an event: calls the step, decides whether to try again, and parks what cannot be handled.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use xos_steps::call::panic_text;
use xos_steps::{Call, DynEventStep, Producer, Services, StepContext, StepError, call};

use super::counters::Counters;
use super::parked::Parking;
use super::shared::SharedTracker;
use super::tracker::Task;
use crate::parked::REPLAY;
use crate::settings::Settings;

/// Handles the events of a step; its dispatchers share it.
pub(crate) struct Worker {
    pub(crate) step: Arc<dyn DynEventStep>,
    /// The step's name.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) synchronizer: String,
    pub(crate) services: Arc<Services>,
    /// What all calls of the step have in common.
    pub(crate) call: Call,
    pub(crate) settings: Settings,
    pub(crate) time_limit: Duration,
    pub(crate) producer: Arc<dyn Producer>,
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) counters: Arc<Counters>,
    /// As many permits as events may be handled at once.
    pub(crate) permits: Arc<Semaphore>,
}

/// What becomes of an event after an attempt.
enum Outcome {
    /// It was handled or parked.
    Done,
    /// It is tried again.
    Retry,
    /// The attempt was cancelled, because the partition was revoked.
    Cancelled,
}

/// What a call of the step leads to.
enum Verdict {
    Done,
    Retry,
    Park(String),
}

/// An event and the outcome of an attempt, to be given back to the tracker.
pub(crate) struct Attempted {
    task: Task,
    outcome: Outcome,
}

impl Worker {
    /// Makes an attempt at an event. If its partition is revoked and the grace period is over, the attempt is
    /// cancelled: from then on the event belongs to another consumer.
    pub(crate) async fn attempt(self: Arc<Self>, mut task: Task, cancellation: CancellationToken) -> Attempted {
        if cancellation.is_cancelled() {
            return Attempted { task, outcome: Outcome::Cancelled };
        }
        let handled = {
            let mut handling = std::pin::pin!(AssertUnwindSafe(self.handle(&mut task)).catch_unwind());
            match futures::poll!(&mut handling) {
                Poll::Ready(handled) => handled,
                Poll::Pending => cancellation.run_until_cancelled(handling).await.unwrap_or(Ok(Outcome::Cancelled)),
            }
        };
        let outcome = handled.unwrap_or_else(|panic| {
            let error = StepError::failed(format!("handling the event panicked: {}", panic_text(panic.as_ref())));
            self.panicked(&mut task, &error)
        });
        Attempted { task, outcome }
    }

    /// Counts a panic outside of the step, such as in the text of its error, as a failed attempt.
    fn panicked(&self, task: &mut Task, error: &StepError) -> Outcome {
        self.counters.failed();
        if let Verdict::Park(reason) = self.failed(task, error) {
            task.park_reason = Some(reason);
        }
        Outcome::Retry
    }

    /// Gives events back to the tracker: those after an attempt, and those that were not started, in their order.
    pub(crate) fn give_back(&self, attempted: impl IntoIterator<Item = Attempted>, not_started: Vec<Task>) {
        let mut tracker = self.tracker.lock();
        not_started.into_iter().rev().for_each(|task| tracker.put_back(task));
        for Attempted { task, outcome } in attempted {
            match outcome {
                Outcome::Done => tracker.complete(task),
                Outcome::Cancelled => tracker.abandon(&task),
                Outcome::Retry => {
                    let delay = self.settings.retry.delay(task.attempts.max(task.waits).max(1), rand::random());
                    tracker.retry(task, Instant::now() + delay);
                }
            }
        }
        let has_more = tracker.has_ready() || tracker.next_retry().is_some();
        drop(tracker);
        if has_more {
            self.tracker.work_available.notify_one();
        }
        self.tracker.notify_progress();
    }

    /// Calls the step, unless it was decided before that the event is parked, and parks it if necessary.
    async fn handle(&self, task: &mut Task) -> Outcome {
        let reason = match task.park_reason.take() {
            Some(reason) => reason,
            None => match self.call(task).await {
                Verdict::Done => return Outcome::Done,
                Verdict::Retry => return Outcome::Retry,
                Verdict::Park(reason) => reason,
            },
        };
        self.park(task, reason).await
    }

    async fn park(&self, task: &mut Task, reason: String) -> Outcome {
        let parking = Parking { synchronizer: &self.synchronizer, step: &self.name, group: &self.group };
        let message = parking.message(&self.settings, &task.event, &reason, task.attempts);
        let event = task.event.place();
        let parked_in = message.topic.clone();
        match self.producer.send(message).await {
            Ok(()) => {
                self.counters.parked();
                tracing::warn!(event, parked_in, reason, "event parked");
                Outcome::Done
            }
            Err(error) => {
                tracing::error!(
                    event,
                    parked_in,
                    %error,
                    "cannot park the event, trying again: until then no later event of its partition is committed"
                );
                task.park_reason = Some(reason);
                task.attempts = task.attempts.saturating_add(1);
                Outcome::Retry
            }
        }
    }

    async fn call(&self, task: &mut Task) -> Verdict {
        // A replayed event is for the step that had parked it.
        if task.event.header(REPLAY).is_some_and(|group| group != self.group.as_bytes()) {
            return Verdict::Done;
        }
        task.attempts += 1;
        match self.call_step(task).await {
            Ok(()) => {
                self.counters.handled();
                Verdict::Done
            }
            Err(StepError::Innocuous(reason)) => {
                tracing::info!(event = task.event.place(), reason, "event not handled, which does no harm");
                self.counters.handled();
                Verdict::Done
            }
            // The target is away: the event is not to blame. It is no attempt, and the event is not parked.
            Err(StepError::Unavailable(reason)) => {
                task.attempts = task.attempts.saturating_sub(1);
                task.waits = task.waits.saturating_add(1);
                let event = task.event.place();
                match task.waits {
                    1 => tracing::warn!(event, reason, "the target of the step is away: the event waits"),
                    _ => tracing::debug!(event, reason, "the target of the step is still away"),
                }
                Verdict::Retry
            }
            // The event is not to blame: it is handled after the next start, or by the next owner.
            Err(_) if self.services.cancellation.is_cancelled() => Verdict::Retry,
            Err(error) => {
                self.counters.failed();
                self.failed(task, &error)
            }
        }
    }

    fn failed(&self, task: &Task, error: &StepError) -> Verdict {
        let attempt = task.attempts;
        let of = self.settings.attempts;
        if error.is_unreadable() || attempt >= of {
            return Verdict::Park(error.to_string());
        }
        let event = task.event.place();
        match error {
            StepError::Deferred(reason) => tracing::debug!(event, attempt, reason, "event deferred"),
            _ if attempt == 1 => tracing::warn!(event, %error, of, "event failed, trying again"),
            _ => tracing::debug!(event, attempt, of, %error, "event failed again"),
        }
        Verdict::Retry
    }

    async fn call_step(&self, task: &Task) -> Result<(), StepError> {
        let call = self.call.for_event(&task.event).after_failures(task.attempts.saturating_sub(1));
        let context = StepContext::new(&self.services, call);
        // The step is called in the future, so that a panic before its first await is caught too.
        call::run(async { self.step.process(&context, &task.event).await }, self.time_limit).await
    }
}

#[cfg(test)]
mod tests;
