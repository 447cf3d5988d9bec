//! Handles an event: calls the step, decides whether to try again, and parks what cannot be handled.

mod target;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::Semaphore;
use xos_steps::call::panic_text;
use xos_steps::{Awaited, Call, DynEventStep, ErrorKind, Services, StepContext, StepError, call};

use super::counters::Counters;
use super::notifier::Notifier;
use super::parked::{Logs, Next};
use super::shared::{Assignment, SharedTracker};
use super::tracker::{Absence, PartitionTracker, Task};
use crate::settings::Settings;
use target::Told;

/// An event that waits for an object is tried again after this time, also if no such object has come.
const WAITS_AGAIN: Duration = Duration::from_secs(30);
/// How often an event that waits for replayed ones of its key looks whether it still has to: one may have been dropped.
const LOOKS_AGAIN: Duration = Duration::from_millis(250);

/// Handles the events of a step; its dispatchers share it.
pub(crate) struct Worker {
    pub(crate) step: Arc<dyn DynEventStep>,
    /// The step's name.
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) services: Arc<Services>,
    /// What all calls of the step have in common.
    pub(crate) call: Call,
    pub(crate) settings: Settings,
    pub(crate) time_limit: Duration,
    pub(crate) parked: Logs,
    pub(crate) tracker: Arc<SharedTracker>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) notifier: Notifier,
    /// As many permits as events may be handled at once.
    pub(crate) permits: Arc<Semaphore>,
}

/// What becomes of an event after an attempt.
pub(crate) enum Outcome {
    /// It was handled.
    Handled,
    /// It was parked, or is for others.
    Parked,
    /// It has failed, and is tried again.
    Retry,
    /// It was not tried, or was stopped by the shutdown, which is not its fault.
    Stopped,
    /// It did not reach the target of the step, in this way.
    Unreached(ErrorKind, String),
    /// It waits for something that is not there yet, until this time is over.
    NotYet(Duration),
    /// It waits while parked events of its key are being replayed.
    AfterReplays,
    /// The attempt was cancelled, because the partition was revoked.
    Cancelled,
}

