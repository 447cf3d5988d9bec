//! Listings over several namespaces.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use xos_model::{NaturalKey, Object, Outcome};
use xos_steps::{PullStep, StepContext, StepError};
use xos_testing::World;

use super::MODELS;

/// Pulls things of several namespaces, as `namespace/serial`.
struct PullSpread {
    list: Arc<Mutex<Vec<String>>>,
    /// Only of this namespace; none: of all.
    only: Option<&'static str>,
}

impl PullStep for PullSpread {
    type Model = Object;
    fn observes(&self) -> &str {
        "Device"
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let list = self.list.lock().unwrap().clone();
        let new = |_: &String| Object::named("Device", "", "");
        let update = |item: &String, o: &mut Object| o.set("serial", json!(item.rsplit('/').next().unwrap()));
        let listing = ctx.listing_of("Device", NaturalKey);
        match self.only {
            Some("") => listing.reconcile(&list, new, update).await?,
            Some(namespace) => listing.in_namespace(namespace).reconcile(&list, new, update).await?,
            None => {
                let namespace = |item: &String| item.split('/').next().unwrap().to_owned();
                listing.reconcile_by_namespace(&list, namespace, new, update).await?
            }
        };
        Ok(())
    }
}

async fn spread(only: Option<&'static str>, items: &[&str]) -> (World, Arc<Mutex<Vec<String>>>) {
    let list = Arc::new(Mutex::new(items.iter().map(|&item| item.to_owned()).collect()));
    let step = PullSpread { list: Arc::clone(&list), only };
    let mut world = World::of(&[("t.xproto", MODELS)]).pull_step(step).start().unwrap();
    world.settle().await;
    (world, list)
}

fn places(world: &World) -> Vec<String> {
    world.all::<Object>().unwrap().iter().map(|o| format!("{}/{}", o.meta.namespace, o.meta.name)).collect()
}

#[tokio::test]
async fn each_thing_is_looked_for_made_and_removed_in_its_own_namespace() {
    let (mut world, list) = spread(None, &["east/a", "west/a", "west/b"]).await;
    assert_eq!(places(&world), ["east/a", "west/a", "west/b"]);
    world.take_changes();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.take_changes(), [], "all are found again");
    *list.lock().unwrap() = vec!["west/a".to_owned()];
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(places(&world), ["west/a"], "one that has vanished goes, in whichever namespace");
}

#[tokio::test]
async fn a_listing_may_be_of_one_namespace() {
    let (mut world, list) = spread(Some("east"), &["a", "b"]).await;
    let mut other = Object::named("Device", "west", "a");
    other.fields = serde_json::from_value(json!({"serial": "a", "xos_managed": false})).unwrap();
    world.apply(&other).unwrap();
    list.lock().unwrap().pop();
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(places(&world), ["east/a", "west/a"], "another namespace's are other things");
}

#[tokio::test]
async fn a_thing_whose_object_lies_elsewhere_is_not_made_a_second_time() {
    let (mut world, list) = spread(Some(""), &[]).await;
    let mut there = Object::named("Device", "west", "mine");
    there.set("serial", json!("a"));
    world.apply(&there).unwrap();
    *list.lock().unwrap() = vec!["a".to_owned(), "b".to_owned()];
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(places(&world), ["default/b", "west/mine"]);
    let Some(Outcome::Failed(text)) = world.pulled("PullSpread") else { panic!() };
    assert_eq!(
        text,
        "1 of 2 items could not be handled, Device west/mine lies in another namespace than the listing, which is of \
         default: say where its things belong, with `in_namespace` or `reconcile_by_namespace`"
    );
}
