//! Models and steps that are taken up while the controller runs.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use xos_model::condition::{ConditionStatus, find};
use xos_model::{Object, Outcome, Resync};
use xos_steps::{Act, DynSyncStep, PullStep, StepContext, StepError, Steps, SyncStep, erase};
use xos_testing::{Builder, World};

const SITE: &str = "option app_label = \"people\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }";
const PERSON: &str = "option app_label = \"people\";
    message Person (XOSBase) {
        required string name = 1 [max_length = 32];
        optional manytoone site->Site:people = 2:1001;
    }";
const PERSON_WITH_AGE: &str = "option app_label = \"people\";
    message Person (XOSBase) {
        required string name = 1 [max_length = 32];
        optional manytoone site->Site:people = 2:1001;
        optional int32 age = 3;
    }";

/// What the steps were called for: `<step> <object>`.
type Calls = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
struct Step {
    name: &'static str,
    model: &'static str,
    calls: Calls,
}

impl SyncStep for Step {
    type Model = Object;
    fn name(&self) -> &str {
        self.name
    }
    fn observes(&self) -> &str {
        self.model
    }
    fn resync(&self) -> Resync {
        Resync::Never
    }
    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(format!("{} {}", self.name, o.meta.name));
        if o.meta.name == "defers" { Err(StepError::deferred("not yet")) } else { Ok(()) }
    }
    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(format!("{} deletes {}", self.name, o.meta.name));
        Ok(())
    }
}

/// A step that watches what its objects need: it runs for each of them once when it begins.
struct AtStart(Arc<dyn DynSyncStep>);

impl DynSyncStep for AtStart {
    fn name(&self) -> &str {
        self.0.name()
    }
    fn observes(&self) -> Vec<String> {
        self.0.observes()
    }
    fn external_dependencies(&self) -> Vec<String> {
        self.0.external_dependencies()
    }
    fn is_ours(&self, object: &Object) -> bool {
        self.0.is_ours(object)
    }
    fn resync(&self) -> Resync {
        self.0.resync()
    }
    fn concurrency(&self) -> Option<usize> {
        self.0.concurrency()
    }
    fn runs_at_start(&self) -> bool {
        true
    }
    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        self.0.sync(ctx, object)
    }
    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        self.0.delete(ctx, object)
    }
    fn saved<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        self.0.saved(ctx, object)
    }
}

impl PullStep for Step {
    type Model = Object;
    fn name(&self) -> &str {
        self.name
    }
    fn observes(&self) -> &str {
        self.model
    }
    fn period(&self) -> Duration {
        Duration::from_secs(3600)
    }
    async fn pull_records(&self, _: &StepContext) -> Result<(), StepError> {
        self.calls.lock().unwrap().push(format!("{} pulls", self.name));
        Ok(())
    }
}

struct Town {
    calls: Calls,
}

impl Town {
    fn new() -> Self {
        Self { calls: Calls::default() }
    }

    fn step(&self, name: &'static str, model: &'static str) -> Step {
        Step { name, model, calls: Arc::clone(&self.calls) }
    }

    /// Returns what the steps were called for since the last call of this.
    fn calls(&self) -> Vec<String> {
        let mut calls = std::mem::take(&mut *self.calls.lock().unwrap());
        calls.sort();
        calls
    }
}

fn models(texts: &[&str]) -> Builder {
    let names: Vec<_> = (0..texts.len()).map(|n| format!("{n}.xproto")).collect();
    let files: Vec<_> = names.iter().zip(texts).map(|(name, text)| (name.as_str(), *text)).collect();
    World::of(&files)
}

fn object(model: &str, name: &str) -> Object {
    let mut object = Object::named(model, "default", name);
    object.set("name", name.into());
    object
}

fn person(name: &str, site: &str) -> Object {
    let mut person = object("Person", name);
    person.set("site", serde_json::json!({"name": site}));
    person
}

fn is_ready(world: &World, object: &Object) -> bool {
    let object = world.api().get(&object.key()).unwrap();
    find(&object.status.conditions, "Ready").is_some_and(|ready| ready.status == ConditionStatus::True)
}

#[tokio::test]
async fn models_and_steps_come_and_go_and_others_take_no_notice() {
    let town = Town::new();
    let sites = models(&[SITE]).sync_step(town.step("sites", "Site"));
    let mut world = sites.start().unwrap();
    world.apply(&object("Site", "rome")).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["sites rome"]);
    world.take_changes();

    let step = town.step("sites", "Site");
    let both = models(&[SITE, PERSON]).sync_step(step.clone()).sync_step(town.step("people", "Person"));
    world.take_up(both).await.unwrap();
    world.apply(&person("ada", "rome")).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["people ada"], "an object that a changed step has handled is clean");
    assert!(is_ready(&world, &object("Person", "ada")));

    world.take_up(models(&[SITE]).sync_step(step)).await.unwrap();
    assert!(world.api().get(&object("Person", "ada").key()).is_none(), "it went with its definition");
    let site = object("Site", "rome").key();
    world.api().edit(&site, |o| o.set("name", "Roma".into())).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["sites rome"]);
}

