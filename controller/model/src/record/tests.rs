use std::time::Duration;

use super::*;
use crate::condition::{self, ConditionStatus, find};
use crate::dirty::{Due, Switch, policy_due, sync_due};
use crate::intent::{Intent, Pass, QuietSave, SpecHash};
use crate::object::Meta;
use crate::outcome::Operation;
use crate::status::Status;
use serde_json::json;

mod waits;

const ME: &str = "me";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn object() -> Object {
    Object {
        model: "MyModel".into(),
        meta: Meta { generation: 1, created: Some(at(10)), ..Meta::default() },
        fields: [].into(),
        intent: Intent { spec: SpecHash::of(&json!({"n": 1})), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}

fn context() -> Context<'static> {
    Context { synchronizer: ME, backoff: Backoff::default(), unit: 0.5 }
}

fn sync(object: &Object, second: i64, outcome: Outcome) -> Object {
    run(object, second, outcome, Operation::Sync)
}

fn run(object: &Object, second: i64, outcome: Outcome, operation: Operation) -> Object {
    let finished =
        Finished { step: "Step".to_owned(), operation, outcome, at: at(second), duration: Duration::from_millis(12) };
    settled(after(object, &finished, &context()), second)
}

fn settled(mut object: Object, second: i64) -> Object {
    settle_ready(&mut object, at(second));
    object
}

fn failed(text: &str) -> Outcome {
    Outcome::Failed(text.to_owned())
}

#[test]
fn success() {
    let o = sync(&object(), 20, Outcome::Succeeded);
    assert_eq!(o.fields["backend_code"], 1);
    assert_eq!(o.text("backend_status"), Some("OK"));
    assert_eq!(o.date("enacted"), Some(at(10)), "enacted is updated, and that is the creation");
    assert_eq!(o.status.observed_generation, Some(1));
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().status, ConditionStatus::True);
    assert!(find(&o.status.conditions, "Reconciling").is_none());
    assert_eq!(o.status.history[0].duration, "12ms");
    assert_eq!(sync_due(&o, ME, at(21)), Due::Clean);
}

#[test]
fn the_record_of_an_attempt_is_known_by_its_end() {
    let o = sync(&object(), 20, Outcome::Succeeded);
    let is = |o: &Object, pass, since| is_recorded(o, ME, pass, at(since));
    assert!(is(&o, Pass::Sync, 19) && is(&o, Pass::Sync, 20));
    assert!(!is(&o, Pass::Sync, 21), "a later attempt is not");
    assert!(!is(&o, Pass::Policy, 19) && !is_recorded(&o, "another", Pass::Sync, at(19)));
    let edited = Object { meta: Meta { generation: 2, ..o.meta.clone() }, ..o };
    assert!(!is(&edited, Pass::Sync, 19), "nor if the object was changed since");
}

#[test]
fn failures_grow_and_are_reset_by_a_new_intent() {
    let mut o = object();
    let mut delays = vec![];
    for n in 0..3 {
        o = sync(&o, 100 + n, failed("boom"));
        delays.push(o.status.of(ME).unwrap().sync.next_attempt.unwrap().as_second() - 100 - n);
    }
    assert_eq!(delays, [1, 2, 4]);
    assert_eq!(o.fields["backend_code"], 2);
    assert_eq!(o.text("backend_status"), Some("boom"));
    assert_eq!(find(&o.status.conditions, "Reconciling").unwrap().reason, "RetryScheduled");
    o.intent.spec = SpecHash::of(&json!({"n": 2}));
    let o = sync(&o, 200, failed("bang"));
    assert_eq!(o.status.of(ME).unwrap().sync.failures, 1);
    assert_eq!(o.text("backend_status"), Some("boom // bang"));
    assert!(o.date("updated").unwrap() > at(199) && o.date("updated").unwrap() < at(200));
}

#[test]
fn a_recovered_object_shows_no_trace_but_history() {
    let o = sync(&sync(&object(), 20, failed("boom")), 30, Outcome::Succeeded);
    assert_eq!(o.text("backend_status"), Some("OK"));
    assert_eq!(o.status.of(ME).unwrap().sync.failures, 0);
    let outcomes: Vec<_> = o.status.history.iter().map(|a| a.outcome.as_str()).collect();
    assert_eq!(outcomes, ["Succeeded", "Failed"]);
    assert!(find(&o.status.conditions, "Reconciling").is_none());
}

