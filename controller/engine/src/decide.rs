//! What is to be done with an object: a pure function of its state and the time.

use jiff::Timestamp;
use xos_model::condition::find;
use xos_model::deletion::{Deletion, deletion_due};
use xos_model::dirty::{Due, Switch, is_in_doubt, policy_due, sync_due};
use xos_model::record::is_told;
use xos_model::{Object, Operation, Pass};

use crate::doubts::Doubt;
use crate::registry::Finalizers;

/// What a synchronizer has to do with the objects of a model.
#[derive(Clone, Copy, Debug)]
pub struct Duty<'a> {
    /// The synchronizer.
    pub synchronizer: &'a str,
    /// Whether it has a sync step for the object.
    pub syncs: bool,
    /// Whether it has policies for the model.
    pub has_policies: bool,
    /// How it holds the object on deletion.
    pub finalizers: &'a Finalizers,
    /// What may have been tried and was not recorded.
    pub doubt: Doubt,
}

/// What is to be done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing, until it changes.
    Nothing,
    /// Nothing before this time.
    WaitUntil(Timestamp),
    /// Run what is due: policies first. The step must not run before what the object depends on is done.
    Handle {
        /// The policies' handlers.
        policy: Option<Operation>,
        /// The sync step.
        sync: bool,
    },
    /// Take hold of the object, so that what cascades from it goes before it does.
    Hold,
    /// Only let status speak of the present generation.
    Acknowledge,
    /// Only let status speak of the switch that holds the object back.
    Show(Switch),
    /// Once what cascades is gone: run what is due on deletion, then let the object go.
    Delete {
        /// The policies' delete handlers.
        policy: bool,
        /// The delete step.
        sync: bool,
    },
}

/// The plan for an object.
pub fn decide(object: &Object, duty: &Duty<'_>, now: Timestamp) -> Plan {
    if object.meta.deleting.is_some() {
        return decide_deletion(object, duty, now);
    }
    let policy = if duty.has_policies { policy_due(object, duty.synchronizer, now) } else { Due::Clean };
    let sync = if duty.syncs { sync_due(object, duty.synchronizer, now) } else { Due::Clean };
    let policy = again(policy, duty.has_policies && duty.doubt.policy, object, duty, Pass::Policy);
    let sync = again(sync, duty.syncs && duty.doubt.sync, object, duty, Pass::Sync);
    if policy == Due::Now || sync == Due::Now {
        let policy = (policy == Due::Now).then(|| handler(object, duty.synchronizer));
        return Plan::Handle { policy, sync: sync == Due::Now };
    }
    if let Some(at) = earliest(policy, sync) {
        return Plan::WaitUntil(at);
    }
    if duty.finalizers.links.as_ref().is_some_and(|links| !object.has_finalizer(links)) {
        return Plan::Hold;
    }
    if !duty.syncs && !duty.has_policies {
        return Plan::Nothing;
    }
    match (sync, policy) {
        (Due::Held(switch), _) | (_, Due::Held(switch)) => {
            if is_shown(object, switch) {
                Plan::Nothing
            } else {
                Plan::Show(switch)
            }
        }
        _ if object.status.observed_generation != Some(object.meta.generation) => Plan::Acknowledge,
        _ if sync == Due::Clean && is_in_doubt(object, duty.synchronizer, Pass::Sync) => Plan::Acknowledge,
        _ if policy == Due::Clean && is_in_doubt(object, duty.synchronizer, Pass::Policy) => Plan::Acknowledge,
        _ => Plan::Nothing,
    }
}

/// A pass with nothing new runs nevertheless where that may not be true of the backend, and where status says that it was not run.
fn again(due: Due, in_doubt: bool, object: &Object, duty: &Duty<'_>, pass: Pass) -> Due {
    let runs = due == Due::Clean && (in_doubt || is_told(object, duty.synchronizer, pass));
    if runs { Due::Now } else { due }
}

/// XOS: the create handler until the policies first succeed.
fn handler(object: &Object, synchronizer: &str) -> Operation {
    let ever = object.status.of(synchronizer).is_some_and(|own| own.policy.ever);
    if ever { Operation::PolicyUpdate } else { Operation::PolicyCreate }
}

fn earliest(policy: Due, sync: Due) -> Option<Timestamp> {
    let at = |due| if let Due::NotBefore(at) = due { Some(at) } else { None };
    [policy, sync].into_iter().filter_map(at).min()
}