#[tokio::test]
async fn a_changed_step_handles_what_changes_and_what_is_not_done() {
    let town = Town::new();
    let mut world = models(&[SITE]).sync_step(town.step("old", "Site")).start().unwrap();
    for name in ["rome", "defers"] {
        world.apply(&object("Site", name)).unwrap();
    }
    world.settle().await;
    assert_eq!(town.calls(), ["old defers", "old rome"]);
    world.take_up(models(&[SITE]).sync_step(town.step("new", "Site"))).await.unwrap();
    assert_eq!(town.calls(), [""; 0]);
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(town.calls(), ["new defers"]);
    world.api().edit(&object("Site", "rome").key(), |o| o.set("name", "Roma".into())).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["new rome"]);
    world.api().remove(&object("Site", "rome").key());
    world.settle().await;
    assert_eq!(town.calls(), ["new deletes rome"]);
}

#[tokio::test]
async fn a_step_that_runs_at_a_start_runs_when_it_is_taken_up() {
    let town = Town::new();
    let mut world = models(&[SITE]).sync_step(town.step("old", "Site")).start().unwrap();
    world.apply(&object("Site", "rome")).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["old rome"]);
    let watches = Steps { sync_steps: vec![Arc::new(AtStart(erase(town.step("watches", "Site"))))], ..Steps::new() };
    world.take_up(models(&[SITE]).steps(watches)).await.unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["watches rome"]);
    world.settle().await;
    assert_eq!(town.calls(), [""; 0], "once");
}

#[tokio::test]
async fn a_model_gets_a_field_and_its_objects_stay() {
    let town = Town::new();
    let (sites, people) = (town.step("sites", "Site"), town.step("people", "Person"));
    let with = |models: Builder| models.sync_step(sites.clone()).sync_step(people.clone());
    let mut world = with(models(&[SITE, PERSON])).start().unwrap();
    world.apply(&object("Site", "rome")).unwrap();
    world.apply(&person("ada", "rome")).unwrap();
    world.settle().await;
    town.calls();
    world.take_up(with(models(&[SITE, PERSON_WITH_AGE]))).await.unwrap();
    assert_eq!(town.calls(), [""; 0], "nothing that a step has handled has changed");
    let mut ada = person("ada", "rome");
    ada.set("age", 36.into());
    world.apply(&ada).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["people ada"]);
    assert_eq!(world.api().get(&ada.key()).unwrap().fields["age"], 36);

    // Its links are in use as before: those who have one to a site that goes go with it.
    world.api().remove(&object("Site", "rome").key());
    world.settle().await;
    assert_eq!(town.calls(), ["people deletes ada", "sites deletes rome"]);

    // And a field that is gone is gone from the objects.
    world.apply(&object("Site", "oslo")).unwrap();
    let mut bob = person("bob", "oslo");
    bob.set("age", 7.into());
    world.apply(&bob).unwrap();
    world.settle().await;
    world.take_up(with(models(&[SITE, PERSON]))).await.unwrap();
    assert!(!world.api().get(&bob.key()).unwrap().fields.contains_key("age"));
}

#[tokio::test]
async fn those_that_wait_go_on_when_nobody_synchronizes_what_they_wait_for() {
    let town = Town::new();
    let people = town.step("people", "Person");
    let both = models(&[SITE, PERSON]).sync_step(town.step("sites", "Site")).sync_step(people.clone());
    let mut world = both.start().unwrap();
    world.apply(&object("Site", "defers")).unwrap();
    world.apply(&person("ada", "defers")).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["sites defers"], "she waits for the site");
    world.take_up(models(&[SITE, PERSON]).sync_step(people)).await.unwrap();
    assert_eq!(town.calls(), ["people ada"]);
    assert!(is_ready(&world, &object("Person", "ada")));
    // What the step has made of it is not forgotten: the object stays until there is a step again.
    let site = object("Site", "defers").key();
    world.api().remove(&site);
    world.settle().await;
    assert_eq!(town.calls(), ["people deletes ada"]);
    assert!(world.api().get(&site).is_some());
    world.take_up(models(&[SITE, PERSON]).sync_step(town.step("again", "Site"))).await.unwrap();
    assert_eq!(town.calls(), ["again deletes defers"]);
    assert_eq!(world.api().objects(), []);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_what_was_there_goes_on() {
    let town = Town::new();
    let step = town.step("sites", "Site");
    let mut world = models(&[SITE]).sync_step(step.clone()).start().unwrap();
    let unknown = models(&[SITE]).sync_step(town.step("people", "Person"));
    assert!(world.take_up(unknown).await.is_err());
    world.apply(&object("Site", "rome")).unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["sites rome"]);
}

#[tokio::test]
async fn a_pull_step_that_is_the_same_keeps_its_schedule() {
    let town = Town::new();
    let pulls = town.step("pulls", "Site");
    let same = || {
        let mut steps = xos_steps::Steps::new();
        steps.pull_steps.push(xos_steps::erase_pull_step(pulls.clone()));
        steps
    };
    let steps = same();
    let mut world = models(&[SITE]).steps(steps.clone()).start().unwrap();
    world.settle().await;
    assert_eq!(town.calls(), ["pulls pulls"]);
    assert_eq!(world.pulled("pulls"), Some(&Outcome::Succeeded));
    world.take_up(models(&[SITE, PERSON]).steps(steps)).await.unwrap();
    assert_eq!(town.calls(), [""; 0]);
    world.take_up(models(&[SITE, PERSON]).steps(same())).await.unwrap();
    assert_eq!(town.calls(), ["pulls pulls"], "a new one begins at once");
}
