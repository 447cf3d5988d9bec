//! Policies and sync steps together: the scenarios of XOS's testservice, and more.

use xos_model::Fields;
use xos_steps::Policy;

use crate::support::*;

type Edit = Box<dyn Fn(&mut Object, usize) -> Result<(), StepError> + Send + Sync>;

/// A step or policy that does what it is told, and notes its calls.
struct Part {
    what: &'static str,
    edit: Edit,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Part {
    fn call(&self, handler: &str, o: &mut Object) -> Result<(), StepError> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(format!("{} {handler}", self.what));
            calls.iter().filter(|call| call.starts_with(self.what)).count()
        };
        (self.edit)(o, number)
    }
}

impl SyncStep for Part {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("sync", o)
    }

    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.call("delete", &mut o.clone())
    }

    async fn after_sync_save(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        if o.flag("write_protect") { self.call("saved", &mut o.clone()) } else { Ok(()) }
    }
}

impl Policy for Part {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    fn handles_delete(&self) -> bool {
        true
    }

    async fn handle_create(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("create", o)
    }

    async fn handle_update(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("update", o)
    }

    async fn handle_delete(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.call("delete", &mut o.clone())
    }
}

fn start(
    step: impl Fn(&mut Object, usize) -> Result<(), StepError> + Send + Sync + 'static,
    policy: impl Fn(&mut Object, usize) -> Result<(), StepError> + Send + Sync + 'static,
) -> Running {
    let calls = Arc::new(Mutex::new(vec![]));
    let part = |what, edit| Part { what, edit, calls: Arc::clone(&calls) };
    let step = part("step", Box::new(step));
    let policy = part("policy", Box::new(policy));
    Running::start_with(Arc::clone(&calls), &Steps::new().sync_step(step).policy(policy))
}

fn nothing(_: &mut Object, _: usize) -> Result<(), StepError> {
    Ok(())
}

fn edit(name: &'static str) -> impl FnOnce(&mut Object) {
    move |o| {
        o.set("first_name", json!(name));
        xos_crds::rehash(models().get("MyModel").unwrap(), o);
        o.meta.generation += 1;
    }
}

/// As the API server gives it: with the hash of its spec.
fn put(run: &Running, name: &'static str) {
    let mut o = object(name);
    edit(name)(&mut o);
    o.meta.generation = 1;
    run.world.put(o);
}

fn fields(run: &Running, name: &str) -> Fields {
    run.world.get(name).unwrap().fields
}

#[tokio::test(start_paused = true)]
async fn both_passes_take_one_status_write() {
    let run = start(nothing, nothing);
    put(&run, "ann");
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync"]);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann"]);
    let ann = fields(&run, "ann");
    assert_eq!(
        (&ann["policy_code"], &ann["backend_code"], &ann["policy_status"]),
        (&json!(1), &json!(1), &json!("done"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_that_the_api_server_refuses_is_told_of_the_pass_that_is_to_run() {
    let told = |run: &Running| {
        let ann = run.world.get("ann").unwrap();
        ["Ready", "PolicyApplied"].map(|kind| find(&ann.status.conditions, kind).unwrap().reason.clone())
    };
    let calls = Arc::default();
    let policy = Part { what: "policy", edit: Box::new(nothing), calls: Arc::clone(&calls) };
    let run = Running::start_with(calls, &Steps::new().policy(policy));
    run.world.refuse_with("metadata.finalizers: no");
    put(&run, "ann");
    run.pass(0.1).await;
    assert_eq!(told(&run), ["WriteRefused", "WriteRefused"], "there is no step");
    run.pass(5.0).await;
    assert_eq!(told(&run), ["PolicySucceeded", "PolicySucceeded"]);

    let run = start(nothing, nothing);
    run.world.refuse_with("metadata.finalizers: no");
    let mut ann = object("ann");
    ann.set("no_sync", json!(true));
    run.world.put(ann);
    run.pass(0.1).await;
    assert_eq!(told(&run), ["WriteRefused", "WriteRefused"], "the step is held back");
}

#[tokio::test(start_paused = true)]
async fn policy_after_sync() {
    let run = start(
        |o, _| {
            o.set("seen", json!("step"));
            Ok(())
        },
        nothing,
    );
    put(&run, "ann");
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "policy update"]);
}

#[tokio::test(start_paused = true)]
async fn policy_after_sync_with_an_update_in_between() {
    let run = start(
        |o, n| {
            o.set("seen", json!(format!("step {n}")));
            Ok(())
        },
        nothing,
    );
    put(&run, "ann");
    run.pass(10.0).await;
    run.world.edit("ann", edit("Anna"));
    run.pass(3600.0).await;
    let all = ["policy create", "step sync", "policy update", "policy update", "step sync", "policy update"];
    assert_eq!(run.calls(), all);
}

#[tokio::test(start_paused = true)]
async fn sync_after_policy() {
    let run = start(nothing, |o, n| {
        if n == 2 {
            o.set("seen", json!("policy"));
        }
        Ok(())
    });
    put(&run, "ann");
    run.pass(10.0).await;
    run.world.edit("ann", |o| o.set("changed_by_step", json!("2030-01-01T00:00:00Z")));
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "policy update", "step sync"]);
}