/// What a call of the step leads to.
enum Verdict {
    Over(Outcome),
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
    pub(crate) async fn attempt(self: Arc<Self>, mut task: Task, assignment: Arc<Assignment>) -> Attempted {
        if assignment.over.is_cancelled() {
            return Attempted { task, outcome: Outcome::Cancelled };
        }
        let handled = {
            let mut handling = std::pin::pin!(AssertUnwindSafe(self.handle(&mut task, &assignment)).catch_unwind());
            match futures::poll!(&mut handling) {
                Poll::Ready(handled) => handled,
                Poll::Pending => assignment.over.run_until_cancelled(handling).await.unwrap_or(Ok(Outcome::Cancelled)),
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
        if let Verdict::Park(reason) = self.failed(task, error.kind(), &error.to_string()) {
            task.park_reason = Some(reason);
        }
        Outcome::Retry
    }

    /// Gives events back to the tracker: those after an attempt, and those that were not started, in their order.
    pub(crate) fn give_back(&self, attempted: impl IntoIterator<Item = Attempted>, not_started: Vec<Task>) {
        self.give_back_at(attempted, not_started, Instant::now());
    }

    fn give_back_at(&self, attempted: impl IntoIterator<Item = Attempted>, not_started: Vec<Task>, now: Instant) {
        let mut told = Told::default();
        let mut tracker = self.tracker.lock();
        not_started.into_iter().rev().for_each(|task| tracker.put_back(task, now));
        for attempted in attempted {
            self.give_one_back(&mut tracker, attempted, &mut told, now);
        }
        let has_more = tracker.has_ready() || tracker.next_retry().is_some();
        drop(tracker);
        if has_more {
            self.tracker.work_available.notify_one();
        }
        self.tracker.notify_progress();
        self.tell(told);
    }

    fn give_one_back(
        &self,
        tracker: &mut PartitionTracker,
        Attempted { mut task, outcome }: Attempted,
        told: &mut Told,
        now: Instant,
    ) {
        match outcome {
            Outcome::Handled => {
                told.add(tracker.answered(&task, now));
                tracker.complete(&task, true);
            }
            Outcome::Parked => {
                tracker.said_nothing(&task, now);
                tracker.complete(&task, false);
            }
            Outcome::Cancelled => tracker.abandon(&task, now),
            Outcome::Retry => {
                // What is only to be parked says nothing of the target.
                if task.park_reason.is_some() {
                    tracker.said_nothing(&task, now);
                } else {
                    told.add(tracker.answered(&task, now));
                    task.waits = 0;
                }
                let delay = self.settings.retry.delay(task.attempts.max(task.waits).max(1), rand::random());
                tracker.retry(task, now + delay);
            }
            Outcome::Stopped => {
                tracker.said_nothing(&task, now);
                tracker.retry(task, now + self.settings.retry.delay(1, rand::random()));
            }
            Outcome::NotYet(pause) => {
                tracker.said_nothing(&task, now);
                tracker.wait(task, now + pause, now);
            }
            Outcome::AfterReplays => {
                tracker.said_nothing(&task, now);
                tracker.wait_for_replays(task, now + LOOKS_AGAIN);
            }
            Outcome::Unreached(kind, why) => {
                let call = Absence { step: &self.name, kind, why: &why, unit: rand::random() };
                let (to_blame, news) = tracker.unreached(task, call, now);
                told.add(news);
                if let Some(mut task) = to_blame {
                    task.attempts += 1;
                    self.counters.failed();
                    let delay = self.settings.retry.delay(task.attempts, rand::random());
                    if let Verdict::Park(reason) = self.failed(&task, kind, &why) {
                        task.park_reason = Some(reason);
                    }
                    tracker.retry(task, now + delay);
                }
            }
        }
    }

    /// Calls the step, unless it was decided before that the event is parked, and parks it if necessary.
    ///
    /// What is rare is in boxes: the future is made and moved for each event, and is to be small.
    async fn handle(&self, task: &mut Task, assignment: &Assignment) -> Outcome {
        if let Some(reason) = task.park_reason.take() {
            return Box::pin(self.park(task, reason)).await;
        }
        if !task.is_handled {
            let next = if assignment.parks_nothing_of(task) {
                Next::Handle
            } else {
                Box::pin(self.turn(&task.event, task.assignment)).await
            };
            match next {
                Next::Handle => {}
                Next::Nothing => return Outcome::Parked,
                Next::Wait => return Outcome::Stopped,
                Next::After => return Outcome::AfterReplays,
                Next::Park(reason) => return Box::pin(self.park_behind(task, reason)).await,
            }
            match self.call(task).await {
                Verdict::Over(Outcome::Handled) => {}
                Verdict::Over(outcome) => return outcome,
                Verdict::Park(reason) => return Box::pin(self.park(task, reason)).await,
            }
        }
        if assignment.parks_nothing_of(task) { Outcome::Handled } else { Box::pin(self.settle(task)).await }
    }

    async fn call(&self, task: &mut Task) -> Verdict {
        task.attempts += 1;
        let Err(error) = self.call_step(task).await else {
            self.counters.handled();
            return Verdict::Over(Outcome::Handled);
        };
        self.judge(task, &error)
    }

    fn judge(&self, task: &mut Task, error: &StepError) -> Verdict {
        let kind = error.kind();
        let reason = error.to_string();
        let event = || task.event.place();
        match kind {
            ErrorKind::Innocuous => {
                tracing::info!(event = event(), reason, "event not handled, which does no harm");
                self.counters.handled();
                Verdict::Over(Outcome::Handled)
            }
            // The event is not to blame: it is handled after the next start, or by the next owner.
            _ if self.services.cancellation.is_cancelled() => Verdict::Over(Outcome::Stopped),
            ErrorKind::Away | ErrorKind::Unreached | ErrorKind::Unanswered => {
                tracing::debug!(event = event(), reason, "the target of the step was not reached");
                task.attempts = task.attempts.saturating_sub(1);
                Verdict::Over(Outcome::Unreached(kind, reason))
            }
            ErrorKind::NotYet => {
                tracing::debug!(event = event(), reason, "the event waits");
                task.attempts = task.attempts.saturating_sub(1);
                let pause = match error {
                    StepError::WaitsFor(awaited) => self.wait_for(task, awaited),
                    _ => {
                        task.wait = None;
                        self.settings.deferred_every
                    }
                };
                Verdict::Over(Outcome::NotYet(pause))
            }
            ErrorKind::Refused | ErrorKind::Unreadable | ErrorKind::Failed => {
                self.counters.failed();
                self.failed(task, kind, &reason)
            }
        }
    }

    /// Has the event taken up when an object comes or changes. Returns after which time it is tried in any case.
    fn wait_for(&self, task: &mut Task, awaited: &Awaited) -> Duration {
        if task.wait.as_ref().is_some_and(|wait| wait.is_for(awaited)) {
            return WAITS_AGAIN;
        }
        let (tracker, id) = (Arc::downgrade(&self.tracker), task.id());
        let wake = move || {
            if let Some(tracker) = tracker.upgrade() {
                tracker.wake(id);
            }
        };
        match self.services.arrivals.wait(awaited, self.services.store.as_ref(), wake) {
            Ok(wait) => task.wait = Some(wait),
            Err(error) if !task.is_waiting() => {
                let event = task.event.place();
                tracing::warn!(
                    event,
                    %awaited,
                    %error,
                    "it cannot be seen whether what an event waits for has come: it is tried every 30 s"
                );
            }
            Err(_) => {}
        }
        WAITS_AGAIN
    }

    fn failed(&self, task: &Task, kind: ErrorKind, reason: &str) -> Verdict {
        let attempt = task.attempts;
        let of = self.settings.attempts;
        let is_hopeless = matches!(kind, ErrorKind::Unreadable | ErrorKind::Refused);
        if is_hopeless || attempt >= of {
            return Verdict::Park(reason.to_owned());
        }
        let event = task.event.place();
        match attempt {
            1 => tracing::warn!(event, error = reason, of, "event failed, trying again"),
            _ => tracing::debug!(event, attempt, of, error = reason, "event failed again"),
        }
        Verdict::Over(Outcome::Retry)
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
