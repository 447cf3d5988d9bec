//! What an attempt left, on an object that somebody else changed meanwhile.

use super::conditions::{kind, own_kind};
use super::fields;
use super::ready::settle_ready;
use crate::condition::{self, Condition, READY};
use crate::intent::Pass;
use crate::object::Object;
use crate::status::Bookkeeping;

/// Returns `current` with the changes from `before` to `after`: the changed fields of status (`is_status` selects
/// them), the values of properties, the synchronizer's own entry of bookkeeping and others that were changed, conditions that were set or cleared, and
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
    // Of one that works through XOS's API, too: it was changed only if that has saved.
    let is_changed = |own: &&Bookkeeping| before.status.of(&own.name) != Some(*own);
    let written = after.status.synchronizers.iter().filter(|own| own.name == synchronizer || is_changed(own));
    let written: Vec<_> = written.cloned().collect();
    for own in &written {
        *new.status.of_mut(&own.name) = own.clone();
    }
    rebase_conditions(&before.status.conditions, &after.status.conditions, &mut new.status.conditions);
    for own in &written {
        for pass in [Pass::Policy, Pass::Sync] {
            take_own(after, &mut new, pass, &own.name);
        }
    }
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
