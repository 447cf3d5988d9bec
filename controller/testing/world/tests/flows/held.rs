//! Listings in which too much has vanished.

use serde_json::Value;
use xos_model::{Object, Outcome};
use xos_testing::Fault;

use super::{Stage, stage};

fn many(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("s{n:04}"), "up".to_owned())).collect()
}

async fn stage_of(count: usize) -> Stage {
    let things = many(count);
    stage(&things.iter().map(|(serial, state)| (serial.as_str(), state.as_str())).collect::<Vec<_>>()).await
}

fn held(stage: &Stage) -> Vec<(String, String)> {
    let all = stage.world.all::<Object>().unwrap();
    let held = all.iter().filter_map(|o| Some((o.meta.name.clone(), o.meta.annotations.get("held-pull")?.clone())));
    held.collect()
}

fn confirm(stage: &Stage, name: &str, token: &str) {
    let mut object = stage.world.object::<Object>(name).unwrap();
    object.meta.annotations.insert("confirm-pull".into(), token.to_owned());
    stage.world.api().replace(&object).unwrap();
}

fn token(held: &str) -> String {
    serde_json::from_str::<Value>(held).unwrap()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_empty_answer_deletes_none_of_a_thousand_before_it_is_confirmed() {
    let mut stage = stage_of(1000).await;
    stage.world.take_events();
    stage.list(&[("new", "up")]);
    let saves = stage.pull().await;
    assert_eq!(saves.len(), 1, "what is new is made: {saves:?}");
    assert_eq!((stage.world.all::<Object>().unwrap().len(), stage.world.held("PullDevices")), (1001, 1000));
    let told = "PullDevices would delete 1000 of 1001 objects (1000 Device): s0000, s0001, s0002, s0003, s0004 and \
                995 more. They are kept until the backend lists them again, or `xos pull confirm PullDevices`";
    assert_eq!(stage.world.pulled("PullDevices"), Some(&Outcome::Deferred(told.to_owned())));
    assert_eq!(stage.world.take_events(), [format!("Warning PullHeld: {told} (Namespace default)")]);
    let [(bearer, first)] = held(&stage).try_into().unwrap();
    assert_eq!(stage.pull().await, [""; 0]);
    assert_eq!(stage.world.take_changes(), [], "nothing is written while it is held");

    // A restart forgets nothing of it.
    stage.world.restart().unwrap();
    stage.world.settle().await;
    assert_eq!((stage.world.held("PullDevices"), stage.world.take_changes()), (1000, vec![]));

    // Another set of objects needs another confirmation.
    confirm(&stage, &bearer, "1000-0000000000000000");
    stage.world.settle().await;
    assert_eq!(stage.world.held("PullDevices"), 1000);
    confirm(&stage, &bearer, &token(&first));
    stage.world.settle().await;
    assert_eq!(stage.world.all::<Object>().unwrap().len(), 1, "at once, and not with the next period");
    assert_eq!(stage.world.pulled("PullDevices"), Some(&Outcome::Succeeded));
    let events = stage.world.take_events().join("\n");
    let released = "Normal PullReleased: PullDevices: no deletion is held any more; 0 created, 0 saved, 1000 deleted";
    assert!(events.contains(released), "{events}");
}

#[tokio::test]
async fn a_listing_that_is_back_ends_the_hold_and_an_old_confirmation_confirms_nothing_later() {
    let mut stage = stage_of(100).await;
    stage.list(&[]);
    stage.pull().await;
    let [(bearer, first)] = held(&stage).try_into().unwrap();
    *stage.backend.lock().unwrap() = Some(many(100).into_iter().collect());
    stage.pull().await;
    assert_eq!((held(&stage).len(), stage.world.held("PullDevices")), (0, 0));
    // Too late: it was typed while nothing was held, and the same objects vanish once more.
    confirm(&stage, &bearer, &token(&first));
    stage.pull().await;
    stage.list(&[]);
    stage.pull().await;
    assert_eq!((stage.world.all::<Object>().unwrap().len(), stage.world.held("PullDevices")), (100, 100));
}

#[tokio::test]
async fn few_or_a_small_share_are_deleted_at_once() {
    let mut stage = stage_of(100).await;
    let rest: Vec<_> = many(100).split_off(20);
    *stage.backend.lock().unwrap() = Some(rest.into_iter().collect());
    assert_eq!(stage.pull().await.len(), 20, "a fifth");
    let mut stage = stage_of(10).await;
    stage.list(&[]);
    assert_eq!(stage.pull().await.len(), 10, "ten");
}

#[tokio::test]
async fn a_deletion_that_was_confirmed_goes_on_after_a_failure() {
    let mut stage = stage_of(40).await;
    stage.list(&[]);
    stage.pull().await;
    let [(bearer, first)] = held(&stage).try_into().unwrap();
    confirm(&stage, &bearer, &token(&first));
    (0..20).for_each(|_| stage.world.inject(Fault::Unavailable("busy".to_owned())));
    stage.world.settle().await;
    assert_eq!(stage.world.all::<Object>().unwrap().len(), 20);
    stage.pull().await;
    assert_eq!(stage.world.all::<Object>().unwrap().len(), 0);
}
