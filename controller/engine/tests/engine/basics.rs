//! One object and its step: runs, retries, saves, deletion.

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_new_object_is_synced_with_two_writes_and_then_left_alone() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["sync ann"]);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann"]);
    assert_eq!(run.code("ann"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_metadata_is_no_news_but_an_edit_and_a_touch_are() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    run.world.edit("ann", |_| {});
    run.pass(1.0).await;
    assert_eq!(run.calls().len(), 1);
    run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!("new")));
    run.pass(1.0).await;
    assert_eq!(run.calls().len(), 2);
    run.world.edit("ann", |o| o.intent.touch = Some("1".to_owned()));
    run.pass(1.0).await;
    assert_eq!(run.calls().len(), 3);
    assert_eq!(run.world.writes().len(), 4, "one status write each, and the finalizer");
}

#[tokio::test(start_paused = true)]
async fn failures_are_tried_again_with_growing_delay_until_success() {
    let run = Running::start(|_, _, call| if call < 4 { Err(StepError::failed(format!("no {call}"))) } else { Ok(()) });
    run.world.put(object("ann"));
    for (seconds, calls) in [(0.5, 1), (1.0, 2), (1.0, 2), (1.0, 3), (3.0, 3), (1.0, 4), (600.0, 4)] {
        run.pass(seconds).await;
        assert_eq!(run.calls().len(), calls);
    }
    assert_eq!(run.code("ann"), 1);
    assert_eq!(run.world.get("ann").unwrap().status.history.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_edit_does_not_wait_for_the_delay_of_what_was_before() {
    let run = Running::start(|_, o, _| if o.flag("write_protect") { Ok(()) } else { Err(StepError::failed("no")) });
    run.world.put(object("ann"));
    run.pass(100.0).await;
    let before = run.calls().len();
    let edit = |o: &mut Object| {
        o.set("write_protect", json!(true));
        o.intent.spec = xos_model::SpecHash::of(&json!("new"));
    };
    run.world.edit("ann", edit);
    run.pass(0.1).await;
    assert_eq!(run.calls().len(), before + 1);
    assert_eq!(run.code("ann"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_its_object_only() {
    let run = Running::start(|_, o, _| if o.meta.name == "bad" { panic!("oh no: {}", o.meta.name) } else { Ok(()) });
    run.world.put(object("bad"));
    run.world.put(object("good"));
    run.pass(0.5).await;
    assert_eq!((run.code("bad"), run.code("good")), (json!(2), json!(1)));
    assert_eq!(run.world.get("bad").unwrap().text("backend_status"), Some("the step panicked: oh no: bad"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_does_not_end_is_stopped() {
    let run = Running::start_slow(Duration::from_secs(10_000), |_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(600.5).await;
    let status = run.world.get("ann").unwrap();
    let text = status.text("backend_status").unwrap();
    assert!(text.contains("time limit of 10m"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_deferred_object_is_tried_at_an_even_pace_and_written_once() {
    let run = Running::start(|_, _, call| if call < 6 { Err(StepError::deferred("waits")) } else { Ok(()) });
    run.world.put(object("ann"));
    run.pass(22.0).await;
    assert_eq!(run.calls().len(), 5);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann"]);
    assert_eq!(run.code("ann"), 0);
    run.pass(5.0).await;
    assert_eq!(run.code("ann"), 1);
    run.pass(100.0).await;
    assert_eq!(run.calls().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn deletion_runs_the_delete_step_and_releases_the_object() {
    let run = Running::start(|_, _, call| if call == 2 { Err(StepError::failed("backend is down")) } else { Ok(()) });
    run.world.put(object("ann"));
    run.pass(1.0).await;
    run.world.edit("ann", |o| o.meta.deleting = Some(SOME_TIME));
    run.pass(0.5).await;
    let stuck = run.world.get("ann").unwrap();
    assert_eq!(find(&stuck.status.conditions, "Ready").unwrap().message, "backend is down");
    run.pass(1.0).await;
    assert_eq!(run.calls(), ["sync ann", "delete ann", "delete ann"]);
    assert!(run.world.get("ann").is_none());
    assert_eq!(run.world.writes().last().unwrap(), "finalizers ann");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_object_s_step_runs_once() {
    let run = Running::start(|_, _, _| Ok(()));
    // Wakes the engine late, so that the worker's report and the watch's news come in either order.
    for n in 1..=20 {
        let name = format!("o{n}");
        run.world.put(object(&name));
        run.pass(0.001 * f64::from(n)).await;
        run.world.edit(&name, |o| o.meta.deleting = Some(SOME_TIME));
        run.pass(1.0).await;
    }
    let deletes = run.calls().iter().filter(|call| call.starts_with("delete")).count();
    assert_eq!(deletes, 20);
}

#[tokio::test(start_paused = true)]
async fn other_s_finalizers_stay() {
    let run = Running::start(|_, _, _| Ok(()));
    let mut ann = object("ann");
    ann.meta.finalizers = vec!["other".to_owned()];
    run.world.put(ann);
    run.pass(1.0).await;
    run.world.edit("ann", |o| o.meta.deleting = Some(SOME_TIME));
    run.pass(100.0).await;
    assert_eq!(run.calls(), ["sync ann", "delete ann"]);
    assert_eq!(run.world.get("ann").unwrap().meta.finalizers, ["other"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_step_changes_is_saved_and_does_not_run_it_again() {
    let run = Running::start(|_, o, _| {
        o.set("backend_handle", json!("h-1"));
        o.set("first_name", json!("Changed"));
        Ok(())
    });
    run.world.put(object("ann"));
    run.pass(100.0).await;
    let ann = run.world.get("ann").unwrap();
    assert_eq!((ann.text("backend_handle"), ann.text("first_name")), (Some("h-1"), Some("Changed")));
    assert_eq!(run.calls(), ["sync ann"]);
    assert_eq!(run.world.writes(), ["finalizers ann", "spec ann", "status ann"]);
    assert_eq!(ann.quiet_saves.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn bookkeeping_is_not_the_step_s() {
    let run = Running::start(|_, o, _| {
        o.set("enacted", json!("2026-01-01T00:00:00Z"));
        Ok(())
    });
    run.world.put(object("ann"));
    run.pass(0.5).await;
    assert_eq!(run.code("ann"), 2);
    assert!(run.world.get("ann").unwrap().text("backend_status").unwrap().contains("`enacted`"));
}

#[tokio::test(start_paused = true)]
async fn refused_writes_are_repeated() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.refuse(3);
    run.world.put(object("ann"));
    run.pass(100.0).await;
    assert_eq!(run.code("ann"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_edit_during_a_step_runs_it_once_more_afterwards() {
    let run = Running::start_slow(Duration::from_secs(10), |_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(5.0).await;
    run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!("new")));
    run.pass(1.0).await;
    assert_eq!(run.calls().len(), 1, "not twice at once");
    run.pass(100.0).await;
    assert_eq!(run.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn quick_objects_are_handled_up_to_the_limit_at_once() {
    let run = Running::start_slow(Duration::from_millis(900), |_, _, _| Ok(()));
    for n in 0..6 {
        run.world.put(object(&format!("o{n}")));
    }
    run.pass(0.8).await;
    assert_eq!(run.calls().len(), 4);
    run.pass(0.2).await;
    assert_eq!(run.calls().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn shutdown_cancels_running_steps_and_records_nothing() {
    let run = Running::start_slow(Duration::from_secs(3600), |_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(1.0).await;
    run.shutdown.cancel();
    let began = tokio::time::Instant::now();
    run.engine.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(run.world.writes(), ["finalizers ann"]);
}

#[tokio::test(start_paused = true)]
async fn the_idempotency_key_is_the_intent_s() {
    let keys = Arc::new(Mutex::new(vec![]));
    let seen = Arc::clone(&keys);
    let run = Running::start(move |ctx, _, call| {
        seen.lock().unwrap().push(ctx.idempotency_key().to_owned());
        if call == 1 { Err(StepError::failed("no")) } else { Ok(()) }
    });
    run.world.put(object("ann"));
    run.pass(10.0).await;
    run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!("new")));
    run.pass(1.0).await;
    let keys = keys.lock().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys[0] == keys[1] && keys[1] != keys[2]);
    assert!(keys[0].starts_with("uid-of-ann/sync/"));
}

#[tokio::test(start_paused = true)]
async fn a_save_that_the_api_server_refuses_is_a_failure_of_the_step() {
    let run = Running::start(|_, o, call| {
        o.set("first_name", json!(format!("by step {call}")));
        o.set("seen", json!("yes"));
        Ok(())
    });
    run.world.put(object("ann"));
    run.pass(0.5).await;
    assert_eq!(run.code("ann"), 1);
    run.world.refuse_with("things \"ann\" is forbidden: quota");
    run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!("new")));
    run.pass(0.5).await;
    let ann = run.world.get("ann").unwrap();
    assert_eq!(run.code("ann"), 2);
    let ready = find(&ann.status.conditions, "Ready").unwrap();
    assert_eq!(ready.reason, "SyncFailed");
    assert!(ready.message.ends_with("is not saved, as the API server refuses it: things \"ann\" is forbidden: quota"));
    assert_eq!((ann.text("first_name"), ann.text("seen")), (Some("by step 1"), Some("yes")));
    run.pass(2.0).await;
    assert_eq!((run.code("ann"), run.calls().len()), (json!(1), 3), "one more attempt after a second");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_api_server_refuses_is_written_without_what_the_step_changed() {
    let run = Running::start(|_, o, _| {
        o.set("seen", json!("too much"));
        Ok(())
    });
    run.world.put(object("ann"));
    run.pass(0.5).await;
    run.world.edit("ann", |o| o.set("seen", json!("little")));
    for _ in 0..2 {
        run.world.refuse_with("status.seen: Invalid value");
        run.world.edit("ann", |o| o.intent.spec = xos_model::SpecHash::of(&json!(o.meta.resource_version)));
        run.pass(0.5).await;
        let ann = run.world.get("ann").unwrap();
        assert_eq!((run.code("ann"), ann.text("seen")), (json!(2), Some("little")));
        let text = ann.text("backend_status").unwrap();
        assert!(text.contains("what Scripted changed in status is not saved"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn finalizers_that_the_api_server_refuses_are_told() {
    let run = Running::start(|_, _, _| Ok(()));
    run.world.refuse_with("metadata.finalizers: no");
    run.world.put(object("ann"));
    run.pass(0.1).await;
    assert!(run.calls().is_empty());
    let ann = run.world.get("ann").unwrap();
    let ready = find(&ann.status.conditions, "Ready").unwrap();
    assert_eq!((ready.status, ready.reason.as_str()), (xos_model::ConditionStatus::False, "WriteRefused"));
    let told = "the API server refuses a write of the controller; give it the missing right (`xos rbac` prints all), or \
        correct what is named here: metadata.finalizers: no";
    assert_eq!(ready.message, told);
    run.pass(5.0).await;
    assert_eq!((run.code("ann"), run.calls().len()), (json!(1), 1));
}

#[tokio::test(start_paused = true)]
async fn a_touched_object_is_not_ready_while_a_long_step_runs() {
    let run = Running::start_slow(Duration::from_secs(10), |_, _, _| Ok(()));
    run.world.put(object("ann"));
    run.pass(20.0).await;
    let ready = |run: &Running| find(&run.world.get("ann").unwrap().status.conditions, "Ready").unwrap().clone();
    assert_eq!(ready(&run).status, xos_model::ConditionStatus::True);
    run.world.edit("ann", |o| o.intent.touch = Some("1".to_owned()));
    run.pass(1.0).await;
    assert_eq!((ready(&run).status, ready(&run).reason.as_str()), (xos_model::ConditionStatus::Unknown, "SyncPending"));
    run.pass(20.0).await;
    assert_eq!(ready(&run).status, xos_model::ConditionStatus::True);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann", "status ann", "status ann"]);
}
