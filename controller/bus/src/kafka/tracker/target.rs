//! What is known of the step's target: whether it is away, and who is to blame if a call does not reach it.

use std::time::Instant;

use jiff::Timestamp;
use xos_model::gate::{ABSENCES, Ending, Gate, News, Outage};
use xos_model::{Backoff, later};
use xos_steps::ErrorKind;

use super::task::{EventId, Task};

/// How a call ended that did not reach the step's target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence<'a> {
    /// The step's name.
    pub(crate) step: &'a str,
    /// [`ErrorKind::Away`], [`ErrorKind::Unreached`] or [`ErrorKind::Unanswered`].
    pub(crate) kind: ErrorKind,
    /// How it failed.
    pub(crate) why: &'a str,
    /// A random number in 0..1, for the jitter of delays.
    pub(crate) unit: f64,
}

/// Who is to blame for a call that did not reach the target.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The target: it is no attempt.
    Target,
    /// The event: the target has answered others since its last attempt.
    Event,
}

/// The target of the step.
#[derive(Debug)]
pub(super) struct Target {
    gate: Gate<EventId>,
    delays: Backoff,
    /// One moment by both clocks: what the gate is told never goes back.
    epoch: (Instant, Timestamp),
    /// How many calls the target has answered.
    pub(super) answers: u64,
}

impl Target {
    pub(super) fn new(delays: Backoff) -> Self {
        Self { gate: Gate::default(), delays, epoch: (Instant::now(), Timestamp::now()), answers: 0 }
    }

    pub(super) fn outage(&self) -> Option<&Outage> {
        self.gate.outage()
    }

    pub(super) fn is_away(&self) -> bool {
        self.gate.outage().is_some()
    }

    /// Returns when an event may try next; none while the target is there.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        let ahead = self.gate.next_probe()?.duration_since(self.epoch.1);
        Some(self.epoch.0 + ahead.try_into().unwrap_or_default())
    }

    fn time(&self, now: Instant) -> Timestamp {
        later(self.epoch.1, now.saturating_duration_since(self.epoch.0))
    }

    /// An event is started.
    pub(super) fn began(&mut self, id: EventId, now: Instant) {
        let now = self.time(now);
        self.gate.began(&id, &self.delays, now);
    }

    /// An event in flight is given up, or put back.
    pub(super) fn left(&mut self, id: EventId, now: Instant) {
        let now = self.time(now);
        self.gate.left_at_once(&id, now);
    }

    /// An event has come that was never tried.
    pub(super) fn something_new(&mut self, now: Instant) {
        if self.is_away() {
            let now = self.time(now);
            self.gate.try_at_once(now);
        }
    }

    /// A call has returned.
    pub(super) fn answered(&mut self, id: EventId, now: Instant) -> News {
        self.answers += 1;
        if self.gate.is_at_rest() {
            return News::None;
        }
        let now = self.time(now);
        self.gate.ended(("", &id), Ending::Returned, (now, now), (&self.delays, 0.0), ABSENCES)
    }

    /// A call did not reach the target. `queues` is how many events could be tried.
    pub(super) fn unreached(
        &mut self,
        task: &mut Task,
        call: Absence<'_>,
        queues: usize,
        now: Instant,
    ) -> (Blame, News) {
        let Absence { step, kind, why, unit } = call;
        let answered_meanwhile = self.answers > task.answers_at_start;
        let answered_between = task.answers_before.is_some_and(|before| task.answers_at_start > before);
        task.answers_before = Some(self.answers);
        let answered_others = !self.is_away() && (answered_meanwhile || answered_between);
        if answered_others && kind == ErrorKind::Unanswered {
            return (Blame::Event, News::None);
        }
        // While this call waited the target has answered another one: it is not away.
        if answered_meanwhile && !self.is_away() {
            return (Blame::Target, News::None);
        }
        let ending = match kind {
            ErrorKind::Away if !answered_others => Ending::Away(why),
            _ => Ending::Unreached(why),
        };
        let absences = if answered_others { ABSENCES } else { ABSENCES.min(queues.max(1)) };
        let now = self.time(now);
        let news = self.gate.ended((step, &task.id()), ending, (now, now), (&self.delays, unit), absences);
        (Blame::Target, news)
    }

    /// Returns the delay before an event is tried again alone.
    pub(super) fn delay(&self, waits: u32, unit: f64) -> std::time::Duration {
        self.delays.delay(waits.max(1), unit)
    }
}