#[test]
fn at_the_longest_delay_it_is_stalled() {
    let mut o = object();
    for n in 0..10 {
        o = sync(&o, n * 1000, failed("boom"));
    }
    let told = "attempt 10 ended without success; mend the cause: the next is at 1970-01-01T02:35:00Z, or at once with \
        `kubectl xos retry`";
    assert_eq!(find(&o.status.conditions, "Stalled").unwrap().message, told);
    assert!(find(&o.status.conditions, "Reconciling").is_none(), "kstatus allows one of the two");
    let o = sync(&o, 20_000, Outcome::Succeeded);
    assert!(find(&o.status.conditions, "Stalled").is_none());
}

#[test]
fn deferred_is_code_0_without_delay_and_the_same_again_writes_nothing() {
    let deferred = || Outcome::Deferred("waits for the port".to_owned());
    let o = sync(&object(), 20, deferred());
    assert_eq!(o.fields["backend_code"], 0);
    assert_eq!(sync_due(&o, ME, at(20)), Due::Now);
    assert_eq!(sync(&o, 25, deferred()), o);
    let other = sync(&o, 30, Outcome::Deferred("waits for the cable".to_owned()));
    assert_eq!(other.text("backend_status"), Some("waits for the port // waits for the cable"));
}

#[test]
fn innocuous_is_code_1_and_tried_again() {
    let o = sync(&object(), 20, Outcome::Innocuous("no matter".to_owned()));
    assert_eq!(o.fields["backend_code"], 1);
    assert_eq!(sync_due(&o, ME, at(20)), Due::NotBefore(at(21)));
    assert!(o.date("enacted").is_none());
}

#[test]
fn a_failed_delete_says_why_and_counts_on_its_own() {
    let o = sync(&object(), 20, Outcome::Succeeded);
    let o = run(&o, 30, failed("gone fishing"), Operation::Delete);
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().reason, "DeleteFailed");
    assert_eq!(o.status.of(ME).unwrap().delete.as_ref().unwrap().failures, 1);
    assert_eq!(o.status.of(ME).unwrap().sync.failures, 0);
}

#[test]
fn the_register_is_xos_s() {
    let o = sync(&sync(&object(), 20, Outcome::Succeeded), 30, failed("x"));
    let register: Value = serde_json::from_str(o.text("backend_register").unwrap()).unwrap();
    assert_eq!(register, json!({"next_run": 31, "exponent": 1, "last_success": 20}));
}

#[test]
fn an_edit_taken_back_after_a_failure_is_work() {
    let done = sync(&object(), 20, Outcome::Succeeded);
    let mut edited = done.clone();
    edited.intent.spec = SpecHash::of(&json!({"n": 2}));
    let mut back = sync(&edited, 30, failed("boom"));
    back.intent = done.intent.clone();
    assert_eq!(sync_due(&back, ME, at(30)), Due::Now, "the failed attempt may have left the backend half-way");
}

#[test]
fn acknowledging_moves_the_observed_generation_only() {
    let mut o = sync(&object(), 20, Outcome::Succeeded);
    o.meta.generation = 3;
    let new = acknowledge(&o, ME, at(30));
    assert_eq!(new.status.observed_generation, Some(3));
    assert!(new.status.conditions.iter().all(|c| c.observed_generation == Some(3)));
    assert_eq!(new.fields, o.fields);
    assert_eq!(new.status.history, o.status.history);
}

fn policy(object: &Object, second: i64, outcome: Outcome) -> Object {
    let first = object.status.of(ME).is_none_or(|own| !own.policy.ever);
    run(object, second, outcome, if first { Operation::PolicyCreate } else { Operation::PolicyUpdate })
}

/// Returns a save by an attempt that changes the object, as the engine does it.
fn changing(object: &Object, second: i64, operation: Operation) -> Object {
    let finished = Finished {
        step: "Step".to_owned(),
        operation,
        outcome: Outcome::Succeeded,
        at: at(second),
        duration: Duration::ZERO,
    };
    let mut changed = object.clone();
    mark_changed(&mut changed, finished.operation.pass(), finished.at);
    after(&changed, &finished, &context())
}

