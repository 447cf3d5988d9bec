//! Takes events from the tracker and has them handled.
//!
//! Waking a task for an event costs more than an event step that does little. So a dispatcher takes a batch of events
//! and starts each of them itself; only one that has to wait for something gets a task of its own.

use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::{JoinError, JoinSet, consume_budget};
use tracing::Instrument as _;

use super::shared::Assignment;
use super::tracker::{ALONE, Task};
use super::worker::{Attempted, Worker};

/// How many events are taken at once, at most.
const MAX_BATCH: usize = 128;
/// How long a batch may take before the rest of it is put back.
const BATCH_TIME: Duration = Duration::from_millis(1);

/// The right to handle an event that may have ended the process. If there were two of them at once, both would be blamed.
static ONE_SUSPECT: Semaphore = Semaphore::const_new(1);

/// Returns how many dispatchers a step has: as many as can run at once.
pub(crate) fn dispatchers(concurrency: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(concurrency)
}

/// Has events handled until the tracker is closed.
///
/// # Errors
/// When a task panicked. Its event is lost to the tracker then, so the step has to be started again.
pub(crate) async fn dispatch(worker: Arc<Worker>) -> Result<(), JoinError> {
    let mut dispatcher = Dispatcher { worker, waiting: JoinSet::new(), batch_size: 1, last_assignment: None };
    while !dispatcher.worker.tracker.closed.is_cancelled() {
        dispatcher.next_batch().await?;
        while let Some(ended) = dispatcher.waiting.try_join_next() {
            ended?;
        }
    }
    while let Some(ended) = dispatcher.waiting.join_next().await {
        ended?;
    }
    Ok(())
}

struct Dispatcher {
    worker: Arc<Worker>,
    /// Attempts that wait for something; they are cancelled when the dispatcher is dropped.
    waiting: JoinSet<()>,
    /// How many events are taken next; it grows while batches are finished in time.
    batch_size: usize,
    /// The last event's assignment, by its number.
    last_assignment: Option<(u64, Arc<Assignment>)>,
}

impl Dispatcher {
    /// Handles the next batch, or waits until there may be one.
    async fn next_batch(&mut self) -> Result<(), JoinError> {
        let worker = Arc::clone(&self.worker);
        let work_available = worker.tracker.work_available.notified();
        let permit = tokio::select! {
            permit = Arc::clone(&worker.permits).acquire_owned() => permit.ok(),
            () = worker.tracker.closed.cancelled() => None,
        };
        // The tracker is closed.
        let Some(permit) = permit else { return Ok(()) };
        let (tasks, next_retry, has_more) = {
            let mut tracker = worker.tracker.lock();
            (tracker.take(Instant::now(), self.batch_size), tracker.next_retry(), tracker.has_ready())
        };
        if !tasks.is_empty() {
            // One notification wakes one dispatcher; more events may have come with it.
            if has_more {
                worker.tracker.work_available.notify_one();
            }
            let alone = self.announce(&tasks).await;
            self.start(tasks, permit, alone).await;
            return Ok(());
        }
        drop(permit);
        tokio::select! {
            () = work_available => Ok(()),
            () = sleep_until(next_retry) => Ok(()),
            () = worker.tracker.closed.cancelled() => Ok(()),
            Some(ended) = self.waiting.join_next() => ended,
        }
    }

    /// Lets the broker know which events are in hand, where an end of the process is to show that. Of events that may have
    /// ended it, all steps of the process together handle one at a time: the permit is that of such a one.
    async fn announce(&self, tasks: &[Task]) -> Option<SemaphorePermit<'static>> {
        let tracker = &self.worker.tracker;
        let alone = match tasks {
            [task] if task.is_suspect() => {
                tracker.closed.run_until_cancelled(ONE_SUSPECT.acquire()).await.and_then(Result::ok)
            }
            _ => None,
        };
        let announcement = tracker.lock().announcement(tasks, Instant::now());
        if !announcement.commits.is_empty() {
            match tracker.committer.commit(announcement.commits.clone()).await {
                Ok(()) => tracker.lock().announced(&announcement),
                // The events are handled nevertheless: the broker would have to be there for as long as they are.
                Err(error) => tracing::debug!(%error, "the broker does not know which events are in hand"),
            }
        }
        alone
    }

    /// Starts a batch: all of it, as long as there are permits for attempts that wait, and time.
    async fn start(
        &mut self,
        tasks: Vec<Task>,
        permit: OwnedSemaphorePermit,
        mut alone: Option<SemaphorePermit<'static>>,
    ) {
        let started = Instant::now();
        let mut permit = Some(permit);
        let mut attempted = vec![];
        let mut left = vec![];
        for task in tasks {
            let is_first = attempted.is_empty() && left.is_empty();
            if permit.is_none() {
                permit = Arc::clone(&self.worker.permits).try_acquire_owned().ok();
            }
            if permit.is_none() || (!is_first && started.elapsed() > BATCH_TIME) {
                left.push(task);
                continue;
            }
            consume_budget().await;
            let assignment = self.assignment(task.assignment);
            let attempt = Arc::clone(&self.worker).attempt(task, assignment);
            let mut attempt: BoxFuture<'_, _> = match alone.take() {
                None => Box::pin(attempt),
                Some(permit) => Box::pin(holding(permit, Box::pin(attempt))),
            };
            match futures::poll!(&mut attempt) {
                Poll::Ready(ended) => attempted.push(ended),
                Poll::Pending => self.spawn(attempt, permit.take()),
            }
        }
        self.batch_size = if left.is_empty() { (self.batch_size * 2).min(MAX_BATCH) } else { 1 };
        self.worker.give_back(attempted, left);
    }

    /// Returns an assignment. The events of a batch are mostly of one.
    fn assignment(&mut self, number: u64) -> Arc<Assignment> {
        if let Some((_, assignment)) = self.last_assignment.as_ref().filter(|(of, _)| *of == number) {
            return Arc::clone(assignment);
        }
        let assignment = self.worker.tracker.assignment(number);
        self.last_assignment = Some((number, Arc::clone(&assignment)));
        assignment
    }

    /// Lets an attempt that waits for something go on in a task.
    fn spawn(
        &mut self,
        attempt: impl Future<Output = Attempted> + Send + 'static,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let worker = Arc::clone(&self.worker);
        let task = async move {
            worker.give_back([attempt.await], vec![]);
            drop(permit);
        };
        self.waiting.spawn(task.in_current_span());
    }
}

/// Holds a permit during an attempt, but not for long.
async fn holding<T>(permit: SemaphorePermit<'static>, mut attempt: impl Future<Output = T> + Unpin) -> T {
    let ended = tokio::time::timeout(ALONE, &mut attempt).await;
    drop(permit);
    match ended {
        Ok(ended) => ended,
        Err(_) => attempt.await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
