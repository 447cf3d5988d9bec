//! Events that wait for something that is not there yet, and those behind them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_engine::clock::later;
use xos_model::{Outcome, Pass};
use xos_steps::call::{self, outcome};
use xos_steps::{BusEvent, Call, DynEventStep, ErrorKind, Services, StepContext, StepError, Wait};

use crate::world::NAMESPACE;

/// A deferred event is tried again after this time.
const DEFERRED: Duration = Duration::from_secs(5);
/// An event that waits for an object is tried again after this time, also if no such object has come.
const WAITS: Duration = Duration::from_secs(30);

/// An event of a step that waits, or waits behind another of its key.
pub(crate) struct Waiting {
    pub(crate) step: Arc<dyn DynEventStep>,
    pub(crate) event: Arc<BusEvent>,
    next: Timestamp,
    wait: Option<Wait>,
    /// Why it was parked at once.
    unreadable: Option<String>,
}

impl Waiting {
    /// Returns an event that is due.
    pub(crate) fn new(step: &Arc<dyn DynEventStep>, event: &BusEvent) -> Self {
        let (step, event) = (Arc::clone(step), Arc::new(event.clone()));
        Self { step, event, next: Timestamp::MIN, wait: None, unreadable: None }
    }

    /// Whether it goes to the same step with the same order key.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.step.name() == other.step.name() && self.step.order_key(&self.event) == other.step.order_key(&other.event)
    }

    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.next <= now || self.wait.as_ref().is_some_and(Wait::is_woken)
    }

    /// Has it taken up at once, as by a controller that was started anew.
    pub(crate) fn forget(&mut self) {
        self.next = Timestamp::MIN;
        self.wait = None;
    }

    /// Returns it, once, if it was parked: with the name of its step, and why.
    pub(crate) fn parked(&mut self) -> Option<(String, BusEvent, String)> {
        let why = self.unreadable.take()?;
        Some((self.step.name().to_owned(), BusEvent::clone(&self.event), why))
    }

    /// Calls the step. Returns the outcome, and whether it goes on waiting.
    pub(crate) async fn call(&mut self, services: &Arc<Services>, limit: Duration, now: Timestamp) -> (Outcome, bool) {
        let call = Call::new(self.step.name(), Pass::Event, NAMESPACE).for_event(&self.event);
        let context = StepContext::new(services, call);
        if let Some(wait) = &self.wait {
            wait.rearm();
        }
        let result = call::run(self.step.process(&context, &self.event), limit).await;
        let waits = matches!(&result, Err(error) if error.kind() == ErrorKind::NotYet);
        if let Err(error) = &result {
            self.unreadable = error.is_unreadable().then(|| error.to_string());
            self.wait(error, services, now);
        }
        (outcome(&result), waits)
    }

    fn wait(&mut self, error: &StepError, services: &Services, now: Timestamp) {
        let StepError::WaitsFor(awaited) = error else {
            self.wait = None;
            self.next = later(now, DEFERRED);
            return;
        };
        self.next = later(now, WAITS);
        if !self.wait.as_ref().is_some_and(|wait| wait.is_for(awaited)) {
            // A model that is not there shows by the event that goes on waiting.
            self.wait = services.arrivals.wait(awaited, services.store.as_ref(), || {}).ok();
        }
    }
}
