//! Schedules of pull steps, in paused time.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinHandle;
use xos_model::Object;
use xos_steps::{PullStep, StepError, erase_pull_step};

use super::*;
use crate::clock::SystemClock;
use crate::leader::Fence;
use tokio::sync::watch;

/// Takes some time; notes when it started and how many ran at once.
#[derive(Clone, Default)]
struct Slow {
    name: &'static str,
    period: u64,
    takes: u64,
    starts: Arc<Mutex<Vec<Duration>>>,
    running: Arc<AtomicUsize>,
    fails: bool,
}

/// A run that is going on, also when it is cut off.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl PullStep for Slow {
    type Model = Object;
    fn observes(&self) -> &str {
        "MyModel"
    }
    fn name(&self) -> &str {
        self.name
    }
    fn period(&self) -> Duration {
        Duration::from_secs(self.period)
    }
    fn time_limit(&self) -> Option<Duration> {
        Some(Duration::from_secs(100))
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        assert_eq!(ctx.namespace(), "here");
        assert_eq!(self.running.fetch_add(1, Ordering::SeqCst), 0, "never twice at once");
        self.starts.lock().unwrap().push(START.with(Instant::elapsed));
        let _inside = Inside(&self.running);
        tokio::time::sleep(Duration::from_secs(self.takes)).await;
        if self.fails { Err(StepError::failed("no route")) } else { Ok(()) }
    }
}

thread_local! {
    static START: Instant = Instant::now();
}

