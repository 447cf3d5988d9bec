//! Nobody is delayed by what is slow or fails, and an operator's change goes first.

use std::collections::HashMap;

use crate::support::*;

/// A step on `MyModel` whose calls take as long as their objects' names say: `slow-1` ten minutes.
struct Paced {
    began: Arc<Mutex<HashMap<String, tokio::time::Instant>>>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    limit: Option<usize>,
}

impl SyncStep for Paced {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    fn concurrency(&self) -> Option<usize> {
        self.limit
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.began.lock().unwrap().entry(o.meta.name.clone()).or_insert_with(tokio::time::Instant::now);
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
        if o.meta.name.starts_with("slow") {
            tokio::time::sleep(Duration::from_secs(599)).await;
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
        if o.meta.name.starts_with("bad") { Err(StepError::failed("never")) } else { Ok(()) }
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        self.sync_record(ctx, &mut o.clone()).await
    }
}

struct Fair {
    run: Running,
    began: Arc<Mutex<HashMap<String, tokio::time::Instant>>>,
    most: Arc<AtomicUsize>,
}

impl Fair {
    fn start(limit: Option<usize>) -> Self {
        let began = Arc::default();
        let inside = Arc::default();
        let most = Arc::default();
        let step = Paced { began: Arc::clone(&began), inside, most: Arc::clone(&most), limit };
        Self { run: Running::start_with(Arc::default(), &Steps::new().sync_step(step)), began, most }
    }

    fn put(&self, what: &str, count: usize) {
        for n in 0..count {
            self.run.world.put(object(&format!("{what}-{n}")));
        }
    }

    /// How long after `since` an object was first handled.
    fn waited(&self, name: &str, since: tokio::time::Instant) -> Duration {
        self.began.lock().unwrap()[name].duration_since(since)
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_slow_objects_delay_nobody() {
    let fair = Fair::start(None);
    let start = tokio::time::Instant::now();
    fair.put("slow", 100);
    fair.put("quick", 20);
    fair.run.pass(5.0).await;
    // 4 at once here: the first of the slow ones take a second to be known as such.
    for n in 0..20 {
        let waited = fair.waited(&format!("quick-{n}"), start);
        assert!(waited <= Duration::from_secs(2), "{n}: {waited:?}");
    }
    assert!(fair.most.load(Ordering::SeqCst) >= 100, "all slow ones are handled meanwhile");
    let start = tokio::time::Instant::now();
    fair.put("late", 20);
    fair.run.pass(1.0).await;
    for n in 0..20 {
        assert!(fair.waited(&format!("late-{n}"), start) < Duration::from_millis(10), "{n}");
    }
    fair.run.pass(1200.0).await;
    assert!((0..100).all(|n| fair.run.code(&format!("slow-{n}")) == 1));
}

#[tokio::test(start_paused = true)]
async fn a_step_s_own_limit_holds_also_for_slow_objects_and_for_deletes() {
    let fair = Fair::start(Some(3));
    fair.put("slow", 10);
    fair.run.pass(2400.0).await;
    assert_eq!(fair.most.load(Ordering::SeqCst), 3);
    assert!((0..10).all(|n| fair.run.code(&format!("slow-{n}")) == 1));
    for n in 0..10 {
        fair.run.world.edit(&format!("slow-{n}"), |o| o.meta.deleting = Some(SOME_TIME));
    }
    fair.run.pass(2400.0).await;
    assert_eq!(fair.most.load(Ordering::SeqCst), 3);
    assert!((0..10).all(|n| fair.run.world.get(&format!("slow-{n}")).is_none()));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_failing_objects_delay_nobody() {
    let fair = Fair::start(None);
    fair.put("bad", 100);
    for minute in 0..20 {
        fair.run.pass(60.0).await;
        let start = tokio::time::Instant::now();
        let name = format!("good{minute}");
        fair.put(&name, 1);
        fair.run.pass(1.0).await;
        assert!(fair.waited(&format!("{name}-0"), start) < Duration::from_millis(10), "{minute}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_s_change_goes_before_retries() {
    // Each takes half a second, four at once: a hundred retries that are due at one moment take 12 s.
    let run = Running::start_slow(Duration::from_millis(500), |_, o, _| {
        if o.meta.name.starts_with("bad") && o.text("seen").is_none() { Err(StepError::failed("no")) } else { Ok(()) }
    });
    for n in 0..100 {
        run.world.put(object(&format!("bad{n}")));
    }
    run.pass(13.0).await;
    let failed = run.calls().len();
    assert!(failed >= 100);
    run.world.put(object("good"));
    run.pass(1.1).await;
    assert_eq!(run.code("good"), 1);
}

#[tokio::test(start_paused = true)]
async fn four_hundred_hung_calls_leave_healthy_objects_of_their_step_their_latency() {
    let fair = Fair::start(None);
    fair.put("slow", 400);
    fair.run.pass(2.0).await;
    let mut waits = vec![];
    for n in 0..200 {
        let start = tokio::time::Instant::now();
        let name = format!("quick{n}");
        fair.put(&name, 1);
        fair.run.pass(0.25).await;
        waits.push(fair.began.lock().unwrap().get(&format!("{name}-0")).map(|began| began.duration_since(start)));
    }
    waits.sort();
    assert!(waits[0].is_some(), "{}", waits.iter().filter(|wait| wait.is_none()).count());
    assert!(waits[197] <= Some(Duration::from_millis(10)), "{:?}", waits[197]);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_on_a_slow_backend_does_not_delay_another_namespace() {
    // 5,000 objects of half a second each, four at once: ten minutes.
    let run = Running::start_slow(Duration::from_millis(500), |_, _, _| Ok(()));
    for n in 0..5000 {
        run.world.put(object(&format!("crowd{n}")));
    }
    run.pass(60.0).await;
    let mut other = object("single");
    other.meta.namespace = "other".to_owned();
    run.world.put(other);
    run.pass(1.1).await;
    assert!(run.calls().contains(&"sync single".to_owned()));
    assert!(run.calls().len() < 1000, "{}: the crowd still waits", run.calls().len());
}
