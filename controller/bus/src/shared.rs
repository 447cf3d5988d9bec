//! What a step's consumer thread and its workers share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::desk::{Desk, Limits, Place, Received};

/// The desk, and who waits for what at it.
pub(crate) struct Shared {
    desk: Mutex<Desk>,
    /// There is something to do.
    pub(crate) news: Notify,
    /// Something was done. Whoever waits for that counts in `waiting`, so that nobody is woken in vain.
    moved: Condvar,
    waiting: AtomicUsize,
    /// No more work is given out.
    pub(crate) closed: CancellationToken,
    /// How often partitions came and went.
    generation: AtomicU64,
    /// Cuts off the turns of an assignment that is over.
    stops: Mutex<HashMap<u64, CancellationToken>>,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            desk: Mutex::new(Desk::new(limits)),
            news: Notify::new(),
            moved: Condvar::new(),
            waiting: AtomicUsize::new(0),
            closed: CancellationToken::new(),
            generation: AtomicU64::new(0),
            stops: Mutex::default(),
        }
    }

    // Nothing that holds a lock can leave half a change behind, so a panic of another thread does not matter.

    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stops(&self) -> MutexGuard<'_, HashMap<u64, CancellationToken>> {
        self.stops.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who wait for something to be done.
    pub(crate) fn moved(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.moved.notify_all();
        }
    }

    /// Waits until something was done, at most so long.
    fn wait<'a>(&self, desk: MutexGuard<'a, Desk>, within: Duration) -> MutexGuard<'a, Desk> {
        // Nothing is done while the desk is locked, as it is here until the wait begins.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let desk = self.moved.wait_timeout(desk, within).unwrap_or_else(PoisonError::into_inner).0;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        desk
    }

    /// Cancelled when an assignment is over.
    pub(crate) fn stop_of(&self, assignment: u64) -> CancellationToken {
        self.stops().get(&assignment).cloned().unwrap_or_else(|| {
            let over = CancellationToken::new();
            over.cancel();
            over
        })
    }

    /// A partition is ours; gives the assignment's number.
    pub(crate) fn assign(&self, place: &Place) -> u64 {
        self.end(place);
        let assignment = self.desk().assign(place);
        self.stops().insert(assignment, CancellationToken::new());
        self.generation.fetch_add(1, Ordering::Relaxed);
        assignment
    }

    /// Changes whenever a partition comes or goes.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Takes events in, by [`Desk::accept`], and gives those back whose partition went back.
    pub(crate) fn accept(&self, received: impl IntoIterator<Item = Received>) -> Vec<Received> {
        let mut desk = self.desk();
        let refused = received.into_iter().filter_map(|received| desk.accept(received).err());
        let refused = refused.collect();
        drop(desk);
        self.news.notify_one();
        refused
    }

    /// Lets what is being handled of these partitions end, at most for so long.
    pub(crate) fn drain(&self, places: &[Place], grace: Duration) {
        let until = Instant::now() + grace;
        let mut desk = self.desk();
        places.iter().for_each(|place| desk.drain(place));
        while desk.is_busy(places) && !self.closed.is_cancelled() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                tracing::warn!("events that are still handled are cut off: they will be handled again");
                break;
            }
            desk = self.wait(desk, left);
        }
    }

    /// An assignment is over.
    pub(crate) fn end(&self, place: &Place) {
        let mut desk = self.desk();
        let assignment = desk.assignment(place);
        desk.forget(place);
        drop(desk);
        self.generation.fetch_add(1, Ordering::Relaxed);
        if let Some(stop) = assignment.and_then(|assignment| self.stops().remove(&assignment)) {
            stop.cancel();
        }
    }

    /// Waits a little for a full partition to have room. False if it is as full as before then: it is to be paused.
    pub(crate) fn wait_for_room(&self, place: &Place, within: Duration) -> bool {
        let until = Instant::now() + within;
        let mut desk = self.desk();
        while !desk.has_room(place) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return !desk.is_full(place);
            }
            desk = self.wait(desk, left);
        }
        true
    }
}