fn is_shown(object: &Object, switch: Switch) -> bool {
    let ready = find(&object.status.conditions, "Ready");
    ready.is_some_and(|ready| ready.reason == "Held" && ready.message.contains(switch.as_str()))
        && object.status.observed_generation == Some(object.meta.generation)
}

fn decide_deletion(object: &Object, duty: &Duty<'_>, now: Timestamp) -> Plan {
    let due = |finalizer: &Option<String>, operation| match finalizer {
        Some(finalizer) => deletion_due(object, duty.synchronizer, finalizer, operation, now),
        None => Deletion::NotHeld,
    };
    let policy = due(&duty.finalizers.policy, Operation::PolicyDelete);
    let sync = due(&duty.finalizers.sync, Operation::Delete);
    let run = |deletion| deletion == Deletion::RunStep;
    if run(policy) || run(sync) {
        return Plan::Delete { policy: run(policy), sync: run(sync) };
    }
    let at = |deletion| if let Deletion::NotBefore(at) = deletion { Some(at) } else { None };
    if let Some(at) = [policy, sync].into_iter().filter_map(at).min() {
        return Plan::WaitUntil(at);
    }
    let is_held = duty.finalizers.links.as_ref().is_some_and(|links| object.has_finalizer(links));
    if is_held { Plan::Delete { policy: false, sync: false } } else { Plan::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::object;
    use serde_json::json;

    fn finalizers() -> Finalizers {
        Finalizers { sync: Some("s".to_owned()), policy: Some("p".to_owned()), links: None }
    }

    fn plan(o: &Object, syncs: bool, has_policies: bool) -> Plan {
        let duty = Duty { synchronizer: "me", syncs, has_policies, finalizers: &finalizers(), doubt: Doubt::default() };
        decide(o, &duty, Timestamp::from_second(100).unwrap())
    }

    fn later() -> Timestamp {
        Timestamp::from_second(160).unwrap()
    }

    #[test]
    fn plans_of_live_objects() {
        let new = object("a");
        let both = Plan::Handle { policy: Some(Operation::PolicyCreate), sync: true };
        assert_eq!(plan(&new, true, true), both);
        assert_eq!(plan(&new, true, false), Plan::Handle { policy: None, sync: true });
        assert_eq!(plan(&new, false, true), Plan::Handle { policy: Some(Operation::PolicyCreate), sync: false });
        assert_eq!(plan(&new, false, false), Plan::Nothing);

        let mut done = new.clone();
        let own = done.status.of_mut("me");
        (own.sync.handled, own.policy.handled) = (Some(new.intent.clone()), Some(new.intent.clone()));
        own.policy.ever = true;
        assert_eq!(plan(&done, true, true), Plan::Acknowledge);
        done.status.observed_generation = Some(done.meta.generation);
        assert_eq!(plan(&done, true, true), Plan::Nothing);

        let mut changed = done.clone();
        changed.set("changed_by_step", json!("2026-01-01T00:00:00Z"));
        let update = Plan::Handle { policy: Some(Operation::PolicyUpdate), sync: false };
        assert_eq!(plan(&changed, true, true), update);

        let mut failed = done.clone();
        let state = &mut failed.status.of_mut("me").sync;
        (state.handled, state.attempted, state.next_attempt) = (None, Some(new.intent.clone()), Some(later()));
        assert_eq!(plan(&failed, true, true), Plan::WaitUntil(later()));

        let mut held = new.clone();
        held.set("no_sync", json!(true));
        assert_eq!(plan(&held, true, true), Plan::Handle { policy: Some(Operation::PolicyCreate), sync: false });
        assert_eq!(plan(&held, true, false), Plan::Show(Switch::NoSync));
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
        o.status.of_mut("me").delete = Some(failed.clone());
        assert_eq!(plan(&o, true, true), Plan::Delete { policy: true, sync: false });
        o.status.of_mut("me").delete_policy = Some(failed);
        assert_eq!(plan(&o, true, true), Plan::WaitUntil(later()));
    }

    #[test]
    fn a_peer_without_a_step_is_held_for_what_cascades() {
        let links = Finalizers { links: Some("l".to_owned()), ..Finalizers::default() };
        let duty =
            Duty { synchronizer: "me", syncs: false, has_policies: false, finalizers: &links, doubt: Doubt::default() };
        let mut o = object("a");
        assert_eq!(decide(&o, &duty, later()), Plan::Hold);
        o.meta.finalizers = vec!["l".to_owned()];
        assert_eq!(decide(&o, &duty, later()), Plan::Nothing);
        o.meta.deleting = Some(later());
        assert_eq!(decide(&o, &duty, later()), Plan::Delete { policy: false, sync: false });
    }
}
