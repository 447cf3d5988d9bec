//! The Kubernetes Events of steps and of the framework.

#![allow(clippy::unwrap_used, missing_docs)]

use std::time::Duration;

use xos_model::Object;
use xos_steps::{Event, StepContext, StepError, SyncStep};
use xos_testing::World;

const MODELS: &str = "option app_label = \"t\";
    message Site (XOSBase) { required string name = 1 [max_length = 9]; optional manytoone up->Site:down = 2:1001; }";

/// Fails until the third attempt, and sends an event itself.
struct Step;

impl SyncStep for Step {
    type Model = Object;
    fn observes(&self) -> &str {
        "Site"
    }
    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        if ctx.failures() < 2 && o.meta.name == "a" {
            return Err(StepError::failed("no route"));
        }
        ctx.event(o, Event::normal("PortFound", "port 7"))?;
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Err(StepError::deferred("in use"))
    }
}

#[tokio::test]
async fn failures_are_told_once_and_their_end_too() {
    let mut world = World::of(&[("t.xproto", MODELS)]).sync_step(Step).start().unwrap();
    let mut site = Object::named("Site", "default", "a");
    site.set("name", "a".into());
    world.apply(&site).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.take_events(), ["Warning SyncFailed: no route (Site default/a)"]);
    world.pass(Duration::from_secs(2)).await;
    let end = ["Normal PortFound: port 7", "Normal SyncSucceeded: Step succeeded after 2 attempts without success"];
    assert_eq!(world.take_events(), end.map(|text| format!("{text} (Site default/a)")));

    let mut other = Object::named("Site", "default", "b");
    other.set("name", "b".into());
    other.set("up", serde_json::json!({"name": "missing"}));
    world.apply(&other).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(9)).await;
    let waits = "Normal WaitingForDependency: waits for Site missing, which does not exist (Site default/b)";
    assert_eq!(world.take_events(), [waits]);

    world.edit::<Object>("a", |o| o.set("write_protect", true.into())).unwrap();
    world.settle().await;
    world.delete::<Object>("a").unwrap();
    world.settle().await;
    let protected = "spec.writeProtect is set: the object stays until it is cleared";
    assert_eq!(world.take_events(), [format!("Normal WriteProtected: {protected} (Site default/a)")]);
    world.edit::<Object>("a", |o| o.set("write_protect", false.into())).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(world.take_events(), ["Normal Deferred: in use (Site default/a)"]);
}

#[tokio::test]
async fn a_touch_does_not_wait_for_the_delay_of_a_failure() {
    let mut world = World::of(&[("t.xproto", MODELS)]).sync_step(Step).start().unwrap();
    let mut site = Object::named("Site", "default", "a");
    site.set("name", "a".into());
    world.apply(&site).unwrap();
    world.settle().await;
    world.touch::<Object>("a", "now").unwrap();
    world.settle().await;
    let status = world.object::<Object>("a").unwrap().status;
    let sync = &status.of("test").unwrap().sync;
    assert_eq!(sync.attempted.as_ref().unwrap().touch.as_deref(), Some("now"), "tried at once");
    assert_eq!(sync.failures, 1, "its delay begins anew");
}