#[tokio::test(start_paused = true)]
async fn sync_after_policy_with_an_update_in_between() {
    let run = start(nothing, |o, n| {
        o.set("first_name", json!(format!("by policy {n}")));
        Ok(())
    });
    put(&run, "ann");
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync"], "the policy's own save is no news for it");
    run.world.edit("ann", edit("Anna"));
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "policy update", "step sync"]);
    let ann = run.world.get("ann").unwrap();
    assert_eq!((ann.text("first_name"), ann.quiet_saves.len()), (Some("by policy 2"), 2));
}

#[tokio::test(start_paused = true)]
async fn a_step_and_a_policy_that_both_change_the_object_settle() {
    let run = start(
        |o, _| {
            o.set("seen", json!("step"));
            Ok(())
        },
        |o, _| {
            o.set("first_name", json!("by policy"));
            Ok(())
        },
    );
    put(&run, "ann");
    run.pass(3600.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "policy update"]);
    assert_eq!(fields(&run, "ann")["first_name"], "by policy");
}

#[tokio::test(start_paused = true)]
async fn a_failing_policy_does_not_keep_the_step() {
    let run = start(nothing, |_, n| if n < 3 { Err(StepError::failed("no")) } else { Ok(()) });
    put(&run, "ann");
    run.pass(0.5).await;
    assert_eq!(run.calls(), ["policy create", "step sync"]);
    let ann = run.world.get("ann").unwrap();
    assert_eq!((&ann.fields["policy_code"], &ann.fields["backend_code"]), (&json!(2), &json!(1)));
    assert_eq!(find(&ann.status.conditions, "Ready").unwrap().reason, "PolicyFailed");
    run.pass(100.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "policy create", "policy create"]);
    let ann = run.world.get("ann").unwrap();
    assert_eq!(find(&ann.status.conditions, "Ready").unwrap().status, xos_model::ConditionStatus::True);
}

#[tokio::test(start_paused = true)]
async fn deletion_runs_both_and_lets_go_with_one_write() {
    let run = start(nothing, nothing);
    put(&run, "ann");
    run.pass(1.0).await;
    run.world.edit("ann", |o| o.meta.deleting = Some(SOME_TIME));
    run.pass(1.0).await;
    assert_eq!(run.calls()[2..], ["policy delete", "step delete"]);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann", "finalizers ann"]);
    assert!(run.world.get("ann").is_none());
}

#[tokio::test(start_paused = true)]
async fn on_deletion_one_failure_repeats_only_what_failed() {
    let run = start(nothing, |_, n| if n == 2 { Err(StepError::failed("no")) } else { Ok(()) });
    put(&run, "ann");
    run.pass(1.0).await;
    run.world.edit("ann", |o| o.meta.deleting = Some(SOME_TIME));
    run.pass(100.0).await;
    assert_eq!(run.calls()[2..], ["policy delete", "step delete", "policy delete"]);
    assert!(run.world.get("ann").is_none());
}

#[tokio::test(start_paused = true)]
async fn hooks_run_after_the_save_and_their_failure_is_the_step_s() {
    let run = start(nothing, nothing);
    let mut ann = object("ann");
    ann.set("write_protect", json!(true));
    run.world.put(ann);
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["policy create", "step sync", "step saved"]);
}

#[tokio::test(start_paused = true)]
async fn what_holds_a_pass_is_told_and_the_other_goes_on() {
    let run = start(nothing, nothing);
    let mut ann = object("ann");
    ann.set("no_sync", json!(true));
    run.world.put(ann);
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["policy create"]);
    let ann = run.world.get("ann").unwrap();
    let ready = find(&ann.status.conditions, "Ready").unwrap();
    assert_eq!(ready.status, xos_model::ConditionStatus::True, "nothing is to be done");
    assert_eq!(
        (ready.reason.as_str(), ready.message.as_str()),
        ("NoSync", "spec.noSync is set: there is nothing to do")
    );
    assert_eq!(find(&ann.status.conditions, "Synced").unwrap().message, "spec.noSync is set");
    assert_eq!(find(&ann.status.conditions, "PolicyApplied").unwrap().status, xos_model::ConditionStatus::True);
}

