//! Synchronizers that work through XOS's API: what they save of an object, as the bookkeeping of a synchronizer.
//!
//! They say by times that they have handled an object: `enacted` and `policed` are `updated`, as they have read it. Times
//! of metadata are whole seconds, and two edits may have the same. So what they are told is another time for each
//! intent, within the second: by that it is known which one they have handled.

use jiff::{Span, Timestamp};

use crate::backoff::Backoff;
use crate::dirty::{Due, policy_due, sync_due};
use crate::fields::Fields;
use crate::intent::{Intent, Pass, is_handled};
use crate::names::{policy_finalizer, sync_finalizer};
use crate::object::Object;
use crate::outcome::{Finished, Operation, Outcome};
use crate::record::{self, Context};

/// The name of their bookkeeping and their finalizers: one of them looks after a model.
pub const CLIENTS: &str = "xos-api";

/// The bookkeeping that they write. All else of it is the framework's.
pub const WRITTEN: [&str; 5] =
    ["enacted", "policed", "backend_need_delete", "backend_need_delete_policy", "backend_need_reap"];

/// What they say of the sync step, and of policies.
const OF_SYNC: [&str; 4] = ["enacted", "backend_code", "backend_status", "backend_register"];
const OF_POLICY: [&str; 3] = ["policed", "policy_code", "policy_status"];

/// Returns when an operator last changed an object, as clients are told. What a synchronizer of the framework has handled was
/// changed when that says so: the clock of the API server may be another one.
pub fn updated(object: &Object) -> Option<Timestamp> {
    let of_framework = |pass| object.status.owner(pass).filter(|own| own.name != CLIENTS);
    let is_handled = |pass| of_framework(pass).is_some_and(|own| is_clean(object, &own.name, pass));
    if is_handled(Pass::Sync) || is_handled(Pass::Policy) {
        return object.date("updated").or(object.meta.created);
    }
    if of_framework(Pass::Sync).or(of_framework(Pass::Policy)).is_some() {
        return object.date("updated").max(object.meta.edited).max(object.meta.created);
    }
    told(object, &object.intent)
}

/// Returns the time that stands for an intent of an object.
fn told(object: &Object, intent: &Intent) -> Option<Timestamp> {
    let edited = object.meta.edited.max(object.meta.created)?;
    let second = Timestamp::from_second(edited.as_second()).unwrap_or(edited);
    Some(second.checked_add(Span::new().microseconds(intent.microseconds())).unwrap_or(second))
}

/// Returns whether a synchronizer has nothing left to do for an object.
pub fn is_clean(object: &Object, synchronizer: &str, pass: Pass) -> bool {
    let due = if pass == Pass::Policy { policy_due } else { sync_due };
    due(object, synchronizer, Timestamp::MAX) == Due::Clean
}

/// Returns whether a pass is due for an object, for a client that asks. The switches are not looked at.
pub fn is_due(object: &Object, pass: Pass) -> bool {
    match object.status.owner(pass) {
        Some(own) => !is_clean(object, &own.name, pass),
        // Nobody has ever handled it.
        None => true,
    }
}

/// Returns whether the policies of clients have still to handle the deletion of an object.
pub fn is_policy_held(object: &Object) -> bool {
    object.has_finalizer(&policy_finalizer(CLIENTS))
}

/// Returns whether a time says that the present intent was handled: it is the one that is told of it, or of one from which
/// only quiet saves lead here.
fn stands_for_present(object: &Object, pass: Pass, done: Timestamp) -> bool {
    let present = &object.intent;
    let saved = object.quiet_saves.iter().map(|save| Intent { spec: save.from, ..present.clone() });
    let mut intents = saved.chain([present.clone()]);
    let changed = object.date(if pass == Pass::Policy { "changed_by_step" } else { "changed_by_policy" });
    intents.any(|intent| {
        told(object, &intent).max(changed) == Some(done) && is_handled(&intent, present, &object.quiet_saves, pass)
    })
}