#[test]
fn each_pass_has_its_own_state_and_fields() {
    let o = policy(&object(), 20, Outcome::Succeeded);
    assert_eq!((o.text("policy_status"), &o.fields["policy_code"]), (Some("done"), &json!(1)));
    assert_eq!((o.date("policed"), o.date("updated")), (Some(at(10)), Some(at(10))));
    assert!(o.text("backend_status").is_none() && o.date("enacted").is_none());
    assert_eq!((policy_due(&o, ME, at(20)), sync_due(&o, ME, at(20))), (Due::Clean, Due::Now));
    let o = sync(&o, 30, failed("boom"));
    assert_eq!((policy_due(&o, ME, at(30)), o.text("policy_status")), (Due::Clean, Some("done")));
    assert_eq!(find(&o.status.conditions, "PolicyApplied").unwrap().status, ConditionStatus::True);
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().reason, "SyncFailed");
    let o = policy(&o, 31, Outcome::Succeeded);
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().reason, "SyncFailed", "sync is still not done");
    let o = sync(&o, 40, Outcome::Succeeded);
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().status, ConditionStatus::True);
    assert_eq!(o.date("updated"), Some(at(10)), "nobody edited it");
}

#[test]
fn each_pass_sees_what_the_other_changed() {
    let o = policy(&object(), 20, Outcome::Succeeded);
    let o = changing(&o, 30, Operation::Sync);
    assert_eq!((o.date("changed_by_step"), policy_due(&o, ME, at(30))), (Some(at(30)), Due::Now));
    assert_eq!(sync_due(&o, ME, at(30)), Due::Clean, "its own change is no news");
    let o = policy(&o, 40, Outcome::Succeeded);
    assert_eq!((policy_due(&o, ME, at(40)), sync_due(&o, ME, at(40))), (Due::Clean, Due::Clean));
    assert_eq!(o.date("policed"), Some(at(30)), "XOS: policed is the later of updated and changed_by_step");
    let o = changing(&o, 50, Operation::PolicyUpdate);
    assert_eq!((policy_due(&o, ME, at(50)), sync_due(&o, ME, at(50))), (Due::Clean, Due::Now));
    let o = sync(&o, 60, Outcome::Succeeded);
    assert_eq!((sync_due(&o, ME, at(60)), o.date("enacted")), (Due::Clean, Some(at(50))));
}

#[test]
fn a_policy_s_quiet_save_is_no_operator_s_change() {
    let mut o = policy(&object(), 20, Outcome::Succeeded);
    let to = SpecHash::of(&json!({"n": 2}));
    o.quiet_saves = vec![QuietSave { from: o.intent.spec, to, by: Pass::Policy }];
    o.intent.spec = to;
    assert_eq!((policy_due(&o, ME, at(30)), sync_due(&o, ME, at(30))), (Due::Clean, Due::Now));
    assert_eq!(sync(&o, 30, Outcome::Succeeded).date("updated"), Some(at(10)));
}

#[test]
fn another_synchronizer_keeps_to_its_own() {
    let o = sync(&object(), 20, Outcome::Succeeded);
    let finished = Finished {
        step: "Other".to_owned(),
        operation: Operation::Sync,
        outcome: failed("elsewhere"),
        at: at(30),
        duration: Duration::ZERO,
    };
    let other = settled(after(&o, &finished, &Context { synchronizer: "other", ..context() }), 30);
    assert_eq!((other.text("backend_status"), &other.fields["backend_code"]), (Some("OK"), &json!(1)));
    assert_eq!(find(&other.status.conditions, "Synced").unwrap().status, ConditionStatus::True);
    assert_eq!(find(&other.status.conditions, "other.xos.opencord.org/Synced").unwrap().message, "elsewhere");
    assert_eq!(find(&other.status.conditions, "Ready").unwrap().message, "elsewhere", "not all of it is done");
    assert_eq!(other.status.history.len(), 1);
    assert_eq!((sync_due(&other, ME, at(30)), sync_due(&other, "other", at(40))), (Due::Clean, Due::Now));
}

#[test]
fn what_is_ready_after_an_edit_in_between_says_so_of_the_edit() {
    let mut before = object();
    before.set("no_sync", json!(true));
    let mut after = held(&before, ME, Switch::NoSync, at(20));
    settle(&mut after, ME, Duties { policy: false, sync: true }, at(20));
    let mut current = before.clone();
    current.meta.generation = 2;
    let new = rebase(&before, &after, &current, ME, |_| true);
    let ready = find(&new.status.conditions, "Ready").unwrap();
    assert_eq!((ready.status, ready.observed_generation), (ConditionStatus::True, Some(2)));
    assert_eq!(new.status.observed_generation, Some(2), "kstatus looks at this one");
}

