//! Objects that are linked: order, waits, cascade.

use crate::support::*;

fn linked(name: &str, boss: &str) -> Object {
    let mut o = object(name);
    o.set("boss", json!({"name": boss}));
    o
}

fn ready(run: &Running, name: &str) -> (String, String) {
    let o = run.world.get(name).unwrap();
    let ready = find(&o.status.conditions, "Ready").unwrap();
    (ready.reason.clone(), ready.message.clone())
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_done_in_order_with_one_status_write_each() {
    let run = Running::start_slow(Duration::from_secs(1), |_, _, _| Ok(()));
    for (name, boss) in [("c", "b"), ("b", "a")] {
        run.world.put(linked(name, boss));
    }
    run.world.put(object("a"));
    run.pass(60.0).await;
    assert_eq!(run.calls(), ["sync a", "sync b", "sync c"]);
    let status = |name: &str| run.world.writes().iter().filter(|write| **write == format!("status {name}")).count();
    assert_eq!(["a", "b", "c"].map(status), [1, 1, 1], "a short wait is not told");
}

#[tokio::test(start_paused = true)]
async fn a_wait_names_what_it_is_for_and_the_root_cause() {
    let run =
        Running::start(|_, o, n| if o.meta.name == "a" && n < 5 { Err(StepError::failed("no route")) } else { Ok(()) });
    for (name, boss) in [("c", "b"), ("b", "a")] {
        run.world.put(linked(name, boss));
    }
    run.pass(4.0).await;
    assert_eq!(
        ready(&run, "b"),
        ("WaitingForDependency".to_owned(), "waits for MyModel a, which does not exist".to_owned())
    );
    let told = "waits for MyModel b, which waits for MyModel a, which does not exist";
    assert_eq!(ready(&run, "c").1, told);
    run.world.put(object("a"));
    run.pass(4.5).await;
    assert_eq!(ready(&run, "b").1, "waits for MyModel a, which failed: no route");
    assert_eq!(ready(&run, "c").1, "waits for MyModel b, which waits for MyModel a, which failed: no route");
    run.pass(60.0).await;
    assert_eq!(run.calls().last().unwrap(), "sync c");
    assert_eq!(ready(&run, "c").0, "SyncSucceeded");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_synchronizes_holds_nothing_up() {
    let run = Running::start(|_, _, _| Ok(()));
    let mut held = object("a");
    held.set("no_sync", json!(true));
    run.world.put(held);
    run.world.put(linked("b", "a"));
    run.pass(1.0).await;
    assert_eq!(run.calls(), ["sync b"]);
}

#[tokio::test(start_paused = true)]
async fn a_circle_is_found_and_not_waited_for() {
    let run = Running::start(|_, _, _| Ok(()));
    for (name, boss) in [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("self", "self")] {
        run.world.put(linked(name, boss));
    }
    run.pass(60.0).await;
    let mut calls = run.calls();
    assert_eq!(calls.first().unwrap(), "sync self");
    calls.sort();
    assert_eq!(calls, ["sync a", "sync b", "sync c", "sync d", "sync self"]);
}

#[tokio::test(start_paused = true)]
async fn deletion_takes_along_those_that_lead_to_it_first() {
    let run = Running::start_slow(Duration::from_secs(1), |_, _, _| Ok(()));
    run.world.put(object("a"));
    for (name, boss) in [("b", "a"), ("c", "b"), ("d", "a")] {
        run.world.put(linked(name, boss));
    }
    run.pass(60.0).await;
    run.world.delete("a");
    run.pass(60.0).await;
    let deletes: Vec<_> = run.calls().into_iter().filter(|call| call.starts_with("delete")).collect();
    assert_eq!(deletes.len(), 4, "{deletes:?}");
    let place = |name: &str| deletes.iter().position(|call| *call == format!("delete {name}")).unwrap();
    assert!(place("c") < place("b") && place("b") < place("a") && place("d") < place("a"), "{deletes:?}");
    assert!(["a", "b", "c", "d"].iter().all(|name| run.world.get(name).is_none()));
}

#[tokio::test(start_paused = true)]
async fn what_leads_elsewhere_by_now_is_not_taken_along() {
    let run = Running::start(|_, _, _| Ok(()));
    for name in ["a", "c"] {
        run.world.put(object(name));
    }
    run.world.put(linked("b", "a"));
    run.pass(1.0).await;
    let mut moved = run.world.get("b").unwrap();
    moved.set("boss", json!({"name": "c"}));
    run.world.api.put_unseen(moved.clone());
    run.world.delete("a");
    run.pass(1.0).await;
    assert!(run.world.get("b").unwrap().meta.deleting.is_none() && run.world.get("a").is_some());
    run.world.put(moved);
    run.pass(1.0).await;
    assert!(run.world.get("b").is_some() && run.world.get("a").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stuck_dependant_shows_why_and_a_protected_one_too() {
    let run = Running::start(|_, o, _| {
        if o.meta.deleting.is_some() && o.meta.name == "b" { Err(StepError::failed("in use")) } else { Ok(()) }
    });
    run.world.put(object("a"));
    run.world.put(linked("b", "a"));
    run.pass(1.0).await;
    run.world.delete("a");
    run.pass(10.0).await;
    assert_eq!(ready(&run, "a").1, "waits for the deletion of MyModel b, which failed: in use");

    let mut protected = linked("d", "c");
    protected.set("write_protect", json!(true));
    run.world.put(object("c"));
    run.world.put(protected);
    run.pass(10.0).await;
    run.world.delete("c");
    run.pass(10.0).await;
    assert_eq!(ready(&run, "c").1, "waits for the deletion of MyModel d, which is write-protected");
    run.world.edit("d", |o| o.set("write_protect", json!(false)));
    run.pass(10.0).await;
    assert!(run.world.get("c").is_none() && run.world.get("d").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_protected_object_stays() {
    let run = Running::start(|_, _, _| Ok(()));
    let mut a = object("a");
    a.set("write_protect", json!(true));
    run.world.put(a);
    run.pass(1.0).await;
    run.world.delete("a");
    run.pass(60.0).await;
    assert!(ready(&run, "a").1.contains("spec.writeProtect is set"));
    assert_eq!(run.calls(), ["sync a"]);
    run.world.edit("a", |o| o.set("write_protect", json!(false)));
    run.pass(1.0).await;
    assert!(run.world.get("a").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_was_never_synchronized_is_not_deleted_in_the_backend() {
    let run = Running::start(|_, _, _| Ok(()));
    let held = ["sync.xos.opencord.org/me".to_owned()];
    let mut b = linked("b", "a");
    b.meta = Meta { finalizers: held.to_vec(), ..b.meta };
    run.world.put(b);
    run.pass(1.0).await;
    run.world.delete("b");
    run.pass(1.0).await;
    assert!(run.calls().is_empty() && run.world.get("b").is_none());
}

#[tokio::test(start_paused = true)]
async fn all_that_an_object_waits_for_is_named_in_order_and_counted() {
    let run = Running::start(|_, o, _| match o.meta.name.as_str() {
        "a" if o.meta.deleting.is_none() => Err(StepError::failed("no route")),
        "p1" if o.meta.deleting.is_some() => Err(StepError::failed("in use")),
        _ => Ok(()),
    });
    let mut c = linked("c", "a");
    let friends: Vec<_> = (0..6).map(|at| json!({"name": format!("f{at}")})).collect();
    c.set("friends", json!(friends));
    run.world.put(object("a"));
    run.world.put(c);
    run.pass(4.0).await;
    let told = "waits for MyModel a, which failed: no route; MyModel f0, which does not exist; \
        MyModel f1, which does not exist; and 4 more MyModels";
    assert_eq!(ready(&run, "c").1, told);
    for name in ["f0", "f2", "f3", "f4", "f5"] {
        run.world.put(object(name));
    }
    run.pass(4.0).await;
    let told = "waits for MyModel a, which failed: no route; and MyModel f1, which does not exist";
    assert_eq!(ready(&run, "c").1, told);

    for at in 0..9 {
        run.world.put(linked(&format!("p{at}"), "f1"));
    }
    run.world.put(object("f1"));
    run.pass(4.0).await;
    for at in [0, 2, 3] {
        run.world.edit(&format!("p{at}"), |o| o.set("write_protect", json!(true)));
    }
    run.world.delete("f1");
    run.pass(4.0).await;
    let told = "waits for the deletion of MyModel p0, which is write-protected; \
        MyModel p1, which failed: in use; MyModel p2, which is write-protected; and 1 more MyModel";
    assert_eq!(ready(&run, "f1").1, told);
    for at in [3, 2, 0] {
        run.world.edit(&format!("p{at}"), |o| o.set("write_protect", json!(false)));
    }
    run.pass(4.0).await;
    assert_eq!(ready(&run, "f1").1, "waits for the deletion of MyModel p1, which failed: in use");
}

#[tokio::test(start_paused = true)]
async fn a_blocker_that_is_only_counted_frees_too_and_a_count_is_written_now_and_then() {
    let run = Running::start_slow(Duration::from_millis(100), |_, _, _| Ok(()));
    let mut c = object("c");
    let friends: Vec<_> = (0..200).map(|at| json!({"name": format!("f{at}")})).collect();
    c.set("friends", json!(friends));
    run.world.put(c);
    run.pass(10.0).await;
    for at in (0..200).rev() {
        run.world.put(object(&format!("f{at}")));
        run.pass(0.1).await;
    }
    run.pass(5.0).await;
    assert_eq!(run.calls().last().unwrap(), "sync c");
    let writes = run.world.writes().iter().filter(|write| **write == "status c").count();
    assert!((3..=12).contains(&writes), "{writes} in 20 s");
}

/// A parent that fails, and a child that waits for it.
async fn failing_parent(parent: impl FnOnce(&mut Object)) -> Running {
    let run = Running::start(|_, o, _| match (o.meta.name.as_str(), o.meta.deleting) {
        ("a", None) => Err(StepError::failed("no route")),
        ("a", Some(_)) if o.flag("stuck") => Err(StepError::failed("in use")),
        _ => Ok(()),
    });
    let mut a = object("a");
    parent(&mut a);
    run.world.put(a);
    run.world.put(linked("b", "a"));
    run.world.put(linked("c", "b"));
    let mut stays = object("stays");
    stays.set("friends", json!([{"name": "a"}]));
    run.world.put(stays);
    run.pass(4.0).await;
    run
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_failed_object_goes_with_it_and_is_never_tried() {
    let run = failing_parent(|_| {}).await;
    run.world.delete("a");
    run.pass(10.0).await;
    let calls: Vec<_> = run.calls().into_iter().filter(|call| call != "sync a").collect();
    assert_eq!(calls[0], "sync stays", "a link to many is not waited for once it leads to what is being deleted");
    assert_eq!(calls[1..], ["delete a"]);
    assert!(["a", "b", "c"].iter().all(|name| run.world.get(name).is_none()));
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_an_object_is_being_deleted_goes_with_it_too() {
    let run = failing_parent(|a| a.set("stuck", json!(true))).await;
    run.world.delete("a");
    // The longer it fails, the longer are the delays.
    run.pass(60.0).await;
    run.world.put(linked("late", "a"));
    run.pass(0.5).await;
    assert!(run.world.get("late").is_none(), "it does not wait for the next attempt");
    let mut protected = linked("kept", "a");
    protected.set("write_protect", json!(true));
    run.world.put(protected);
    run.pass(4.0).await;
    let told =
        "waits for MyModel a, which is being deleted: waits for the deletion of MyModel kept, which is write-protected";
    assert_eq!(ready(&run, "kept").1, told);
    assert_eq!(ready(&run, "a").1, "waits for the deletion of MyModel kept, which is write-protected");
    run.world.edit("a", |a| a.set("stuck", json!(false)));
    run.world.edit("kept", |o| o.set("write_protect", json!(false)));
    run.pass(400.0).await;
    assert!(["a", "late", "kept"].iter().all(|name| run.world.get(name).is_none()));
    assert!(!run.calls().iter().any(|call| call.contains("late") || call.contains("kept")), "{:?}", run.calls());
}

#[tokio::test(start_paused = true)]
async fn a_protected_object_that_is_done_is_worked_with_as_before() {
    let run = Running::start(|_, _, _| Ok(()));
    let mut a = object("a");
    a.set("write_protect", json!(true));
    run.world.put(a);
    run.pass(1.0).await;
    run.world.delete("a");
    run.world.put(linked("b", "a"));
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["sync a", "sync b"]);
    let run = failing_parent(|a| a.set("write_protect", json!(true))).await;
    run.world.delete("a");
    run.pass(10.0).await;
    assert!(ready(&run, "b").1.starts_with("waits for MyModel a, which is being deleted: spec.writeProtect is set"));
    assert!(!run.calls().contains(&"sync b".to_owned()));
}
