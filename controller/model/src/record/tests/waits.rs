//! What an object waits for, and what holds it back.

use super::*;

#[test]
fn a_wait_says_for_what_and_a_switch_which() {
    let message = "waits for Site mysite, which failed: no route".to_owned();
    let wait = Wait { reason: "WaitingForDependency", message };
    let o = waiting(&object(), ME, Pass::Sync, &wait, at(20));
    let synced = find(&o.status.conditions, "Synced").unwrap();
    assert_eq!(
        (synced.reason.as_str(), synced.message.as_str()),
        ("WaitingForDependency", "waits for Site mysite, which failed: no route")
    );
    assert_eq!(sync_due(&o, ME, at(20)), Due::Now, "a wait is no attempt");
    assert_eq!(waiting(&o, ME, Pass::Sync, &wait, at(30)), o, "the same again writes nothing");
    let mut o = held(&o, ME, Switch::NoSync, at(30));
    o.set("no_sync", json!(true));
    settle(&mut o, ME, Duties { policy: false, sync: true }, at(30));
    let ready = find(&o.status.conditions, "Ready").unwrap();
    assert_eq!(
        (ready.status, ready.message.as_str()),
        (ConditionStatus::True, "spec.noSync is set: there is nothing to do")
    );
    assert!(find(&o.status.conditions, "Reconciling").is_none());
    o.set("no_sync", json!(false));
    let o = sync(&o, 40, Outcome::Succeeded);
    assert_eq!(find(&o.status.conditions, "Ready").unwrap().status, ConditionStatus::True);
}

#[test]
fn a_switch_is_no_reason_to_wait_unless_it_holds_something_back() {
    let switched = |mut o: Object, spec: &serde_json::Value| {
        o.set("no_sync", json!(true));
        o.meta.generation += 1;
        o.unswitched = vec![SpecHash::of(spec)];
        o.intent.spec = SpecHash::of(&json!([spec, "switched"]));
        let mut o = held(&o, ME, Switch::NoSync, at(50));
        settle(&mut o, ME, Duties { policy: false, sync: true }, at(50));
        let ready = find(&o.status.conditions, "Ready").unwrap();
        (ready.status, ready.reason.clone(), is_misreported(&o))
    };
    let (same, other) = (json!({"n": 1}), json!({"n": 2}));
    let ready = (ConditionStatus::True, "NoSync".to_owned(), false);
    let held = (ConditionStatus::Unknown, "Held".to_owned(), false);
    assert_eq!(switched(object(), &same), ready, "it was never in the backend");
    let done = sync(&object(), 20, Outcome::Succeeded);
    assert_eq!(switched(done.clone(), &same), ready, "the backend has it as it is");
    assert_eq!(switched(done.clone(), &other), held, "the backend has it as it was");
    assert_eq!(switched(sync(&object(), 20, failed("boom")), &same), held, "it was not done");
    let mut touched = done.clone();
    touched.intent.touch = Some("1".to_owned());
    assert_eq!(switched(touched, &same), held);
    let mut changed = done;
    mark_changed(&mut changed, Pass::Policy, at(30));
    assert_eq!(switched(changed, &same), held, "the policies have changed it since");
}

#[test]
fn a_switch_that_is_cleared_is_no_reason_to_be_ready() {
    let sync_only = Duties { policy: false, sync: true };
    let both = Duties { policy: true, sync: true };
    let done = sync(&object(), 20, Outcome::Succeeded);
    for (done, duties, reason) in
        [(done.clone(), sync_only, "Succeeded"), (policy(&done, 21, Outcome::Succeeded), both, "PolicySucceeded")]
    {
        let mut o = done;
        o.set("no_sync", json!(true));
        o = held(&o, ME, Switch::NoSync, at(30));
        settle(&mut o, ME, duties, at(30));
        o.set("no_sync", json!(false));
        settle(&mut o, ME, duties, at(40));
        let ready = find(&o.status.conditions, "Ready").unwrap();
        assert_eq!((ready.status, ready.reason.as_str()), (ConditionStatus::True, reason));
        assert!(is_reported_undone(&o, ME, Pass::Sync), "the step runs again, as in XOS");
    }
}

#[test]
fn a_wait_of_the_policies_is_theirs() {
    let wait = Wait { reason: "WriteRefused", message: "no".to_owned() };
    let mut o = waiting(&object(), ME, Pass::Policy, &wait, at(20));
    settle(&mut o, ME, Duties { policy: true, sync: false }, at(20));
    let told = |kind| find(&o.status.conditions, kind).map(|one| (one.status, one.reason.as_str()));
    let refused = Some((ConditionStatus::False, "WriteRefused"));
    assert_eq!((told("Ready"), told("PolicyApplied"), told("Synced")), (refused, refused, None));
}
