//! Runs an event step, and starts it again after a failure.
//!
//! A run has a tracker, a consumer thread and dispatchers of its own. If one of them fails, all of the run is ended,
//! and the next run goes on from the committed offsets. So no failure, not even a panic, can leave half of a state
//! behind.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use jiff::Timestamp;
use rdkafka::error::KafkaError;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use xos_model::Pass;
use xos_steps::call::panic_text;
use xos_steps::{Call, Services};

use super::consumer::{Consumer, End};
use super::dispatcher::{dispatch, dispatchers};
use super::notifier::Notifier;
use super::parked::{Logs, Notices, OfStep, ParkedTopics};
use super::shared::SharedTracker;
use super::worker::Worker;
use crate::settings::BusOptions;

/// How long dispatchers may take to end after their events were cancelled.
const END_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the consumer thread may take to end after the grace period of events in flight: for its last commit, and to
/// close its client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(6);

/// Why a run ended before the shutdown.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// The consumer could not be started.
    NotStarted(String),
    /// The consumer received no events any more.
    Stalled(String),
    /// These topics were deleted and created again: a new client has to receive them.
    MadeAnew(String),
    /// Its client has a password or a certificate that was renewed.
    Renewed,
    /// The step is to stand still, as it has missed these events.
    Missed(String),
    /// The consumer or a dispatcher panicked.
    Panicked(String),
}

/// Counts failures in a row.
#[derive(Debug, Default)]
struct Failures {
    all: u32,
    panics: u32,
}

/// Runs an event step until the shutdown.
pub(crate) struct Supervisor {
    pub(crate) consumer: Arc<Consumer>,
    pub(crate) options: BusOptions,
    pub(crate) services: Arc<Services>,
    pub(crate) parked_topics: Arc<ParkedTopics>,
    pub(crate) shutdown: CancellationToken,
}

impl Supervisor {
    /// Runs the step until the shutdown; after a failure it is started again, with growing delay.
    pub(crate) async fn run(self) {
        let mut failures = Failures::default();
        loop {
            self.consumer.states.update(&self.consumer.name, |state| state.last_active = Some(Timestamp::now()));
            let started = Instant::now();
            let ended = AssertUnwindSafe(self.run_once()).catch_unwind().await;
            let failure = match ended {
                Ok(None) => return,
                Ok(Some(failure)) => failure,
                Err(panic) => Failure::Panicked(panic_text(panic.as_ref()).to_owned()),
            };
            if failure == Failure::Renewed {
                tracing::info!("a password or certificate of the event bus was renewed: the consumer goes on with it");
                continue;
            }
            failures.add(&failure, started.elapsed() >= self.healthy_after());
            self.report(&failure, &failures);
            let delay = self.delay(&failure, &failures);
            if self.shutdown.run_until_cancelled(sleep(delay)).await.is_none() {
                return;
            }
        }
    }

    /// Returns how long to wait before the next start.
    fn delay(&self, failure: &Failure, failures: &Failures) -> Duration {
        let restart = self.consumer.settings.restart;
        match failure {
            // Somebody may have set the offsets of the group, or the other policy.
            Failure::Missed(_) => restart.max,
            // Nothing has failed.
            Failure::MadeAnew(_) | Failure::Renewed => restart.delay(1, rand::random()),
            _ => restart.delay(failures.all, rand::random()),
        }
    }

    /// Returns how long a run must last to end a row of failures: longer than any delay between them.
    fn healthy_after(&self) -> Duration {
        self.consumer.settings.restart.max.saturating_mul(2)
    }

