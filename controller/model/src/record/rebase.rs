//! What an attempt left, on an object that somebody else changed meanwhile.

use super::conditions::{kind, own_kind};
use super::fields;
use super::ready::settle_ready;
use crate::client::CLIENTS;
use crate::condition::{self, Condition, READY};
use crate::intent::Pass;
use crate::object::Object;
use crate::status::Bookkeeping;

/// Returns `current` with the changes from `before` to `after`: the changed fields of status (`is_status` selects
/// them), the values of properties, the synchronizer's own entry of bookkeeping, the passes of clients that were changed, conditions that were set or cleared, and
/// new entries of history. What others wrote stays.
pub fn rebase(
    before: &Object,
    after: &Object,
    current: &Object,
    synchronizer: &str,
    is_status: impl Fn(&str) -> bool,
) -> Object {
    let mut new = current.clone();
    // The API server has none: an object that was just read says nothing of the Secrets that it uses.
    new.intent.secrets = new.intent.secrets.or(after.intent.secrets);
    // An id stays for ever.
    new.status.id = new.status.id.or(after.status.id);
    let names = before.fields.keys().chain(after.fields.keys());
    for name in names.filter(|name| is_status(name) && before.fields.get(name) != after.fields.get(name)) {
        new.set(name, after.fields.get(name).cloned().unwrap_or_default());
    }
    if before.status.properties != after.status.properties || before.status.properties_of != after.status.properties_of
    {
        new.status.properties.clone_from(&after.status.properties);
        new.status.properties_of.clone_from(&after.status.properties_of);
    }
    if let Some(own) = after.status.of(synchronizer) {
        *new.status.of_mut(synchronizer) = own.clone();
    }
    let by_clients = if synchronizer == CLIENTS { vec![] } else { rebase_clients(before, after, &mut new) };
    rebase_conditions(&before.status.conditions, &after.status.conditions, &mut new.status.conditions);
    if after.status.of(synchronizer).is_some() {
        for pass in [Pass::Policy, Pass::Sync] {
            take_own(after, &mut new, pass, synchronizer);
        }
    }
    by_clients.into_iter().for_each(|pass| take_own(after, &mut new, pass, CLIENTS));
    let fresh = after.status.history.iter().filter(|line| !before.status.history.contains(line));
    for line in fresh.collect::<Vec<_>>().into_iter().rev() {
        new.status.remember(line.clone());
    }
    new.status.observed_generation = after.status.observed_generation.max(current.status.observed_generation);
    // What others have done meanwhile may make it another one. They may have written it a moment later.
    let told = condition::find(&new.status.conditions, READY).map(|ready| ready.last_transition_time);
    let written = after.status.conditions.iter().map(|one| one.last_transition_time).max();
    if let Some(at) = written.max(told) {
        settle_ready(&mut new, at);
    }
    condition::keep_times(&current.status.conditions, &mut new.status.conditions);
    new
}

/// Takes the passes that one who works through XOS's API has changed, and returns them: its step and its policies may be at
/// work at the same time.
fn rebase_clients(before: &Object, after: &Object, new: &mut Object) -> Vec<Pass> {
    let Some(own) = after.status.of(CLIENTS) else { return vec![] };
    let none = Bookkeeping::default();
    let then = before.status.of(CLIENTS).unwrap_or(&none);
    let has_synced = (&own.sync, &own.delete) != (&then.sync, &then.delete);
    let has_policed = (&own.policy, &own.delete_policy) != (&then.policy, &then.delete_policy);
    if has_synced || has_policed {
        let there = new.status.of_mut(CLIENTS);
        if has_synced {
            (there.sync, there.delete) = (own.sync.clone(), own.delete.clone());
        }
        if has_policed {
            (there.policy, there.delete_policy) = (own.policy.clone(), own.delete_policy.clone());
        }
    }
    let passes = [(Pass::Policy, has_policed), (Pass::Sync, has_synced)];
    passes.into_iter().filter_map(|(pass, is_changed)| is_changed.then_some(pass)).collect()
}

/// Takes what a synchronizer tells of its own pass, whether it has changed that or not: the current state may be of a
/// write of its own whose answer was lost.
fn take_own(after: &Object, new: &mut Object, pass: Pass, synchronizer: &str) {
    let own = own_kind(after, pass, synchronizer);
    if own_kind(new, pass, synchronizer) != own {
        return;
    }
    replace(&after.status.conditions, &mut new.status.conditions, &own);
    if own == kind(pass, true, synchronizer) {
        for name in fields::of(pass) {
            match after.fields.get(name) {
                Some(value) => new.set(name, value.clone()),
                None => drop(new.fields.remove(name)),
            }
        }
    }
}

/// Replaces a condition.
fn replace(after: &[Condition], new: &mut Vec<Condition>, kind: &str) {
    match (condition::find(after, kind), new.iter_mut().find(|one| one.kind == kind)) {
        (Some(ours), Some(one)) => one.clone_from(ours),
        (Some(ours), None) => new.push(ours.clone()),
        (None, _) => condition::clear(new, kind),
    }
}

fn rebase_conditions(before: &[Condition], after: &[Condition], new: &mut Vec<Condition>) {
    for cleared in before.iter().filter(|old| condition::find(after, &old.kind).is_none()) {
        condition::clear(new, &cleared.kind);
    }
    for changed in after.iter().filter(|one| condition::find(before, &one.kind) != Some(one)) {
        replace(after, new, &changed.kind);
    }
}
