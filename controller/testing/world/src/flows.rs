//! The pull steps and event steps of a world, and the messages that its steps send.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::ready;
use jiff::Timestamp;
use tokio::sync::watch;
use xos_engine::clock::later;
use xos_engine::pull::{PullOptions, PullStates, Run, once};
use xos_model::Outcome;
use xos_steps::producer::Sent;
use xos_steps::{BusEvent, DynEventStep, DynPullStep, Message, Producer, Services, Subscription};

use crate::waiting::Waiting;
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

/// Pull steps.
pub(crate) type Pulls = Vec<Arc<dyn DynPullStep>>;
/// Event steps, with their topics.
pub(crate) type Subscribed = Vec<(Subscription, Arc<dyn DynEventStep>)>;

/// Pull steps, event steps, and the messages that steps send.
pub(crate) struct Flows {
    pulls: Vec<Pull>,
    events: Subscribed,
    bus: Recorder,
    options: PullOptions,
    states: PullStates,
    waiting: Vec<Waiting>,
    parked: Vec<(String, BusEvent, String)>,
}

struct Pull {
    step: Arc<dyn DynPullStep>,
    next: Timestamp,
    last: Option<Run>,
    /// The operator's confirmations; none before the first run.
    confirmations: Option<watch::Receiver<u64>>,
}

impl Pull {
    /// Whether its period is over, or an operator has confirmed what it holds.
    fn is_due(&self, now: Timestamp) -> bool {
        let holds = self.last.as_ref().is_some_and(|run| !run.held.is_empty());
        let is_confirmed = || self.confirmations.as_ref().is_some_and(|all| all.has_changed().unwrap_or(false));
        self.next <= now || (holds && is_confirmed())
    }
}

impl Flows {
    pub(crate) fn new(pulls: Pulls, events: Subscribed, bus: Recorder, time_limit: Duration) -> Self {
        let options = PullOptions { time_limit, shutdown_grace: Duration::ZERO, namespace: NAMESPACE.to_owned() };
        let pulls = pulls.into_iter().map(|step| Pull { step, next: Timestamp::MIN, last: None, confirmations: None });
        Self {
            pulls: pulls.collect(),
            events,
            bus,
            options,
            states: PullStates::default(),
            waiting: vec![],
            parked: vec![],
        }
    }

    /// Runs the pull steps that are due. Returns whether there was any.
    pub(crate) async fn pull(&mut self, now: Timestamp, services: &Arc<Services>) -> bool {
        let mut any = false;
        for pull in self.pulls.iter_mut().filter(|pull| pull.is_due(now)) {
            pull.confirmations = Some(services.holds.confirmations());
            let run = once(pull.step.as_ref(), services, &self.options).await;
            for event in self.states.ended(pull.step.name(), &run, Duration::ZERO) {
                services.events.publish_in_namespace(&self.options.namespace, event);
            }
            pull.last = Some(run);
            pull.next = later(now, pull.step.period());
            any = true;
        }
        any
    }

    /// Lets these steps take the place of those that run. Those that are the same go on.
    pub(crate) fn exchange(&mut self, pulls: Pulls, events: Subscribed) {
        let mut before = std::mem::take(&mut self.pulls);
        for step in pulls {
            let same = before.iter().position(|pull| is_same(&pull.step, &step)).map(|at| before.swap_remove(at));
            let new = || Pull { step, next: Timestamp::MIN, last: None, confirmations: None };
            self.pulls.push(same.unwrap_or_else(new));
        }
        self.events = events;
    }

    /// Takes in that the controller was started anew: every pull step runs at once.
    pub(crate) fn restart(&mut self) {
        for pull in &mut self.pulls {
            pull.next = Timestamp::MIN;
        }
        self.states = PullStates::default();
        self.waiting.iter_mut().for_each(Waiting::forget);
    }

    pub(crate) fn pulled(&self, step: &str) -> Option<&Outcome> {
        Some(&self.pulls.iter().find(|pull| pull.step.name() == step)?.last.as_ref()?.outcome)
    }

    pub(crate) fn states(&self) -> &PullStates {
        &self.states
    }

    pub(crate) async fn send(
        &mut self,
        event: &BusEvent,
        services: &Arc<Services>,
        now: Timestamp,
    ) -> Vec<(String, Outcome)> {
        let mut outcomes = vec![];
        for (_, step) in self.events.iter().filter(|(subscription, _)| subscription.has(&event.topic)) {
            let mut one = Waiting::new(step, event);
            let (outcome, waits) = if self.waiting.iter().any(|other| other.is_before(&one)) {
                (Outcome::Deferred("an earlier event of its key waits".to_owned()), true)
            } else {
                one.call(services, self.options.time_limit, now).await
            };
            outcomes.push((step.name().to_owned(), outcome));
            self.parked.extend(one.parked());
            if waits {
                self.waiting.push(one);
            }
        }
        outcomes
    }

    /// Takes up the events that are due: those that have waited long enough, and those whose object has come or changed.
    /// Returns whether there was any.
    pub(crate) async fn take_up(&mut self, services: &Arc<Services>, now: Timestamp) -> bool {
        let mut any = false;
        let mut left: Vec<Waiting> = vec![];
        for mut one in std::mem::take(&mut self.waiting) {
            let is_first = !left.iter().any(|other| other.is_before(&one));
            let mut waits = true;
            if is_first && one.is_due(now) {
                any = true;
                (_, waits) = one.call(services, self.options.time_limit, now).await;
                self.parked.extend(one.parked());
            }
            if waits {
                left.push(one);
            }
        }
        self.waiting = left;
        any
    }

    pub(crate) fn waiting(&self) -> Vec<(String, BusEvent)> {
        self.waiting.iter().map(|one| (one.step.name().to_owned(), BusEvent::clone(&one.event))).collect()
    }

    pub(crate) fn take_parked(&mut self) -> Vec<(String, BusEvent, String)> {
        std::mem::take(&mut self.parked)
    }

    pub(crate) fn take_messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.bus.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_same(one: &Arc<dyn DynPullStep>, other: &Arc<dyn DynPullStep>) -> bool {
    let has_same_revision = || one.revision().is_some() && one.revision() == other.revision();
    Arc::ptr_eq(one, other) || (one.name() == other.name() && has_same_revision())
}
