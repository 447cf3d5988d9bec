//! What the engine measures for monitoring, and whether its loop turns.

use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::time::Instant;
use xos_engine::Observer;
use xos_engine::heartbeat::{self, Heartbeat};
use xos_engine::stats::{ModelStats, ResyncStats};

use crate::support::*;

fn model(run: &Running) -> ModelStats {
    run.stats.snapshot().models["MyModel"].clone()
}

fn linked(name: &str, boss: &str) -> Object {
    let mut o = object(name);
    o.set("boss", json!({"name": boss}));
    o
}

fn rename(run: &Running, name: &str, first_name: &str) {
    run.world.edit(name, |o| {
        o.set("first_name", json!(first_name));
        o.intent.spec = xos_crds::spec_hash(models().get("MyModel").unwrap(), &o.fields);
        o.meta.generation += 1;
    });
}

#[tokio::test(start_paused = true)]
async fn objects_that_wait_are_counted_and_no_longer_when_they_are_gone_or_go_on() {
    let run = Running::start(|_, _, _| Ok(()));
    assert_eq!(model(&run), ModelStats::default(), "a model without objects has its numbers");
    for (name, boss) in [("c", "b"), ("b", "a"), ("d", "nobody")] {
        run.world.put(linked(name, boss));
    }
    run.pass(60.0).await;
    assert_eq!(model(&run).waiting, 3);
    run.world.put(object("a"));
    run.pass(1.0).await;
    assert_eq!(model(&run).waiting, 1);
    run.world.delete("d");
    run.pass(1.0).await;
    assert!(run.world.get("d").is_none());
    assert_eq!(model(&run).waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_to_ready_begins_with_the_first_change_and_counts_each_object_once() {
    let run = Running::start_slow(Duration::from_secs(2), |_, o, n| {
        o.set("seen", json!(format!("{n}")));
        if n == 1 { Err(StepError::failed("not yet")) } else { Ok(()) }
    });
    run.world.put(object("a"));
    run.pass(3.0).await;
    assert_eq!(model(&run).time_to_ready.count(), 0, "it has failed");
    run.pass(60.0).await;
    let first = model(&run).time_to_ready;
    assert_eq!(first.count(), 1);
    assert!((4.0..10.0).contains(&first.sum), "two attempts and a delay: {first:?}");
    // Neither the controller's own writes nor the time that passes count.
    run.pass(600.0).await;
    assert_eq!(model(&run).time_to_ready, first);
    rename(&run, "a", "anna");
    run.pass(1.0).await;
    rename(&run, "a", "anne");
    run.pass(60.0).await;
    let second = model(&run).time_to_ready;
    assert_eq!(second.count(), 2, "two changes, once Ready");
    assert!((3.0..5.5).contains(&(second.sum - first.sum)), "from the first of them: {second:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_there_at_the_start_has_no_time_to_ready() {
    let calls = Arc::default();
    let step = Scripted {
        script: Box::new(|_, _, _| Ok(())),
        calls: Arc::clone(&calls),
        running: AtomicUsize::new(0),
        takes: Duration::ZERO,
    };
    let run = Running::start_over(vec![object("a")], calls, &Steps::new().sync_step(step));
    run.pass(60.0).await;
    assert_eq!(run.calls(), ["sync a"]);
    assert_eq!(model(&run).time_to_ready.count(), 0, "nobody knows when it was changed");
}

#[tokio::test(start_paused = true)]
async fn resyncs_are_counted_by_what_they_found() {
    let run = Running::start(|_, o, n| match n {
        3 => {
            o.set("seen", json!("put right"));
            Ok(())
        }
        4 => Err(StepError::innocuous("not now")),
        _ => Ok(()),
    });
    let mut looked_after = object("a");
    looked_after.meta.annotations.insert("resync".into(), "60s".to_owned());
    run.world.put(looked_after);
    run.pass(400.0).await;
    let resyncs = run.stats.snapshot().resyncs;
    let seen: Vec<_> = resyncs.values().collect();
    let [ResyncStats { unchanged, changed, unsuccessful }] = seen[..] else { panic!("{resyncs:?}") };
    assert_eq!((*changed, *unsuccessful), (1, 1), "{resyncs:?}");
    assert!(*unchanged >= 2, "{resyncs:?}");
}

/// Stops the engine's loop at each change until it is let go.
struct Stopper(Sender<()>, std::sync::Mutex<Receiver<()>>);

impl Observer for Stopper {
    fn changed(&self, _: Option<&Object>, _: &Object) {
        self.0.send(()).unwrap();
        let _ = self.1.lock().unwrap().recv();
    }

    fn gone(&self, _: &Object) {}
}

fn late() -> Instant {
    Instant::now() + heartbeat::STUCK_AFTER
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_that_stands_still_is_noticed() {
    let ((stopped, told), (release, go_on)) = (channel(), channel());
    let run = Running::start_observed(Arc::new(Stopper(stopped, std::sync::Mutex::new(go_on))));
    let heart: &Heartbeat = &run.heartbeat;
    until(|| heart.failure(late()).is_some()).await;
    run.world.put(object("a"));
    tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
    // It stands still, so it does not turn later than now.
    let at = Instant::now();
    assert!(heart.failure(at + heartbeat::STUCK_AFTER).is_some());
    drop(release);
    until(|| heart.failure(at + heartbeat::STUCK_AFTER).is_none()).await;
    run.shutdown.cancel();
    run.engine.await.unwrap().unwrap();
    assert_eq!(heart.failure(late()), None, "it was told to end");
}
