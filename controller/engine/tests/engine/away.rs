//! A target that is away: its objects wait, one at a time tries, and nobody else notices.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicBool;

use crate::support::*;

/// How a step fails while its target is away.
#[derive(Clone, Copy)]
enum Says {
    /// It says so.
    Unavailable,
    /// Its calls are refused: it knows of no outage.
    Refused,
}

struct Outage {
    run: Running,
    is_down: Arc<AtomicBool>,
}

impl Outage {
    fn start(says: Says) -> Self {
        let is_down = Arc::new(AtomicBool::new(false));
        let down = Arc::clone(&is_down);
        let run = Running::start(move |_, o, _| match says {
            _ if !down.load(Ordering::SeqCst) || o.meta.name.starts_with("fine") => Ok(()),
            Says::Unavailable => Err(StepError::unavailable("no route")),
            Says::Refused => Err(io::Error::from(io::ErrorKind::ConnectionRefused).into()),
        });
        Self { run, is_down }
    }

    fn down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn put(&self, count: usize) {
        (0..count).for_each(|n| self.run.world.put(object(&format!("o{n}"))));
    }

    fn reason(&self, name: &str) -> String {
        let o = self.run.world.get(name).unwrap();
        find(&o.status.conditions, "Synced").map(|one| one.reason.clone()).unwrap_or_default()
    }

    /// Returns how often the status of each object was written since the first of so many writes.
    fn status_writes(&self, since: usize) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for write in self.run.world.writes().iter().skip(since).filter(|write| write.starts_with("status")) {
            *counts.entry(write.clone()).or_default() += 1;
        }
        counts
    }
}

#[tokio::test(start_paused = true)]
async fn one_object_at_a_time_tries_and_all_are_told_once() {
    let outage = Outage::start(Says::Unavailable);
    outage.down(true);
    outage.put(300);
    outage.run.pass(100.0).await;
    // Those that were under way, and probes after 1 s, 2 s, 4 s … 30 s.
    let calls = outage.run.calls().len();
    assert!((8..=12).contains(&calls), "{calls}");
    for n in 0..300 {
        let o = outage.run.world.get(&format!("o{n}")).unwrap();
        let synced = find(&o.status.conditions, "Synced").unwrap();
        assert_eq!(synced.reason, "TargetUnavailable");
        assert!(synced.message.starts_with("the target of Scripted is away since 1970-01-12T13:46:40Z: no route"));
        assert!(o.status.of("me").is_none_or(|own| own.sync.failures == 0 && own.sync.next_attempt.is_none()));
    }
    let writes = outage.status_writes(0);
    assert!(writes.values().all(|count| *count == 1), "{writes:?}");
    outage.down(false);
    outage.run.pass(35.0).await;
    assert!((0..300).all(|n| outage.run.code(&format!("o{n}")) == 1));
    assert_eq!(outage.run.calls().len(), calls + 300, "each once");
}

#[tokio::test(start_paused = true)]
async fn an_operator_s_edit_does_not_bypass_the_probe() {
    let outage = Outage::start(Says::Unavailable);
    outage.down(true);
    outage.put(20);
    outage.run.pass(200.0).await;
    let before = outage.run.calls().len();
    for n in 0..20 {
        outage.run.world.edit(&format!("o{n}"), |o| {
            o.meta.generation += 1;
            o.intent.spec = SpecHash::of(&json!("edited"));
        });
    }
    outage.run.pass(20.0).await;
    let calls = outage.run.calls().len() - before;
    assert!(calls <= 1, "{calls}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_refuses_all_calls_is_probed_and_three_thousand_deletions_are_written_once_each() {
    let outage = Outage::start(Says::Refused);
    outage.put(3000);
    outage.run.pass(30.0).await;
    assert!((0..3000).all(|n| outage.run.code(&format!("o{n}")) == 1));
    let before = outage.run.world.writes().len();
    let calls = outage.run.calls().len();
    outage.down(true);
    (0..3000).for_each(|n| outage.run.world.delete(&format!("o{n}")));
    outage.run.pass(300.0).await;
    let writes = outage.status_writes(before);
    assert_eq!(writes.len(), 3000, "all are told");
    assert!(writes.values().all(|count| *count == 1), "{:?}", writes.values().max());
    assert!(outage.run.calls().len() - calls <= 30, "{}", outage.run.calls().len() - calls);
    assert_eq!(outage.reason("o2999"), "TargetUnavailable");
    outage.down(false);
    outage.run.pass(33.0).await;
    assert!((0..3000).all(|n| outage.run.world.get(&format!("o{n}")).is_none()));
}

#[tokio::test(start_paused = true)]
async fn objects_that_fail_while_others_are_reached_are_no_outage() {
    let outage = Outage::start(Says::Refused);
    outage.down(true);
    for n in 0..4 {
        outage.run.world.put(object(&format!("o{n}")));
    }
    for second in 0..60 {
        outage.run.world.put(object(&format!("fine{second}")));
        outage.run.pass(1.0).await;
        assert_eq!(outage.run.code(&format!("fine{second}")), 1, "at once");
    }
    assert_eq!(outage.reason("o0"), "SyncFailed", "each has a delay of its own");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_gone_does_not_keep_the_target_away() {
    let outage = Outage::start(Says::Unavailable);
    outage.down(true);
    outage.put(1);
    outage.run.pass(0.5).await;
    outage.run.world.edit("o0", |o| o.meta.finalizers.clear());
    assert!(outage.run.world.api.remove(&key("o0")));
    outage.down(false);
    outage.run.pass(50.0).await;
    outage.run.world.put(object("o1"));
    outage.run.pass(0.1).await;
    assert_eq!(outage.run.code("o1"), 1, "it may try at once");
}