#[tokio::test(start_paused = true)]
async fn a_held_policy_runs_after_its_release() {
    let run = start(nothing, nothing);
    let mut ann = object("ann");
    ann.set("no_policy", json!(true));
    run.world.put(ann);
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["step sync"]);
    let told = |run: &Running| {
        let ann = run.world.get("ann").unwrap();
        ["PolicyApplied", "Ready"].map(|kind| find(&ann.status.conditions, kind).unwrap().clone())
    };
    let [applied, ready] = told(&run);
    assert_eq!((applied.reason.as_str(), applied.message.as_str()), ("Held", "spec.noPolicy is set"));
    assert_eq!((ready.reason.as_str(), ready.status), ("NoPolicy", xos_model::ConditionStatus::True));
    run.world.edit("ann", |o| o.set("no_policy", json!(false)));
    run.pass(10.0).await;
    assert_eq!(run.calls(), ["step sync", "policy create"]);
    assert!(told(&run).iter().all(|told| told.status == xos_model::ConditionStatus::True), "{:?}", told(&run));
}

#[tokio::test(start_paused = true)]
async fn where_status_cannot_be_written_both_passes_are_tried_with_growing_delay() {
    let run = start(nothing, nothing);
    put(&run, "ann");
    run.pass(1.0).await;
    run.world.refuse(1000);
    run.world.edit("ann", edit("Anna"));
    run.pass(60.0).await;
    // At 0, 1, 3, 7, 15 and 31 s.
    let steps = run.calls()[2..].iter().filter(|call| *call == "step sync").count();
    assert!((4..=7).contains(&steps) && run.calls().len() <= 2 + 2 * steps, "{:?}", run.calls());
}

#[tokio::test(start_paused = true)]
async fn where_status_cannot_be_written_a_step_that_saves_another_spec_each_time_is_tried_with_growing_delay() {
    let run = start(
        |o, n| {
            o.set("last_name", json!(n.to_string()));
            Ok(())
        },
        nothing,
    );
    put(&run, "ann");
    run.pass(1.0).await;
    run.world.refuse_status();
    run.world.edit("ann", edit("Anna"));
    let before = run.calls().iter().filter(|call| *call == "step sync").count();
    run.pass(60.0).await;
    let steps = run.calls().iter().filter(|call| *call == "step sync").count() - before;
    assert!((4..=7).contains(&steps), "{:?}", run.calls());
}

#[tokio::test(start_paused = true)]
async fn after_the_policies_the_object_is_not_ready_before_its_step_ran() {
    let run = start(|_, n| if n < 3 { Err(StepError::failed("503")) } else { Ok(()) }, nothing);
    put(&run, "ann");
    let ready = |run: &Running| find(&run.world.get("ann").unwrap().status.conditions, "Ready").cloned();
    for _ in 0..40 {
        run.pass(0.05).await;
        let is_ready = ready(&run).is_some_and(|ready| ready.status == xos_model::ConditionStatus::True);
        assert!(!is_ready || run.calls().iter().filter(|call| *call == "step sync").count() == 3);
    }
    run.pass(10.0).await;
    assert_eq!(ready(&run).unwrap().status, xos_model::ConditionStatus::True);
}

#[tokio::test(start_paused = true)]
async fn a_long_step_after_a_touch_is_told_with_what_the_policies_left_and_nothing_runs_twice() {
    let calls = Arc::new(Mutex::new(vec![]));
    let step = Scripted {
        script: Box::new(|_, _, _| Ok(())),
        calls: Arc::default(),
        running: AtomicUsize::new(0),
        takes: Duration::from_secs(10),
    };
    let policy = Part { what: "policy", edit: Box::new(nothing), calls: Arc::clone(&calls) };
    let run = Running::start_with(Arc::clone(&calls), &Steps::new().sync_step(step).policy(policy));
    put(&run, "ann");
    run.pass(20.0).await;
    run.world.edit("ann", |o| o.intent.touch = Some("1".to_owned()));
    run.pass(5.0).await;
    let told = |run: &Running, kind| find(&run.world.get("ann").unwrap().status.conditions, kind).unwrap().clone();
    assert_eq!(told(&run, "Ready").reason, "SyncPending");
    assert_eq!(told(&run, "PolicyApplied").status, xos_model::ConditionStatus::True);
    run.pass(60.0).await;
    assert_eq!(told(&run, "Ready").status, xos_model::ConditionStatus::True);
    assert_eq!(run.calls(), ["policy create", "policy update"]);
    assert_eq!(run.world.writes(), ["finalizers ann", "status ann", "status ann", "status ann"]);
}
