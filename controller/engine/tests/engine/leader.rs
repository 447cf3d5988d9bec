//! Engines that lead or stand by: only the one that leads works, and each knows everything all the time.

use std::sync::Mutex as Lock;

use jiff::Timestamp;
use xos_engine::leader::{Fence, Leadership};

use super::support::*;

/// Two engines on one API server, with steps that take a second.
struct Two {
    world: World,
    first: (Leadership, Running),
    second: (Leadership, Running),
    overlaps: Arc<AtomicUsize>,
}

/// Counts calls that overlap, by object.
struct Watched {
    calls: Arc<Mutex<Vec<String>>>,
    who: &'static str,
    running: Arc<Lock<std::collections::BTreeMap<String, usize>>>,
    overlaps: Arc<AtomicUsize>,
    takes: Duration,
}

/// Ends with the call, even if that is dropped.
struct During<'a>(&'a Watched, String);

impl<'a> During<'a> {
    fn begin(step: &'a Watched, what: &str, o: &Object) -> Self {
        step.calls.lock().unwrap().push(format!("{} {what} {}", step.who, o.meta.name));
        let mut running = step.running.lock().unwrap();
        let count = running.entry(o.meta.name.clone()).or_default();
        if *count > 0 {
            step.overlaps.fetch_add(1, Ordering::SeqCst);
        }
        *count += 1;
        Self(step, o.meta.name.clone())
    }
}

impl Drop for During<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

impl SyncStep for Watched {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let _during = During::begin(self, "sync", o);
        tokio::time::sleep(self.takes).await;
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        let _during = During::begin(self, "delete", o);
        Ok(())
    }
}

impl Two {
    fn start(takes: Duration) -> Self {
        let (overlaps, running) = (Arc::<AtomicUsize>::default(), Arc::default());
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let mut api = None;
        let mut engine = |who| {
            let calls = Arc::<Mutex<Vec<String>>>::default();
            let step = Watched {
                calls: Arc::clone(&calls),
                who,
                running: Arc::clone(&running),
                overlaps: Arc::clone(&overlaps),
                takes,
            };
            let leadership = Leadership::new(clock.clone());
            let steps = Steps::new().sync_step(step);
            let run = Running::start_beside(api.as_ref(), clock.clone(), calls, &steps, Some(leadership.clone()));
            api = Some(run.world.api.clone());
            (leadership, run)
        };
        let (first, second) = (engine("1"), engine("2"));
        Self { world: first.1.world.clone(), first, second, overlaps }
    }

    fn calls(&self) -> Vec<String> {
        [&self.first, &self.second].iter().flat_map(|(_, run)| run.calls()).collect()
    }
}

/// Lets a process lead, as after an election: for 15 s, of which it begins something for 10 s.
fn lead(leadership: &Leadership, number: u64, took_over: Option<Timestamp>) {
    let until = |seconds| Fence::Until(leadership.now().after(Duration::from_secs(seconds)));
    leadership.begin(until(15), until(10), took_over);
    leadership.prepared(number);
}

#[tokio::test(start_paused = true)]
async fn only_the_leader_works_and_the_next_one_lists_nothing() {
    let two = Two::start(Duration::ZERO);
    two.world.put(object("ann"));
    two.first.1.pass(5.0).await;
    assert_eq!(two.calls(), [""; 0], "nobody leads");
    lead(&two.first.0, 1, None);
    two.first.1.pass(1.0).await;
    assert_eq!(two.calls(), ["1 sync ann"]);
    two.first.0.end();
    two.world.put(object("bob"));
    two.first.1.pass(1.0).await;
    assert_eq!(two.calls(), ["1 sync ann"], "nobody leads again");
    let now = two.second.0.now().wall;
    lead(&two.second.0, 1, Some(now));
    two.first.1.pass(1.0).await;
    assert_eq!(two.calls(), ["1 sync ann", "2 sync bob"], "what the first one did is not done again");
}

