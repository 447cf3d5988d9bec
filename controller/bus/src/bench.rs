//! Takes events from the desk, and has them handled.
//!
//! An event costs a step that does little less than waking a task for it would. So events are taken by the handful, each is begun here, and
//! only one that has to wait for something gets a task of its own.

use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinSet, consume_budget};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::desk::Task;
use crate::worker::{Turn, Workshop, give_back, handle};

/// How many events are taken at once, where each ends at once.
const MOST: usize = 128;
/// How long the first of a handful may keep the others waiting.
const PATIENCE: Duration = Duration::from_millis(1);

/// How many of these work for a step: more than can run at once only wait for each other.
pub(crate) fn benches(concurrency: usize) -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(concurrency)
}

/// Has events handled until no more are given out.
pub(crate) async fn work(shop: Arc<Workshop>) {
    let mut bench = Bench { shop, running: JoinSet::new(), size: 1, stop: None };
    while !bench.shop.shared.closed.is_cancelled() {
        bench.step().await;
        while bench.running.try_join_next().is_some() {}
    }
    while bench.running.join_next().await.is_some() {}
}

struct Bench {
    shop: Arc<Workshop>,
    /// Turns that wait for something; dropped with the bench.
    running: JoinSet<()>,
    size: usize,
    /// What cuts off the turns of the last event's assignment.
    stop: Option<(u64, CancellationToken)>,
}

impl Bench {
    /// A handful of events, or a wait for one.
    async fn step(&mut self) {
        let shop = Arc::clone(&self.shop);
        let news = shop.shared.news.notified();
        let permit = tokio::select! {
            permit = Arc::clone(&shop.room).acquire_owned() => permit.ok(),
            () = shop.shared.closed.cancelled() => None,
        };
        // It is closed.
        let Some(permit) = permit else { return };
        let (tasks, due, has_more) = {
            let mut desk = shop.shared.desk();
            (desk.take(Instant::now(), self.size), desk.due_at(), desk.has_ready())
        };
        if !tasks.is_empty() {
            // Whoever sleeps may have slept through the news of it.
            if has_more {
                shop.shared.news.notify_one();
            }
            return self.begin(tasks, permit).await;
        }
        drop(permit);
        tokio::select! {
            () = news => {}
            () = sleep_until(due) => {}
            () = shop.shared.closed.cancelled() => {}
        }
    }

    /// Begins all of them, as long as there is room for those that wait, and none takes long.
    async fn begin(&mut self, tasks: Vec<Task>, permit: OwnedSemaphorePermit) {
        let (started, mut permit, mut ended, mut left) = (Instant::now(), Some(permit), vec![], vec![]);
        for task in tasks {
            let is_first = ended.is_empty() && left.is_empty();
            if permit.is_none() {
                permit = Arc::clone(&self.shop.room).try_acquire_owned().ok();
            }
            if permit.is_none() || (!is_first && started.elapsed() > PATIENCE) {
                left.push(task);
                continue;
            }
            consume_budget().await;
            let stop = self.stop_of(task.assignment);
            let mut turn = Box::pin(handle(Arc::clone(&self.shop), task, stop));
            match futures::poll!(&mut turn) {
                Poll::Ready(turn) => ended.push(turn),
                Poll::Pending => self.go_on(turn, permit.take()),
            }
        }
        self.size = if left.is_empty() { (self.size * 2).min(MOST) } else { 1 };
        give_back(&self.shop, ended, left);
    }

    /// The events of a handful are mostly of one assignment.
    fn stop_of(&mut self, assignment: u64) -> CancellationToken {
        if let Some((_, stop)) = self.stop.as_ref().filter(|(of, _)| *of == assignment) {
            return stop.clone();
        }
        let stop = self.shop.shared.stop_of(assignment);
        self.stop = Some((assignment, stop.clone()));
        stop
    }

    fn go_on(&mut self, turn: impl Future<Output = Turn> + Send + 'static, permit: Option<OwnedSemaphorePermit>) {
        let shop = Arc::clone(&self.shop);
        let whole = async move {
            give_back(&shop, [turn.await], vec![]);
            drop(permit);
        };
        self.running.spawn(whole.in_current_span());
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
