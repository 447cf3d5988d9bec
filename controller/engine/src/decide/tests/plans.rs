use super::*;

fn plan(o: &Object, syncs: bool, has_policies: bool) -> Plan {
    super::plan(o, &duty(syncs, has_policies, &finalizers()), Timestamp::from_second(100).unwrap())
}

#[test]
fn plans_of_live_objects() {
    let new = object("a");
    let both = Plan::Reconcile { policy: Some(Operation::PolicyCreate), sync: true };
    assert_eq!(plan(&new, true, true), both);
    assert_eq!(plan(&new, true, false), Plan::Reconcile { policy: None, sync: true });
    assert_eq!(plan(&new, false, true), Plan::Reconcile { policy: Some(Operation::PolicyCreate), sync: false });
    assert_eq!(plan(&new, false, false), Plan::Nothing);

    let mut done = new.clone();
    let own = done.status.of_mut("me");
    for state in [&mut own.sync, &mut own.policy] {
        (state.handled, state.attempted) = (Some(new.intent.clone()), Some(new.intent.clone()));
    }
    own.policy.ever = true;
    assert_eq!(plan(&done, true, true), Plan::EnsureFinalizers, "somebody took them away");
    done.meta.finalizers = vec!["s".to_owned(), "p".to_owned()];
    assert_eq!(plan(&done, true, true), Plan::Acknowledge);
    done.status.observed_generation = Some(done.meta.generation);
    assert_eq!(plan(&done, true, true), Plan::Nothing);

    let mut changed = done.clone();
    changed.set("changed_by_step", json!("2026-01-01T00:00:00Z"));
    let update = Plan::Reconcile { policy: Some(Operation::PolicyUpdate), sync: false };
    assert_eq!(plan(&changed, true, true), update);

    let mut failed = done.clone();
    let state = &mut failed.status.of_mut("me").sync;
    (state.handled, state.attempted, state.next_attempt) = (None, Some(new.intent.clone()), Some(later()));
    assert_eq!(plan(&failed, true, true), Plan::RequeueAt(later()));
    failed.meta.finalizers.pop();
    assert_eq!(plan(&failed, true, true), Plan::EnsureFinalizers, "before the next attempt");

    let mut held = new.clone();
    held.set("no_sync", json!(true));
    assert_eq!(plan(&held, true, true), Plan::Reconcile { policy: Some(Operation::PolicyCreate), sync: false });
    assert_eq!(plan(&held, true, false), Plan::ReportSwitch(Switch::NoSync));
    let shown = xos_model::record::held(&held, "me", Switch::NoSync, later());
    assert_eq!(plan(&shown, true, false), Plan::Nothing);
}

#[test]
fn plans_of_deleted_objects() {
    let mut o = object("a");
    o.meta.deleting = Some(later());
    assert_eq!(plan(&o, true, true), Plan::Nothing, "nobody here holds it");
    o.meta.finalizers = vec!["other".to_owned(), "s".to_owned()];
    assert_eq!(plan(&o, true, true), Plan::Delete { policy: false, sync: true });
    o.meta.finalizers.push("p".to_owned());
    assert_eq!(plan(&o, true, true), Plan::Delete { policy: true, sync: true });
    let failed = xos_model::PassState {
        attempted: Some(o.intent.clone()),
        next_attempt: Some(later()),
        ..xos_model::PassState::default()
    };
    o.status.of_mut("me").delete = Some(Box::new(failed.clone()));
    assert_eq!(plan(&o, true, true), Plan::Delete { policy: true, sync: false });
    o.status.of_mut("me").delete_policy = Some(Box::new(failed));
    assert_eq!(plan(&o, true, true), Plan::RequeueAt(later()));
}

#[test]
fn a_peer_without_a_step_is_held_for_what_cascades() {
    let links = Finalizers { links: Some("l".to_owned()), ..Finalizers::default() };
    let duty = duty(false, false, &links);
    let mut o = object("a");
    assert_eq!(super::plan(&o, &duty, later()), Plan::EnsureFinalizers);
    o.meta.finalizers = vec!["l".to_owned()];
    assert_eq!(super::plan(&o, &duty, later()), Plan::Nothing);
    o.meta.deleting = Some(later());
    assert_eq!(super::plan(&o, &duty, later()), Plan::Delete { policy: false, sync: false });
}