struct Running {
    states: PullStates,
    ready: watch::Sender<bool>,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

fn start(steps: &[&Slow]) -> Running {
    start_led_by(Leadership::always(Arc::new(SystemClock)), steps)
}

fn start_led_by(leadership: Leadership, steps: &[&Slow]) -> Running {
    START.with(|_| {});
    let steps = steps.iter().map(|&step| erase_pull_step(step.clone())).collect();
    let options = PullOptions {
        time_limit: Duration::from_secs(1),
        shutdown_grace: Duration::from_secs(10),
        namespace: "here".to_owned(),
    };
    let (ready, when) = watch::channel(false);
    let states = PullStates::default();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(run(
        (steps, PullSteps::new().1),
        Arc::default(),
        options,
        states.clone(),
        (leadership, when),
        shutdown.clone(),
    ));
    Running { states, ready, shutdown, running }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn each_step_has_its_own_schedule() {
    let quick = Slow { name: "quick", period: 10, ..Slow::default() };
    let slow = Slow { name: "slow", period: 10, takes: 35, ..Slow::default() };
    let run = start(&[&quick, &slow]);
    pass(5).await;
    assert!(quick.starts.lock().unwrap().is_empty(), "not before all objects are known");
    run.ready.send_replace(true);
    pass(100).await;
    let starts = quick.starts.lock().unwrap().clone();
    assert!((9..=12).contains(&starts.len()), "{starts:?}");
    let gaps: Vec<_> = starts.windows(2).map(|two| (two[1] - two[0]).as_secs_f64()).collect();
    assert!(gaps.iter().all(|gap| (8.9..11.1).contains(gap)), "{gaps:?}");
    assert_eq!(slow.starts.lock().unwrap().len(), 3, "a long run puts off the next");
    run.shutdown.cancel();
    run.running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_a_leader_pulls_and_a_run_ends_with_its_term() {
    let leadership = Leadership::new(Arc::new(SystemClock));
    let step = Slow { name: "slow", period: 100, takes: 9, ..Slow::default() };
    let run = start_led_by(leadership.clone(), &[&step]);
    run.ready.send_replace(true);
    pass(50).await;
    assert_eq!(step.starts.lock().unwrap().len(), 0, "it stands by");
    leadership.begin(Fence::Open, Fence::Open, None);
    leadership.prepared(1);
    pass(5).await;
    leadership.end();
    pass(50).await;
    assert_eq!((step.starts.lock().unwrap().len(), run.states.all()), (1, vec![]), "it was dropped");
    leadership.begin(Fence::Open, Fence::Open, None);
    leadership.prepared(2);
    pass(20).await;
    assert_eq!((step.starts.lock().unwrap().len(), run.states.all()[0].runs), (2, 1), "at once when it leads again");
    leadership.end();
    leadership.begin(Fence::Open, Fence::Open, None);
    leadership.prepared(3);
    pass(5).await;
    assert_eq!(step.starts.lock().unwrap().len(), 3, "another process may have run it meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_step_that_hangs_is_stopped_and_a_shutdown_does_not_wait_for_ever() {
    let hung = Slow { name: "hung", period: 1, takes: 10_000, ..Slow::default() };
    let run = start(&[&hung]);
    run.ready.send_replace(true);
    pass(101).await;
    let state = run.states.all().pop().unwrap();
    assert!(state.error.unwrap().contains("time limit"), "its own limit is over");
    run.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(11), run.running).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_until_success() {
    let failing = Slow { name: "failing", period: 10, fails: true, ..Slow::default() };
    let run = start(&[&failing]);
    run.ready.send_replace(true);
    pass(25).await;
    let state = run.states.all().pop().unwrap();
    assert_eq!((state.failures, state.error.as_deref()), (3, Some("no route")));
    let told = run.states.ended("failing", &ended(Outcome::Succeeded), Duration::ZERO);
    assert_eq!(told[0].to_string(), "Normal PullSucceeded: failing succeeds again");
    assert_eq!(run.states.all().pop().unwrap().failures, 0);
}

fn ended(outcome: Outcome) -> Run {
    Run { outcome, held: vec![], done: Done::default() }
}

#[test]
fn a_failure_tells_what_was_changed_nevertheless() {
    let done = Done { created: 3, saved: 1, deleted: 2 };
    let run = Run { done, ..ended(Outcome::Failed("1 of 9 items".to_owned())) };
    let told = PullStates::default().ended("step", &run, Duration::ZERO);
    assert_eq!(told[0].to_string(), "Warning PullFailed: step: 1 of 9 items; 3 created, 1 saved, 2 deleted");
}

#[test]
fn what_is_held_is_told_and_counted_and_is_no_failure() {
    let states = PullStates::default();
    let objects: Vec<_> = (0..20).map(|n| Object::named("Onu", "here", &format!("onu-{n}"))).collect();
    let held = HeldListing::new("step", "here", &objects.iter().collect::<Vec<_>>(), 20);
    let run = Run { held: vec![held], ..ended(Outcome::Deferred("held".to_owned())) };
    let told = states.ended("step", &run, Duration::ZERO);
    assert_eq!(
        told[0].to_string(),
        "Warning PullHeld: step would delete 20 of 20 objects (20 Onu): onu-0, onu-1, onu-2, onu-3, onu-4 and 15 more. \
         They are kept until the backend lists them again, or `xos pull confirm step`"
    );
    let state = states.all().pop().unwrap();
    assert_eq!((state.held, state.failures, state.error), (20, 0, None));
    let told = states.ended("step", &ended(Outcome::Succeeded), Duration::ZERO);
    assert_eq!(told[0].to_string(), "Normal PullReleased: step: no deletion is held any more; nothing was changed");
}

#[test]
fn the_same_failure_again_is_no_event() {
    let states = PullStates::default();
    let told = |outcome| states.ended("step", &ended(outcome), Duration::ZERO).first().map(ToString::to_string);
    assert_eq!(told(Outcome::Succeeded), None);
    let failed = |text: &str| Outcome::Failed(text.to_owned());
    assert_eq!(told(failed("no route")).unwrap(), "Warning PullFailed: step: no route; nothing was changed");
    assert_eq!(told(failed("no route")), None);
    assert_eq!(told(failed("refused")).unwrap(), "Warning PullFailed: step: refused; nothing was changed");
    assert_eq!(told(Outcome::Succeeded).unwrap(), "Normal PullSucceeded: step succeeds again");
}