    /// Runs the step once. Returns why the run failed; `None` after a shutdown.
    async fn run_once(&self) -> Option<Failure> {
        // Before the client is made: what comes later it may not have.
        let mut renewals = self.consumer.settings.renewals.from_now();
        let tracker = Arc::new(SharedTracker::new(self.consumer.limits, self.consumer.settings.probes()));
        // If this future is dropped, as by a runtime that ends, the thread must not go on without dispatchers.
        let _guard = StopOnDrop(Arc::clone(&tracker));
        let worker = Arc::new(self.worker(&tracker));
        let mut dispatching = JoinSet::new();
        for _ in 0..dispatchers(self.consumer.concurrency) {
            dispatching.spawn(dispatch(Arc::clone(&worker)).in_current_span());
        }
        let mut thread = start({
            let consumer = Arc::clone(&self.consumer);
            let tracker = Arc::clone(&tracker);
            let notifier = self.notifier();
            let span = tracing::Span::current();
            move || span.in_scope(|| consumer.run(&tracker, &notifier))
        });
        let mut healthy = std::pin::pin!(sleep(self.healthy_after()));
        let mut is_healthy = false;
        let failure = loop {
            tokio::select! {
                () = self.shutdown.cancelled() => break None,
                () = renewals.wait() => break Some(Failure::Renewed),
                ended = &mut thread => {
                    Self::end(&tracker, &mut dispatching).await;
                    return Some(Failure::of_thread(ended));
                }
                Some(ended) = dispatching.join_next() => {
                    // Events in flight are not waited for: those of the dispatcher are lost.
                    tracker.closed.cancel();
                    break Some(Failure::of_dispatcher(ended));
                }
                () = &mut healthy, if !is_healthy => {
                    is_healthy = true;
                    self.consumer.states.update(&self.consumer.name, |state| state.panics = 0);
                }
            }
        };
        tracker.stopping.store(true, Ordering::Relaxed);
        // It waits for events in flight, and commits what is done.
        if timeout(self.consumer.grace + CLOSE_TIMEOUT, thread).await.is_err() {
            tracing::warn!("the consumer does not end, and is left behind");
        }
        Self::end(&tracker, &mut dispatching).await;
        failure
    }

    /// Ends the dispatchers of a run whose consumer has ended.
    async fn end(tracker: &SharedTracker, dispatching: &mut JoinSet<Result<(), JoinError>>) {
        tracker.closed.cancel();
        tracker.revoke_all();
        let ended = timeout(END_TIMEOUT, async { while dispatching.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::warn!("a call of the step does not end although it was cancelled: does it block the thread?");
            dispatching.abort_all();
        }
    }

    fn report(&self, failure: &Failure, failures: &Failures) {
        match failure {
            Failure::Renewed => {}
            Failure::NotStarted(error) => tracing::warn!(error, "cannot start the consumer, trying again"),
            Failure::Stalled(reason) => tracing::warn!(reason, "the consumer receives no events and is restarted"),
            Failure::MadeAnew(topics) => tracing::warn!(
                topics,
                "a topic was deleted and created again: the consumer is restarted, and receives it from its beginning"
            ),
            Failure::Missed(missed) => tracing::error!("{}", self.stopped(missed)),
            Failure::Panicked(panic) => {
                tracing::error!(panic, "the consumer panicked and is restarted: please report this");
            }
        }
        match failure {
            Failure::NotStarted(_) | Failure::Renewed => {}
            Failure::Missed(missed) => self.notifier().events_stopped(&self.stopped(missed)),
            Failure::Stalled(reason) => self.notifier().consumer_restarted(reason),
            Failure::MadeAnew(topics) => {
                self.notifier().consumer_restarted(&format!("a topic was deleted and created again: {topics}"));
            }
            Failure::Panicked(panic) => self.notifier().consumer_panicked(panic),
        }
        self.consumer.states.update(&self.consumer.name, |state| {
            state.restarts += 1;
            state.panics = failures.panics;
            if let Failure::Missed(missed) = failure {
                state.stopped = Some(self.stopped(missed));
            }
            if let Failure::Panicked(panic) = failure {
                state.last_panic = Some(panic.clone());
            }
        });
    }

    /// Returns what to tell of a step that stands still.
    fn stopped(&self, missed: &str) -> String {
        let Consumer { name, group, .. } = &*self.consumer;
        format!(
            "event step {name} stands still, as `event_bus.missed` is `stop` and the retention of the topic has deleted \
             events that it has not received: {missed}; set the offsets of the group {group} \
             (`kafka-consumer-groups.sh --reset-offsets`), or `event_bus.missed: earliest`"
        )
    }

    fn notifier(&self) -> Notifier {
        Notifier {
            events: Arc::clone(&self.services.events),
            namespace: self.options.namespace.clone(),
            step: self.consumer.name.clone(),
        }
    }

    /// Starts reading what the step has parked.
    fn logs(&self, tracker: &Arc<SharedTracker>) -> Logs {
        let of = OfStep {
            step: self.consumer.name.clone(),
            group: self.consumer.group.clone(),
            synchronizer: self.options.synchronizer.clone(),
            settings: self.consumer.settings.clone(),
            topics: Arc::clone(&self.parked_topics),
            store: Arc::<ParkedTopics>::clone(&self.parked_topics),
            notices: Notices::new(self.notifier()),
            states: self.consumer.states.clone(),
        };
        Logs::start(of, tracker)
    }

    fn worker(&self, tracker: &Arc<SharedTracker>) -> Worker {
        Worker {
            step: Arc::clone(&self.consumer.step),
            name: self.consumer.name.clone(),
            group: self.consumer.group.clone(),
            services: Arc::clone(&self.services),
            call: Call::new(&self.consumer.name, Pass::Event, &self.options.namespace),
            settings: self.consumer.settings.clone(),
            time_limit: self.options.time_limit,
            parked: self.logs(tracker),
            tracker: Arc::clone(tracker),
            counters: Arc::clone(&self.consumer.counters),
            notifier: self.notifier(),
            permits: Arc::new(Semaphore::new(self.consumer.concurrency)),
        }
    }
}

/// How the consumer thread ended.
type Ended = thread::Result<Result<End, KafkaError>>;

/// Starts the consumer thread. It is no thread of the runtime, which would wait for it at the end of the process.
fn start(run: impl FnOnce() -> Result<End, KafkaError> + Send + 'static) -> oneshot::Receiver<Ended> {
    let (sender, ended) = oneshot::channel();
    let started = thread::Builder::new().name("xos-bus".to_owned()).spawn(move || {
        let _nobody = sender.send(catch_unwind(AssertUnwindSafe(run)));
    });
    if let Err(error) = started {
        tracing::error!(%error, "cannot start the thread of the consumer");
    }
    ended
}

impl Failure {
    fn of_thread(ended: Result<Ended, oneshot::error::RecvError>) -> Self {
        match ended {
            Ok(Ok(Ok(End::Stalled(reason)))) => Self::Stalled(reason),
            Ok(Ok(Ok(End::MadeAnew(topics)))) => Self::MadeAnew(topics),
            Ok(Ok(Ok(End::Missed(missed)))) => Self::Missed(missed),
            Ok(Ok(Ok(End::Panicked(panic)))) => Self::Panicked(panic),
            // It is told to stop only after the shutdown, which is seen before this.
            Ok(Ok(Ok(End::Stopped))) => Self::Stalled("it has stopped".to_owned()),
            Ok(Ok(Err(error))) => Self::NotStarted(error.to_string()),
            Ok(Err(panic)) => Self::Panicked(panic_text(panic.as_ref()).to_owned()),
            Err(_) => Self::NotStarted("there is no thread for it".to_owned()),
        }
    }