/// Returns an object with what a client saves of its status: the fields, and what follows from them for the passes.
/// `changed` are the fields of status that differ, null for those that are unset; `who` saves, in a pass.
pub fn saved(object: &Object, changed: &Fields, (who, by): (&str, Pass), now: Timestamp) -> Object {
    let mut new = object.clone();
    for (pass, names) in [(Pass::Sync, &OF_SYNC[..]), (Pass::Policy, &OF_POLICY[..])] {
        if !names.iter().any(|name| changed.contains_key(name)) {
            continue;
        }
        if let Some(outcome) = outcome(object, changed, pass) {
            let operation = operation(object, pass);
            let finished =
                Finished { step: who.to_owned(), operation, outcome, at: now, duration: std::time::Duration::ZERO };
            let context = Context { synchronizer: CLIENTS, backoff: Backoff::default(), unit: 0.0 };
            new = record::after(&new, &finished, &context);
        } else {
            // It has handled what the object was before: that it was tried is all that is known.
            new = record::tried_before(&new, CLIENTS);
        }
    }
    if changed.keys().any(|name| record::is_news(name)) {
        record::mark_changed(&mut new, by, now);
    }
    // What it says stands as it says it.
    for (name, value) in changed {
        new.set(name, value.clone());
    }
    record::settle_ready(&mut new, now);
    new
}

/// Returns how a pass has ended, by what a client says; nothing if it has handled something else than what is there now.
fn outcome(object: &Object, changed: &Fields, pass: Pass) -> Option<Outcome> {
    let [done, code, status] = if pass == Pass::Policy {
        ["policed", "policy_code", "policy_status"]
    } else {
        ["enacted", "backend_code", "backend_status"]
    };
    let text = |name: &str| changed.get(name).and_then(|value| value.as_str());
    if let Some(done) = text(done).and_then(|text| text.parse().ok()) {
        let is_present = object.meta.deleting.is_some() || stands_for_present(object, pass, done);
        return is_present.then_some(Outcome::Succeeded);
    }
    let message = text(status).or_else(|| object.text(status)).unwrap_or_default().to_owned();
    match changed.get(code).and_then(serde_json::Value::as_i64) {
        Some(0) => Some(Outcome::Deferred(message)),
        Some(1) => Some(Outcome::Innocuous(message)),
        _ => Some(Outcome::Failed(message)),
    }
}

fn operation(object: &Object, pass: Pass) -> Operation {
    match (pass, object.meta.deleting.is_some()) {
        (Pass::Policy, true) => Operation::PolicyDelete,
        (Pass::Policy, false) if object.date("policed").is_none() => Operation::PolicyCreate,
        (Pass::Policy, false) => Operation::PolicyUpdate,
        (_, true) => Operation::Delete,
        (_, false) => Operation::Sync,
    }
}

