//! The pull steps and event steps of a world, and the messages that its steps send.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::ready;
use jiff::Timestamp;
use xos_engine::clock::later;
use xos_engine::pull::{PullOptions, once};
use xos_model::{Outcome, Pass};
use xos_steps::call::{self, outcome};
use xos_steps::producer::Sent;
use xos_steps::{BusEvent, Call, DynEventStep, DynPullStep, Message, Producer, Services, StepContext, Subscription};

use crate::world::NAMESPACE;

/// Keeps the messages that steps send.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Message>>>);

impl Producer for Recorder {
    fn send(&self, message: Message) -> Sent<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        ready(Ok(())).boxed()
    }
}

/// Pull steps, event steps, and the messages that steps send.
pub(crate) struct Flows {
    pulls: Vec<Pull>,
    events: Vec<(Subscription, Arc<dyn DynEventStep>)>,
    bus: Recorder,
    options: PullOptions,
}

struct Pull {
    step: Arc<dyn DynPullStep>,
    next: Timestamp,
    last: Option<Outcome>,
}

impl Flows {
    pub(crate) fn new(
        pulls: Vec<Arc<dyn DynPullStep>>,
        events: Vec<(Subscription, Arc<dyn DynEventStep>)>,
        bus: Recorder,
        time_limit: Duration,
    ) -> Self {
        let options = PullOptions { time_limit, shutdown_grace: Duration::ZERO, namespace: NAMESPACE.to_owned() };
        let pulls = pulls.into_iter().map(|step| Pull { step, next: Timestamp::MIN, last: None });
        Self { pulls: pulls.collect(), events, bus, options }
    }

    /// Runs the pull steps that are due. Returns whether there was any.
    pub(crate) async fn pull(&mut self, now: Timestamp, services: &Arc<Services>) -> bool {
        let mut any = false;
        for pull in self.pulls.iter_mut().filter(|pull| pull.next <= now) {
            pull.last = Some(once(pull.step.as_ref(), services, &self.options).await);
            pull.next = later(now, pull.step.period());
            any = true;
        }
        any
    }

    /// Takes in that the controller was started anew: every pull step runs at once.
    pub(crate) fn restart(&mut self) {
        for pull in &mut self.pulls {
            pull.next = Timestamp::MIN;
        }
    }

    pub(crate) fn pulled(&self, step: &str) -> Option<&Outcome> {
        self.pulls.iter().find(|pull| pull.step.name() == step)?.last.as_ref()
    }

    pub(crate) async fn send(&self, event: &BusEvent, services: &Arc<Services>) -> Vec<(String, Outcome)> {
        let mut outcomes = vec![];
        for (_, step) in self.events.iter().filter(|(subscription, _)| subscription.has(&event.topic)) {
            let call = Call::new(step.name(), Pass::Event, NAMESPACE).for_event(&Arc::new(event.clone()));
            let context = StepContext::new(services, call);
            let processed = call::run(step.process(&context, event), self.options.time_limit).await;
            outcomes.push((step.name().to_owned(), outcome(&processed)));
        }
        outcomes
    }

    pub(crate) fn take_messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.bus.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
