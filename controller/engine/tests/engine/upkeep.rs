//! Resyncs, releases, and the end.

use tokio::time::Instant;

use xos_steps::Resync;

use crate::support::*;

/// A step that asks to be run again every minute, and notes when it ran on which object.
struct Minutely {
    ran: Arc<Mutex<Vec<(String, Instant)>>>,
    takes: Duration,
}

impl SyncStep for Minutely {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    fn resync(&self) -> Resync {
        Resync::Every(Duration::from_secs(60))
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let name = o.text("first_name").unwrap_or_default().to_owned();
        self.ran.lock().unwrap().push((name, Instant::now()));
        // It knows nothing of cancellation.
        tokio::time::sleep(self.takes).await;
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

type Ran = Arc<Mutex<Vec<(String, Instant)>>>;

fn start(objects: usize, takes: Duration) -> (Running, Ran) {
    let ran = Ran::default();
    let step = Minutely { ran: Arc::clone(&ran), takes };
    let there = (0..objects).map(|n| object(&format!("o{n}"))).collect();
    let run = Running::start_over(there, Arc::default(), &Steps::new().sync_step(step));
    (run, ran)
}

#[tokio::test(start_paused = true)]
async fn clean_objects_are_looked_after_again_and_again_not_all_at_once_and_nothing_is_written() {
    let began = Instant::now();
    let (run, ran) = start(100, Duration::ZERO);
    run.pass(600.0).await;
    assert_eq!(run.world.writes().len(), 200, "finalizers and status once each");
    let ran = ran.lock().unwrap();
    let of = |name: &str| -> Vec<f64> {
        ran.iter().filter(|one| one.0 == name).map(|one| (one.1 - began).as_secs_f64()).collect()
    };
    let mut firsts = [0; 62];
    for n in 0..100 {
        let times = of(&format!("o{n}"));
        assert!(times[0] < 1.0 && times[1] <= 61.0, "the first resync is within one period: {times:?}");
        let pauses: Vec<_> = times[1..].windows(2).map(|two| two[1] - two[0]).collect();
        assert!(pauses.len() > 6 && pauses.iter().all(|pause| (53.9..=61.1).contains(pause)), "{pauses:?}");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 61")]
        let second = times[1] as usize;
        firsts[second] += 1;
    }
    assert!(firsts.iter().all(|count| *count < 20), "a start does not let them all come at once, ever after");
}

#[tokio::test(start_paused = true)]
async fn an_operator_s_change_goes_before_resyncs() {
    // Four at once, 0.9 s each: 300 take longer than a minute, so that many are due at any time.
    let (run, ran) = start(300, Duration::from_millis(900));
    run.pass(200.0).await;
    for round in 0..10 {
        let edited = Instant::now();
        let name = format!("edited {round}");
        run.world.edit("o7", |o| {
            o.set("first_name", json!(name));
            xos_crds::rehash(models().get("MyModel").unwrap(), o);
            o.meta.generation += 1;
        });
        run.pass(5.0).await;
        let began = ran.lock().unwrap().iter().find(|one| one.0 == name).map(|one| one.1 - edited);
        // Its own resync may run at that moment, and one more has to end before there is room.
        assert!(began.is_some_and(|after| after < Duration::from_millis(1900)), "{began:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_not_looked_after() {
    let (run, ran) = start(1, Duration::ZERO);
    run.pass(1.0).await;
    let runs = || ran.lock().unwrap().len();
    run.world.edit("o0", |o| o.set("no_sync", json!(true)));
    // The first resync may have been within this second.
    let before = runs();
    run.pass(600.0).await;
    assert_eq!(runs(), before);
    run.world.edit("o0", |o| o.set("no_sync", json!(false)));
    run.pass(120.0).await;
    assert!(runs() > before);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_heed_cancellation_has_the_grace_period_and_no_more() {
    let (run, ran) = start(1, Duration::from_secs(300));
    run.pass(1.0).await;
    assert_eq!(ran.lock().unwrap().len(), 1);
    run.shutdown.cancel();
    let began = Instant::now();
    run.engine.await.unwrap().unwrap();
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(run.world.writes(), ["finalizers o0"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ends_within_the_grace_period_is_recorded() {
    let (run, _) = start(1, Duration::from_secs(20));
    run.pass(1.0).await;
    run.shutdown.cancel();
    let world = run.world.clone();
    run.engine.await.unwrap().unwrap();
    assert_eq!(world.get("o0").unwrap().fields["backend_code"], 1);
}