#[tokio::test(start_paused = true)]
async fn what_the_former_leader_has_recorded_in_its_last_moment_is_not_done_again() {
    let two = Two::start(Duration::ZERO);
    let ann = object("ann");
    two.world.put(ann.clone());
    lead(&two.first.0, 1, None);
    two.first.1.pass(1.0).await;
    two.first.0.end();
    let done = two.world.get("ann").unwrap();
    // What the second one has seen of it.
    two.world.put(ann);
    two.first.1.pass(1.0).await;
    two.world.api.put_unseen(done.clone());
    let now = two.second.0.now().wall;
    lead(&two.second.0, 1, Some(now));
    two.first.1.pass(5.0).await;
    assert_eq!(two.calls(), ["1 sync ann"], "the watch has not shown it yet");
    two.world.put(done);
    two.first.1.pass(30.0).await;
    assert_eq!(two.calls(), ["1 sync ann"]);
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_nothing_is_begun_ended_or_written() {
    let two = Two::start(Duration::from_secs(30));
    two.world.put(object("ann"));
    lead(&two.first.0, 1, None);
    two.first.1.pass(11.0).await;
    two.world.put(object("bob"));
    two.first.1.pass(3.0).await;
    assert_eq!(two.calls(), ["1 sync ann"], "nothing begins after the renew deadline");
    two.first.1.pass(60.0).await;
    let writes = two.world.writes();
    assert!(!writes.iter().any(|write| write == "status ann"), "{writes:?}");
    let now = two.second.0.now().wall;
    lead(&two.second.0, 1, Some(now));
    // It is extended, as by renewals.
    for _ in 0..8 {
        let until = |seconds| Fence::Until(two.second.0.now().after(Duration::from_secs(seconds)));
        two.second.0.extend(until(15), until(10));
        two.first.1.pass(5.0).await;
    }
    let mut calls = two.calls();
    calls.sort_unstable();
    assert_eq!(calls, ["1 sync ann", "2 sync ann", "2 sync bob"]);
    assert_eq!(two.overlaps.load(Ordering::SeqCst), 0);
    assert_eq!(two.first.1.code("ann"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_renews_late_goes_on_with_what_it_has_begun() {
    let two = Two::start(Duration::from_secs(13));
    two.world.put(object("ann"));
    lead(&two.first.0, 1, None);
    two.first.1.pass(11.0).await;
    two.world.put(object("bob"));
    two.first.1.pass(1.0).await;
    let until = |seconds| Fence::Until(two.first.0.now().after(Duration::from_secs(seconds)));
    two.first.0.extend(until(100), until(100));
    two.first.1.pass(50.0).await;
    assert_eq!(two.calls(), ["1 sync ann", "1 sync bob"], "each once");
    assert_eq!((two.first.1.code("ann"), two.first.1.code("bob")), (json!(1), json!(1)));
}

#[tokio::test(start_paused = true)]
async fn what_another_process_may_have_tried_is_deleted_with_its_step() {
    // Whether the next leader was there before, when the object was made, and whether its delete step runs.
    for (stands_by, seconds_before, runs) in [(true, 0, true), (true, 61, false), (false, 0, false)] {
        let two = Two::start(Duration::ZERO);
        let now = two.second.0.now().wall;
        lead(&two.second.0, 1, stands_by.then_some(now));
        two.first.1.pass(0.1).await;
        let mut made = object("ann");
        made.meta.created = Some(now + jiff::SignedDuration::from_secs(seconds_before));
        made.meta.finalizers = vec!["sync.xos.opencord.org/me".to_owned()];
        made.set("no_sync", json!(true));
        two.world.put(made);
        two.first.1.pass(0.1).await;
        two.world.delete("ann");
        two.first.1.pass(0.1).await;
        let expected: &[&str] = if runs { &["2 delete ann"] } else { &[] };
        assert_eq!(two.calls(), expected, "{stands_by} {seconds_before}");
        assert_eq!(two.world.get("ann"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_changes_of_the_leader_lose_nothing() {
    let two = Two::start(Duration::from_millis(700));
    let mut numbers = [0_u64, 0];
    for turn in 0..20 {
        let (who, other) = if turn % 2 == 0 { (&two.first, &two.second) } else { (&two.second, &two.first) };
        other.0.end();
        numbers[turn % 2] += 1;
        let now = who.0.now().wall;
        lead(&who.0, numbers[turn % 2], Some(now));
        for n in 0..10 {
            let name = format!("o{n}");
            if two.world.get(&name).is_none() {
                two.world.put(object(&name));
            } else {
                two.world.edit(&name, |o| {
                    o.meta.generation += 1;
                    o.intent.spec = xos_model::SpecHash::of(&json!([turn, n]));
                });
            }
            who.1.pass(0.13).await;
        }
    }
    let last = &two.second;
    let until = Fence::Until(last.0.now().after(Duration::from_secs(1000)));
    last.0.extend(until, until);
    last.1.pass(100.0).await;
    assert_eq!(two.overlaps.load(Ordering::SeqCst), 0, "{:?}", two.calls());
    for n in 0..10 {
        let object = two.world.get(&format!("o{n}")).unwrap();
        let own = object.status.of("me").unwrap();
        assert_eq!(own.sync.handled.as_ref().map(|handled| handled.spec), Some(object.intent.spec), "o{n}");
    }
}