    fn of_dispatcher(ended: Result<Result<(), JoinError>, JoinError>) -> Self {
        match ended {
            Ok(Err(error)) | Err(error) => Self::Panicked(join_error_text(error)),
            Ok(Ok(())) => Self::Panicked("a dispatcher has ended".to_owned()),
        }
    }
}

impl Failures {
    /// Counts a failure. It is the first of a row if the run before it was healthy.
    fn add(&mut self, failure: &Failure, was_healthy: bool) {
        if was_healthy {
            *self = Self::default();
        }
        self.all = self.all.saturating_add(1);
        if matches!(failure, Failure::Panicked(_)) {
            self.panics = self.panics.saturating_add(1);
        }
    }
}

fn join_error_text(error: JoinError) -> String {
    let text = error.to_string();
    let panic: Option<Box<dyn Any + Send>> = error.try_into_panic().ok();
    panic.map_or(text, |panic| panic_text(panic.as_ref()).to_owned())
}

/// Stops the consumer thread and the dispatchers of a run.
struct StopOnDrop(Arc<SharedTracker>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stopping.store(true, Ordering::Relaxed);
        self.0.closed.cancel();
        // A thread that has just seen that the tracker is not closed is waiting once the lock is free.
        drop(self.0.lock());
        self.0.notify_progress();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_in_a_row_until_a_run_is_healthy() {
        let mut failures = Failures::default();
        let panicked = Failure::Panicked("oh".to_owned());
        let not_started = Failure::NotStarted("no such file".to_owned());
        failures.add(&panicked, false);
        failures.add(&not_started, false);
        failures.add(&panicked, false);
        assert_eq!((failures.all, failures.panics), (3, 2));
        failures.add(&not_started, true);
        assert_eq!((failures.all, failures.panics), (1, 0));
    }

    #[tokio::test]
    async fn a_panic_is_reported_with_its_message() {
        let thread = start(|| panic!("index {}", 7)).await;
        assert_eq!(Failure::of_thread(thread), Failure::Panicked("index 7".to_owned()));
        let dispatcher = tokio::spawn(async { tokio::spawn(async { panic!("gone") }).await }).await;
        assert_eq!(Failure::of_dispatcher(dispatcher), Failure::Panicked("gone".to_owned()));
    }
}
