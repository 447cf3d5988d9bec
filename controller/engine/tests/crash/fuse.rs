//! What ends the controller: at a certain outward call, before it is made or after it took effect and before its
//! answer.

use std::future::{Future, pending};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// When, at a call, the controller ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The call is not made.
    Before,
    /// The call took effect; its answer is lost.
    After,
}

/// A crash: at which outward call, counted from 1, and when.
pub(crate) type Crash = (usize, When);

/// Counts the outward calls of all lives of a controller.
#[derive(Clone)]
pub(crate) struct Fuse {
    state: Arc<Mutex<State>>,
    blown: Arc<Notify>,
    seed: u64,
}

struct State {
    calls: usize,
    life: usize,
    plan: Vec<Crash>,
}

impl Fuse {
    pub(crate) fn new(plan: &[Crash], seed: u64) -> Self {
        let state = State { calls: 0, life: 0, plan: plan.to_vec() };
        Self { state: Arc::new(Mutex::new(state)), blown: Arc::default(), seed }
    }

    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An outward call of a controller in its `life`: takes a while, and may be its last.
    pub(crate) async fn call<T>(&self, life: usize, effect: impl Future<Output = T>) -> T {
        tokio::time::sleep(self.latency(0)).await;
        let number = self.with(|state| {
            (state.life == life).then(|| {
                state.calls += 1;
                state.calls
            })
        });
        // The dead do nothing any more.
        let Some(number) = number else { return pending().await };
        if self.blows(number, When::Before) {
            return pending().await;
        }
        let answer = effect.await;
        if self.blows(number, When::After) {
            return pending().await;
        }
        tokio::time::sleep(self.latency(number)).await;
        answer
    }

    fn blows(&self, number: usize, when: When) -> bool {
        let blows = self.with(|state| {
            let blows = state.plan.contains(&(number, when));
            state.life += usize::from(blows);
            blows
        });
        if blows {
            self.blown.notify_one();
        }
        blows
    }

    /// 0 to 64 ms, the same for a seed.
    fn latency(&self, number: usize) -> Duration {
        let mut hasher = DefaultHasher::new();
        (self.seed, number, self.calls()).hash(&mut hasher);
        Duration::from_millis(hasher.finish() % 65)
    }

    /// Until the controller ended.
    pub(crate) async fn blown(&self) {
        self.blown.notified().await;
    }

    pub(crate) fn life(&self) -> usize {
        self.with(|state| state.life)
    }

    /// How many calls were made so far.
    pub(crate) fn calls(&self) -> usize {
        self.with(|state| state.calls)
    }
}
