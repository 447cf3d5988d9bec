//! Clean objects are looked after from time to time.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use xos_model::Object;
use xos_steps::{Resync, StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"people\";
    message Person (XOSBase) { required string name = 1 [max_length = 32]; }";
const HOUR: Duration = Duration::from_secs(3600);

struct Count(Arc<AtomicUsize>, Resync);

impl SyncStep for Count {
    type Model = Object;
    fn observes(&self) -> &str {
        "Person"
    }
    fn resync(&self) -> Resync {
        self.1
    }
    async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// Returns a world with one person that was synchronized, and the number of runs of its step.
async fn world(resync: Resync, annotation: Option<&str>) -> (World, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let mut world =
        World::of(&[("people.xproto", MODELS)]).sync_step(Count(Arc::clone(&runs), resync)).start().unwrap();
    let mut ada = Object::named("Person", "default", "ada");
    ada.set("name", "Ada".into());
    ada.meta.annotations.extend(annotation.map(|text| ("resync".into(), text.to_owned())));
    world.apply(&ada).unwrap();
    world.settle().await;
    world.take_changes();
    world.take_events();
    (world, runs)
}

/// Returns how often the step runs in a day, which is let pass hour by hour.
async fn runs_a_day(resync: Resync, annotation: Option<&str>) -> usize {
    let (mut world, runs) = world(resync, annotation).await;
    for _ in 0..24 {
        world.pass(HOUR).await;
    }
    assert_eq!(world.take_changes(), [], "nothing is written where nothing changed");
    runs.load(Ordering::SeqCst) - 1
}

#[tokio::test]
async fn every_ten_hours_unless_step_or_object_say_something_else() {
    let step = Resync::Every(2 * HOUR);
    let table = [
        (Resync::AsConfigured, None, 2..=2),
        (step, None, 12..=12),
        (Resync::Never, None, 0..=0),
        (Resync::AsConfigured, Some("4h"), 6..=6),
        (step, Some("off"), 0..=0),
        (Resync::Never, Some("1h"), 24..=24),
    ];
    for (resync, annotation, expected) in table {
        let runs = runs_a_day(resync, annotation).await;
        assert!(expected.contains(&runs), "{resync:?} {annotation:?}: {runs}");
    }
}

#[tokio::test]
async fn an_annotation_that_says_no_period_is_told() {
    let runs = Arc::new(AtomicUsize::new(0));
    let step = Count(Arc::clone(&runs), Resync::AsConfigured);
    let mut world = World::of(&[("people.xproto", MODELS)]).sync_step(step).start().unwrap();
    let mut ada = Object::named("Person", "default", "ada");
    ada.set("name", "Ada".into());
    ada.meta.annotations.insert("resync".into(), "often".to_owned());
    world.apply(&ada).unwrap();
    world.settle().await;
    let events = world.take_events();
    let told = "Warning BadResync: annotation xos.opencord.org/resync is `often`: it has to be `off`, or a duration of at \
        least 1s such as `30m` or `1h 30m` (Person default/ada)";
    assert_eq!(events, [told]);
    world.pass(10 * HOUR).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2, "and the period is that of the configuration");
}
