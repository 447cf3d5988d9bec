//! Objects that are as they were before: held and released, edited and edited back.

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn held_objects_wait_for_their_release() {
    let run = Running::start(|_, _, _| Ok(()));
    let mut ann = object("ann");
    ann.set("no_sync", json!(true));
    run.world.put(ann);
    run.pass(100.0).await;
    assert!(run.calls().is_empty());
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann"], "it takes others along, and says what holds it");
    run.world.edit("ann", |o| o.set("no_sync", json!(false)));
    run.pass(1.0).await;
    assert_eq!(run.calls(), ["sync ann"]);
}

#[tokio::test(start_paused = true)]
async fn what_said_that_it_is_held_or_waits_says_so_no_longer_once_it_is_as_before() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    let set = |field: &'static str, value: serde_json::Value| {
        move |o: &mut Object| {
            o.set(field, value);
            o.intent.spec = xos_model::SpecHash::of(&json!([o.fields.get("no_sync"), o.fields.get("boss")]));
            o.meta.generation += 1;
        }
    };
    run.world.edit("ann", set("boss", serde_json::Value::Null));
    run.pass(1.0).await;
    for (field, value, reason) in
        [("no_sync", json!(true), "Held"), ("boss", json!({"name": "nobody"}), "WaitingForDependency")]
    {
        run.world.edit("ann", set(field, value));
        run.pass(10.0).await;
        let ready = |run: &Running| find(&run.world.get("ann").unwrap().status.conditions, "Ready").unwrap().clone();
        assert_eq!(ready(&run).reason, reason);
        run.world.edit("ann", set(field, serde_json::Value::Null));
        run.pass(10.0).await;
        assert_eq!(ready(&run).status, xos_model::ConditionStatus::True, "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_taken_back_is_acknowledged_without_a_run() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    run.world.edit("ann", |o| o.meta.generation += 2);
    run.pass(1.0).await;
    assert_eq!(run.calls().len(), 1);
    assert_eq!(run.world.get("ann").unwrap().status.observed_generation, Some(3));
}

#[tokio::test(start_paused = true)]
async fn an_edit_taken_back_before_its_attempt_could_be_written_is_work() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    let before = run.world.get("ann").unwrap().intent;
    run.world.refuse(1);
    run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!("new")));
    run.pass(0.1).await;
    assert_eq!(run.calls().len(), 2, "the step ran, and nobody knows");
    run.world.edit("ann", |o| o.intent = before);
    run.pass(10.0).await;
    assert_eq!(run.calls().len(), 3, "the backend is brought back to what is wanted");
    run.pass(3600.0).await;
    assert_eq!(run.calls().len(), 3);
}
