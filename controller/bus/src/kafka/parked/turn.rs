//! What an event is to do when it is its turn, and what is left to do when it was handled.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use xos_steps::{AfterParked, BusEvent};

use crate::kafka::shared::Assignment;
use crate::kafka::tracker::Task;
use crate::kafka::worker::{Outcome, Worker};
use crate::parked::Origin;
use crate::parked::log::{Log, Turn};
use crate::parked::record::{Marker, Record, Replay, What, limited};

impl Assignment {
    /// Returns whether an event is neither parked nor a replayed one, nor is any other of its partition: there is
    /// nothing to look for.
    pub(crate) fn parks_nothing_of(&self, task: &Task) -> bool {
        self.has_nothing_parked() && Replay::of(&task.event).is_none()
    }
}

/// What an event is to do when it is its turn.
pub(crate) enum Next {
    /// It is handled.
    Handle,
    /// There is nothing to do.
    Nothing,
    /// It is parked without an attempt, for this reason.
    Park(String),
    /// It has to wait: what is parked is not known yet.
    Wait,
    /// It has to wait while the parked events of its key are being replayed.
    After,
}

impl Worker {
    /// Returns what an event is to do: it is handled, unless an earlier event of its key is parked. A replayed event is
    /// for the step that had parked it, and does not run twice.
    pub(crate) async fn turn(&self, event: &BusEvent, assignment: u64) -> Next {
        let replay = Replay::of(event);
        if replay.as_ref().is_some_and(|replay| replay.group != self.group.as_bytes()) {
            return Next::Nothing;
        }
        let minds = self.step.after_parked() == AfterParked::Park;
        let look = |log: &Log| match &replay {
            // It is parked in another partition, as by an earlier version. Nothing is known of its order.
            Some(replay) if replay.parked_partition != event.partition => Turn::Handle,
            Some(replay) => match log.turn_of_replay(&replay.origin) {
                Turn::Behind(_) if !minds => Turn::Handle,
                turn => turn,
            },
            None => {
                let order_key = || self.order_key(event).filter(|_| minds).map(|key| limited(&key));
                log.turn(&Origin::of(event), order_key, Instant::now())
            }
        };
        let mut turn = self.parked.with(assignment, look);
        if turn.is_none() && self.parked.loaded(assignment).await {
            turn = self.parked.with(assignment, look);
        }
        match turn {
            None => Next::Wait,
            Some(Turn::Handle) => Next::Handle,
            Some(Turn::Nothing) => Next::Nothing,
            Some(Turn::After(_)) if !self.tracker.lock().is_crowded(assignment) => Next::After,
            Some(Turn::Behind(first) | Turn::After(first)) => {
                let place = format!("{}/{}/{}", event.topic, first.partition, first.offset);
                Next::Park(format!("an earlier event of its key is parked: {place}"))
            }
        }
    }

    /// Returns the order key of an event; none if it cannot be found.
    pub(crate) fn order_key<'a>(&self, event: &'a BusEvent) -> Option<Cow<'a, [u8]>> {
        let called = catch_unwind(AssertUnwindSafe(|| self.step.order_key(event)));
        called.unwrap_or_default()
    }

    /// Takes in that an event was handled. If it was parked, that is noted where it is parked, before it counts as
    /// done.
    pub(crate) async fn settle(&self, task: &mut Task) -> Outcome {
        let event = &task.event;
        let replay = Replay::of(event);
        let (origin, partition) = match &replay {
            Some(replay) => (replay.origin, replay.parked_partition),
            None => (Origin::of(event), event.partition),
        };
        let is_elsewhere = partition != event.partition;
        // Also an event that another process has parked meanwhile, which had lost the partition.
        let is_parked = || self.parked.with(task.assignment, |log| log.get(&origin).is_some()).unwrap_or(false);
        if !is_elsewhere && !is_parked() {
            return Outcome::Handled;
        }
        let of = self.parked.of();
        let marker = of.parking().marker(&of.topics.name(&event.topic), &event.topic, origin, Marker::Done);
        match of.store.append(&event.topic, partition, marker, None).await {
            Ok(offset) => {
                if !is_elsewhere {
                    let (topic, group) = (event.topic.to_string(), self.group.clone());
                    self.parked.stored(task.assignment, offset, Record { topic, group, origin, what: What::Ended });
                }
                tracing::info!(event = event.place(), "parked event handled");
                Outcome::Handled
            }
            Err(error) => {
                let event = event.place();
                tracing::warn!(event, %error, "cannot note that a parked event was handled, trying again");
                task.is_handled = true;
                Outcome::Retry
            }
        }
    }
}
