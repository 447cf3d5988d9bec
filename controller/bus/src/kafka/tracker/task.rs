//! An event and what is known of its attempts.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use xos_steps::{BusEvent, Wait};

use super::{OrderKey, Waiting};

/// Tells events apart: the number of the assignment, and the offset.
pub(crate) type EventId = (u64, i64);

/// An event that is ready, in flight, or waiting for its next attempt. It is in a box, as it is moved many times.
#[derive(Debug)]
pub(crate) struct Task(Box<Known>);

/// What is known of an event.
#[derive(Debug)]
pub(crate) struct Known {
    /// The number of the assignment that the event belongs to.
    pub(crate) assignment: u64,
    pub(super) order_key: OrderKey,
    pub(crate) event: Arc<BusEvent>,
    /// For a replayed event, the offset that it had when it came for the first time.
    pub(super) replayed: Option<i64>,
    /// Whether it waits for replayed events of its key.
    pub(super) is_after_replays: bool,
    /// The number of attempts so far.
    pub(crate) attempts: u32,
    /// How often in a row the target of the step was not reached.
    pub(crate) waits: u32,
    /// The reason for parking the event, once that is decided.
    pub(crate) park_reason: Option<String>,
    /// Whether it was handled, and that is still to be noted where it is parked.
    pub(crate) is_handled: bool,
    /// How often the target had answered when this attempt began.
    pub(super) answers_at_start: u64,
    /// How often it had answered when the last attempt ended that did not reach it.
    pub(super) answers_before: Option<u64>,
    /// Since when it waits for something that is not there yet.
    pub(super) waiting_since: Option<Instant>,
    /// The object that it waits for.
    pub(crate) wait: Option<Wait>,
    /// The number of ends of the process that it was in hand at.
    pub(super) ends: u32,
    /// Whether the broker knows that it is in hand.
    pub(super) is_announced: bool,
    /// Where its partition has it while it is in flight.
    pub(super) in_flight: Option<usize>,
}

impl Deref for Task {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}

impl DerefMut for Task {
    fn deref_mut(&mut self) -> &mut Known {
        &mut self.0
    }
}

impl Task {
    pub(super) fn new(assignment: u64, order_key: OrderKey, waiting: Waiting) -> Self {
        let Waiting { event, park_reason, replayed } = waiting;
        Self(Box::new(Known {
            assignment,
            order_key,
            event,
            replayed,
            is_after_replays: false,
            attempts: 0,
            waits: 0,
            park_reason,
            is_handled: false,
            answers_at_start: 0,
            answers_before: None,
            waiting_since: None,
            wait: None,
            ends: 0,
            is_announced: false,
            in_flight: None,
        }))
    }
}

impl Known {
    /// Returns it as it was before it was its turn.
    pub(super) fn as_waiting(&self) -> Waiting {
        let Self { event, park_reason, replayed, .. } = self;
        Waiting { event: Arc::clone(event), park_reason: park_reason.clone(), replayed: *replayed }
    }

    /// Whether it may have ended the process: its step is called for nothing else meanwhile.
    pub(crate) fn is_suspect(&self) -> bool {
        self.ends > 0 && self.park_reason.is_none()
    }

    /// Whether it has waited before.
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting_since.is_some()
    }

    /// Returns what tells it apart.
    pub(crate) fn id(&self) -> EventId {
        (self.assignment, self.event.offset)
    }
}