/// Returns the finalizers that an object has after a client has saved this of its status. The sync step holds it from its
/// first attempt on, until the client says that it may be reaped; policies until they have handled its deletion.
pub fn finalizers(object: &Object, changed: &Fields) -> Vec<String> {
    let (sync, policy) = (sync_finalizer(CLIENTS), policy_finalizer(CLIENTS));
    let mut all = object.meta.finalizers.clone();
    let is_set = |name: &str| changed.get(name) == Some(&serde_json::Value::Bool(true));
    let says = |names: &[&str]| names.iter().any(|name| changed.get(name).is_some_and(|value| !value.is_null()));
    if object.meta.deleting.is_some() {
        let (is_reaped, is_policed) = (is_set("backend_need_reap"), changed.contains_key("policed"));
        let is_done = |one: &String| (is_reaped && *one == sync) || (is_policed && *one == policy);
        all.retain(|one| !is_done(one));
        return all;
    }
    let syncs = is_set("backend_need_delete") || says(&OF_SYNC);
    let has_policies = is_set("backend_need_delete_policy") || says(&OF_POLICY);
    for (finalizer, is_needed) in [(sync, syncs), (policy, has_policies)] {
        if is_needed && !all.contains(&finalizer) {
            all.push(finalizer);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::condition::{self, ConditionStatus, READY};
    use crate::intent::{QuietSave, SpecHash};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn object() -> Object {
        let mut object = Object::named("M", "n", "a");
        object.meta.created = Some(at(100));
        object.meta.edited = Some(at(100));
        object.meta.generation = 1;
        object
    }

    fn done(object: &Object) -> Fields {
        let enacted = updated(object).unwrap().to_string();
        [("enacted", json!(enacted)), ("backend_status", json!("OK")), ("backend_code", json!(1))].into()
    }

    fn ready(object: &Object) -> Option<ConditionStatus> {
        condition::find(&object.status.conditions, READY).map(|ready| ready.status)
    }

    fn edited(object: &Object, spec: &str) -> Object {
        let mut new = object.clone();
        new.intent.spec = SpecHash::of(&Value::from(spec));
        new.meta.generation += 1;
        new
    }

    #[test]
    fn an_object_is_due_until_its_present_intent_is_handled() {
        let new = object();
        assert!(is_due(&new, Pass::Sync) && is_due(&new, Pass::Policy));
        let synced = saved(&new, &done(&new), ("client", Pass::Sync), at(101));
        assert!(!is_due(&synced, Pass::Sync) && is_due(&synced, Pass::Policy));
        assert_eq!((synced.text("backend_status"), ready(&synced)), (Some("OK"), Some(ConditionStatus::True)));
        assert_eq!(synced.date("enacted"), updated(&synced), "the client finds it done, too");

        // Edited within the same second: it is another time.
        let again = edited(&synced, "b");
        assert!(is_due(&again, Pass::Sync) && updated(&again) != updated(&synced));
        // What was handled is what the client had read, and not what is there now.
        let late = saved(&again, &done(&synced), ("client", Pass::Sync), at(102));
        assert!(is_due(&late, Pass::Sync));
        assert!(!is_due(&saved(&late, &done(&late), ("client", Pass::Sync), at(103)), Pass::Sync));
    }

    #[test]
    fn its_own_quiet_saves_do_not_make_it_due_again() {
        let new = object();
        let read = done(&new);
        let mut between = edited(&new, "by the step");
        between.quiet_saves = vec![QuietSave { from: new.intent.spec, to: between.intent.spec, by: Pass::Sync }];
        let synced = saved(&between, &read, ("client", Pass::Sync), at(101));
        assert!(!is_due(&synced, Pass::Sync));
    }

    #[test]
    fn a_failure_says_why_and_stays_due() {
        let new = object();
        let failed =
            [("backend_status", json!("Provisioning in progress // no route")), ("backend_register", json!("{}"))];
        let failed = saved(&new, &failed.into(), ("client", Pass::Sync), at(101));
        let told = condition::find(&failed.status.conditions, READY).unwrap();
        assert!(is_due(&failed, Pass::Sync) && told.message.contains("no route"), "{told:?}");
        assert_eq!((failed.text("backend_register"), &failed.fields["backend_code"]), (Some("{}"), &json!(2)));
    }

    #[test]
    fn its_step_and_its_policies_may_save_at_the_same_time() {
        let new = object();
        let policed = [("policed", json!(updated(&new).unwrap().to_string())), ("policy_status", json!("done"))];
        let handled = saved(&new, &policed.into(), ("client", Pass::Policy), at(101));
        // The step has read the object before that was stored.
        let synced = saved(&new, &done(&new), ("client", Pass::Sync), at(101));
        for (first, second) in [(&handled, &synced), (&synced, &handled)] {
            let stored = record::rebase(&new, second, first, "framework", |_| true);
            assert!(!is_due(&stored, Pass::Sync) && !is_due(&stored, Pass::Policy));
            assert_eq!((stored.text("backend_status"), stored.text("policy_status")), (Some("OK"), Some("done")));
            assert_eq!(ready(&stored), Some(ConditionStatus::True));
        }
    }

    #[test]
    fn policies_are_a_pass_of_their_own() {
        let new = object();
        let policed = [("policed", json!(updated(&new).unwrap().to_string())), ("policy_status", json!("done"))];
        let handled = saved(&new, &policed.into(), ("client", Pass::Sync), at(101));
        assert!(is_due(&handled, Pass::Sync) && !is_due(&handled, Pass::Policy));
        assert_eq!(finalizers(&new, &[("policed", json!("x"))].into()), ["policy.xos.opencord.org/xos-api"]);
    }

    #[test]
    fn an_object_is_held_from_the_first_attempt_until_it_may_be_reaped() {
        let begun: Fields = [("backend_need_delete", json!(true))].into();
        let mut held = object();
        held.meta.finalizers = finalizers(&held, &begun);
        assert_eq!(held.meta.finalizers, ["sync.xos.opencord.org/xos-api"]);
        assert_eq!(finalizers(&held, &begun), held.meta.finalizers, "once");
        held.meta.deleting = Some(at(200));
        let failed: Fields = [("backend_status", json!("no"))].into();
        assert_eq!(finalizers(&held, &failed), held.meta.finalizers);
        assert_eq!(finalizers(&held, &[("backend_need_reap", json!(true))].into()), [""; 0]);
        held.meta.finalizers.push("policy.xos.opencord.org/xos-api".to_owned());
        let reaped = finalizers(&held, &[("backend_need_reap", json!(true))].into());
        assert_eq!(reaped, ["policy.xos.opencord.org/xos-api"], "its policies have still to be called");
        held.meta.finalizers = reaped;
        assert_eq!(finalizers(&held, &[("policed", json!("x"))].into()), [""; 0]);
    }
}
