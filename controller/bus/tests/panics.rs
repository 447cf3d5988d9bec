//! A consumer that panics is restarted, and the failure of the step shows if that does not help. There is no broker.
#![cfg(feature = "kafka")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusOptions, ConsumerState, Settings};
use xos_model::{Backoff, Object};
use xos_steps::{BusEvent, Event, EventSink, EventStep, Services, StepContext, StepError, erase_event_step};

/// Until something that is about to happen is seen.
const SOON: Duration = Duration::from_secs(60);

struct Step;

impl EventStep for Step {
    const TOPICS: &'static [&'static str] = &["topic"];

    async fn process_event(&self, _: &StepContext, _: &BusEvent) -> Result<(), StepError> {
        Ok(())
    }
}

/// Panics when the consumer thread reports that the bus is down, as long as its flag is set.
struct PanickingSink(AtomicBool);

impl EventSink for PanickingSink {
    fn publish(&self, _: &Object, _: Event) {}

    fn publish_in_namespace(&self, _: &str, event: Event) {
        assert!(event.reason != "EventBusDown" || !self.0.load(Ordering::SeqCst), "the sink of events panics");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_panics_is_restarted_and_its_failure_shows_if_that_does_not_help() {
    let restart = Backoff { initial: Duration::from_millis(10), max: Duration::from_secs(3), jitter: 0.1 };
    // There is no broker at this port.
    let settings = Settings { endpoints: vec!["127.0.0.1:1".to_owned()], restart, ..Settings::default() };
    let options = BusOptions {
        synchronizer: "sync".to_owned(),
        namespace: "default".to_owned(),
        time_limit: SOON,
        shutdown_grace: Duration::from_secs(5),
    };
    let bus = Bus::new(vec![erase_event_step(Step)], &settings, options).unwrap();
    let states = bus.states();
    let state = || -> ConsumerState { states.all().remove(0) };
    let sink = Arc::new(PanickingSink(AtomicBool::new(true)));
    let services = Services { events: Arc::<PanickingSink>::clone(&sink), ..Services::default() };
    let shutdown = CancellationToken::new();
    let (_ready, when) = watch::channel(true);
    let running = tokio::spawn(bus.run(Arc::new(services), when, shutdown.clone()));

    until("a restart", || state().restarts >= 1).await;
    assert_eq!(state().failure(Timestamp::now()), None, "the next run may be without a panic");
    until("the failure", || state().failure(Timestamp::now()).is_some()).await;
    let failure = state().failure(Timestamp::now()).unwrap();
    assert!(failure.starts_with("event step Step: its consumer panicked "), "{failure}");
    assert!(failure.ends_with("the sink of events panics"), "{failure}");

    sink.0.store(false, Ordering::SeqCst);
    until("a healthy run", || state().failure(Timestamp::now()).is_none()).await;
    assert!(state().is_polling(Timestamp::now()));
    shutdown.cancel();
    tokio::time::timeout(SOON, running).await.unwrap().unwrap();
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !holds() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("no {what} in {SOON:?}"));
}