#[test]
fn times_move_with_the_stored_status_only() {
    // What was Unknown only on the way from one stored failure to the next has not changed.
    let before = sync(&object(), 20, failed("boom"));
    let mut edited = before.clone();
    edited.meta.generation = 2;
    edited.intent.spec = SpecHash::of(&json!({"n": 2}));
    settle_ready(&mut edited, at(30));
    let after = sync(&edited, 40, failed("boom"));
    let moved = |o: &Object| find(&o.status.conditions, "Ready").unwrap().last_transition_time;
    assert_eq!((moved(&before), moved(&after)), (at(20), at(40)));
    let current = Object { meta: edited.meta.clone(), intent: edited.intent.clone(), ..before.clone() };
    assert_eq!(moved(&rebase(&before, &after, &current, ME, |_| true)), at(20));
}

#[test]
fn with_what_nobody_has_anything_to_do_is_ready_until_somebody_has() {
    let o = idle(&object(), at(20));
    let ready = find(&o.status.conditions, "Ready").unwrap();
    assert_eq!((ready.status, ready.reason.as_str()), (ConditionStatus::True, "NothingToDo"));
    assert_eq!((o.status.observed_generation, idle(&o, at(30))), (Some(1), o.clone()));
    assert!(is_overstated(&o), "for one that has a step for it");
    let mut due = o.clone();
    settle(&mut due, ME, Duties { policy: false, sync: true }, at(30));
    assert_eq!(find(&due.status.conditions, "Ready").unwrap().reason, "SyncPending");
    assert_eq!(idle(&due, at(40)), due, "that decides");
    let failed = sync(&o, 30, failed("boom"));
    assert_eq!(find(&failed.status.conditions, "Ready").unwrap().reason, "SyncFailed");
    // A step that has nothing to do with it any more leaves it to nobody.
    let mut left = failed;
    settle(&mut left, ME, Duties::default(), at(40));
    assert_eq!(find(&left.status.conditions, "Ready").unwrap().reason, "SyncFailed");
    let left = idle(&left, at(50));
    assert_eq!(find(&left.status.conditions, "Ready").unwrap().reason, "NothingToDo");
    assert!(find(&left.status.conditions, "Reconciling").is_none());
}

#[test]
fn what_others_wrote_meanwhile_stays() {
    let before = sync(&object(), 20, failed("boom"));
    let done = sync(&before, 30, Outcome::Succeeded);
    let mut current = before.clone();
    current.meta.resource_version = "9".to_owned();
    current.set("oper_status", json!("up"));
    current.status.of_mut("other").sync.ever = true;
    let news = condition::News { kind: "Mirrored", status: ConditionStatus::True, reason: "R", message: "m" };
    condition::set(&mut current.status.conditions, &news, 1, at(25));
    let new = rebase(&before, &done, &current, ME, |_| true);
    assert_eq!((new.text("oper_status"), new.text("backend_status")), (Some("up"), Some("OK")));
    assert_eq!(new.meta.resource_version, "9");
    assert!(new.status.of("other").unwrap().sync.ever && new.status.of(ME).unwrap().sync.ever);
    assert!(
        find(&new.status.conditions, "Mirrored").is_some() && find(&new.status.conditions, "Reconciling").is_none()
    );
    assert_eq!(new.status.history, done.status.history);
    assert_eq!(rebase(&before, &done, &before, ME, |_| true), done, "as it was, if nobody wrote");
}

#[test]
fn a_write_whose_answer_was_lost_is_written_over_and_no_time_goes_back() {
    let before = sync(&object(), 20, Outcome::Succeeded);
    // Its own, of which it does not know that it has taken effect.
    let stored = sync(&before, 40, failed("boom"));
    let after = sync(&before, 30, Outcome::Succeeded);
    let new = rebase(&before, &after, &stored, ME, |_| true);
    for kind in ["Ready", "Synced"] {
        let (was, is) = (find(&stored.status.conditions, kind).unwrap(), find(&new.status.conditions, kind).unwrap());
        assert_eq!((was.status, is.status), (ConditionStatus::False, ConditionStatus::True), "{kind}");
        assert_eq!(is.last_transition_time, at(40), "{kind} changed no earlier than it did before");
    }
    assert_eq!((new.text("backend_status"), &new.fields["backend_code"]), (Some("OK"), &json!(1)));
}

#[test]
fn the_status_of_a_deleted_object_says_of_which_generation_it_speaks() {
    let mut o = object();
    o.meta.deleting = Some(at(20));
    o.meta.generation = 3;
    settle(&mut o, "me", Duties { policy: false, sync: true }, at(30));
    assert_eq!(o.status.observed_generation, Some(3));
}
