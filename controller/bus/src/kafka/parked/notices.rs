//! Kubernetes Events of parking: at most one of a kind within ten seconds, however much is parked.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use xos_steps::Event;

use crate::kafka::notifier::Notifier;

/// At most one Event of a kind is sent within this time.
const PERIOD: Duration = Duration::from_secs(10);

/// Limits one kind of Events.
#[derive(Debug, Default)]
struct Limit {
    last: Option<Instant>,
    /// How many were not sent since the last one.
    unsaid: u64,
}

impl Limit {
    /// Counts one. Returns how many others were not told of, if this one is to be sent now.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.last.is_some_and(|last| now.saturating_duration_since(last) < PERIOD) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// Reports what is parked, and what cannot be.
#[derive(Debug)]
pub(crate) struct Notices {
    notifier: Notifier,
    parked: Mutex<Limit>,
    not_parked: Mutex<Limit>,
    unreadable: Mutex<Limit>,
}

impl Notices {
    /// Returns the notices of a step.
    pub(crate) fn new(notifier: Notifier) -> Self {
        Self { notifier, parked: Mutex::default(), not_parked: Mutex::default(), unreadable: Mutex::default() }
    }

    fn send(&self, limit: &Mutex<Limit>, event: impl FnOnce(&str) -> Event) {
        let admitted = limit.lock().unwrap_or_else(PoisonError::into_inner).admit(Instant::now());
        let others = match admitted {
            None => return,
            Some(0) => String::new(),
            Some(others) => format!(" (and {others} more before it)"),
        };
        self.notifier.publish(event(&others));
    }

    /// Reports that an event was parked.
    pub(crate) fn parked(&self, place: &str, parked_in: &str, attempts: u32, reason: &str) {
        let step = &self.notifier.step;
        let attempts = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
        self.send(&self.parked, |others| {
            let what = format!("event step {step} could not handle {place}{others}: it is parked in {parked_in}");
            Event::warning("EventParked", format!("{what} after {attempts}; see `xos events parked`: {reason}"))
        });
    }

    /// Reports that an event cannot be parked.
    pub(crate) fn not_parked(&self, place: &str, error: &str) {
        let step = &self.notifier.step;
        self.send(&self.not_parked, |others| {
            let what = format!("event step {step} cannot park {place}{others}, and tries it again");
            Event::warning("EventNotParked", format!("{what}; its partition is not committed until then: {error}"))
        });
    }

    /// Reports that it cannot be found out what is parked.
    pub(crate) fn unreadable(&self, error: &str) {
        let step = &self.notifier.step;
        self.send(&self.unreadable, |_| {
            let what = format!("event step {step} waits, as it cannot read what is parked");
            let remedy = "check the brokers, and the rights to DESCRIBE and READ the topics of parked events";
            Event::warning("ParkedEventsUnreadable", format!("{what}; {remedy}: {error}"))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_at_once_are_few_events() {
        let start = Instant::now();
        let mut limit = Limit::default();
        assert_eq!(limit.admit(start), Some(0));
        for _ in 0..999 {
            assert_eq!(limit.admit(start + Duration::from_secs(9)), None);
        }
        assert_eq!(limit.admit(start + PERIOD), Some(999));
        assert_eq!(limit.admit(start + 2 * PERIOD), Some(0));
    }
}
