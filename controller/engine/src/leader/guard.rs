//! Work that goes on only as long as this process may.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::time::sleep_until;

use super::Leadership;

/// This process does not lead, or not any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this process does not lead (any more), so it changes nothing")]
pub struct NotLeading;

impl Leadership {
    /// Does some work as long as this process leads in its present term, and drops it then.
    ///
    /// The clocks are asked before each step of the work: a process that was stopped for a while, or whose machine has
    /// slept, goes on with nothing, whichever of its tasks wakes up first.
    ///
    /// # Errors
    /// When it does not lead, or not to the end.
    pub async fn guard<T>(&self, work: impl Future<Output = T>) -> Result<T, NotLeading> {
        let Some(term) = self.lock().term else { return Err(NotLeading) };
        self.guard_in(term.number, work).await
    }

    /// Does the same for a term.
    ///
    /// # Errors
    /// When it is over, or is before the work is done.
    pub async fn guard_in<T>(&self, term: u64, work: impl Future<Output = T>) -> Result<T, NotLeading> {
        let mut work = pin!(work);
        let work = poll_fn(|context| match self.is_in_force(term) {
            true => work.as_mut().poll(context).map(Ok),
            false => Poll::Ready(Err(NotLeading)),
        });
        tokio::select! {
            biased;
            done = work => done,
            () = self.over(term) => Err(NotLeading),
        }
    }

    /// Waits until a term is over.
    pub async fn over(&self, term: u64) {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if !self.is_in_force(term) {
                return;
            }
            let shuts_at = self.shuts_at();
            tokio::select! {
                _ = changes.changed() => {}
                () = sleep_until(shuts_at.unwrap_or_else(tokio::time::Instant::now)), if shuts_at.is_some() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
    use std::time::Duration;

    use jiff::Timestamp;
    use tokio::time::sleep;

    use super::*;
    use crate::clock::Clock;
    use crate::leader::Fence;

    /// A clock on the wall that a test sets.
    #[derive(Default)]
    struct Wall(AtomicI64);

    impl Clock for Wall {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    fn leading_for(seconds: u64) -> (Leadership, Arc<Wall>) {
        let wall = Arc::new(Wall::default());
        let leadership = Leadership::new(wall.clone());
        let fence = Fence::Until(leadership.now().after(Duration::from_secs(seconds)));
        leadership.begin(fence, fence, None);
        (leadership, wall)
    }

    /// Counts, each second.
    async fn count(steps: &AtomicUsize) {
        loop {
            steps.fetch_add(1, Ordering::SeqCst);
            sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_ends_with_the_term_and_goes_on_as_long_as_that_is_extended() {
        let (leadership, _) = leading_for(5);
        let steps = AtomicUsize::new(0);
        let extending = async {
            sleep(Duration::from_secs(3)).await;
            let fence = Fence::Until(leadership.now().after(Duration::from_secs(5)));
            leadership.extend(fence, fence);
        };
        let (ended, ()) = tokio::join!(leadership.guard(count(&steps)), extending);
        assert_eq!(ended, Err(NotLeading));
        assert_eq!(steps.into_inner(), 8);
        assert_eq!(leadership.guard(async {}).await, Err(NotLeading), "nothing begins after it");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_on_when_the_machine_has_slept() {
        let (leadership, wall) = leading_for(60);
        let steps = AtomicUsize::new(0);
        let sleeping = async {
            sleep(Duration::from_millis(2500)).await;
            // Only the clock on the wall has gone on.
            wall.0.store(3600, Ordering::SeqCst);
        };
        let (ended, ()) = tokio::join!(leadership.guard(count(&steps)), sleeping);
        assert_eq!((ended, steps.into_inner()), (Err(NotLeading), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn work_of_one_term_does_not_go_on_in_the_next() {
        let (leadership, _) = leading_for(60);
        let steps = AtomicUsize::new(0);
        let again = async {
            sleep(Duration::from_millis(500)).await;
            leadership.end();
            leadership.begin(Fence::Open, Fence::Open, None);
        };
        let (ended, ()) = tokio::join!(leadership.guard(count(&steps)), again);
        assert_eq!((ended, steps.into_inner()), (Err(NotLeading), 1));
        assert_eq!(leadership.guard(async { 7 }).await, Ok(7));
    }
}
