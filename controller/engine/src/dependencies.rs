//! Who waits for whom, and what status says of it.
//!
//! Pure: it is given the graph of links, the objects and the time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_model::condition::{ACCEPTED, ConditionStatus, READY, find};
use xos_model::graph::{self as waits, Address, Blocker, Graph, Standing, Waits};
use xos_model::{Object, ObjectKey};
use xos_xproto::plural::plural;

use crate::clock::later;
use crate::objects::Waiting;

/// How many characters of other objects' messages a message quotes.
const QUOTED: usize = 200;

/// The objects that wait for others.
pub(crate) struct Dependencies {
    waits: Waits,
    /// Whether an object began to wait, or began to wait for others, since cycles were last looked for.
    may_have_cycles: bool,
    /// How long an object waits before its status says so.
    report_after: Duration,
}

/// What to do with an object that has to wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Look again at this time, if nothing wakes it before.
    Until(Timestamp),
    /// It has waited long enough: status is to say so. The objects of cycles, which no longer wait for each other, are
    /// to be looked at again.
    Report(Vec<ObjectKey>),
}

impl Dependencies {
    pub(crate) fn new(report_after: Duration) -> Self {
        Self { waits: Waits::default(), may_have_cycles: false, report_after }
    }

    /// Takes in that an object has changed. Returns the objects that no longer have to wait for it, and those that may
    /// have something else to do or to say.
    pub(crate) fn changed(&mut self, graph: &Graph, object: &Object, is_relinked: bool) -> Woken {
        let key = object.key();
        let mut woken = Woken::default();
        woken.add(self.waits.wake_for_new(graph, &key));
        // Those that are named in status, and those that wait for another end of it than it takes.
        woken.again.extend(self.waits.followers(&key));
        if object.meta.deleting.is_some() {
            woken.again.extend(self.waits.waiters(&key, false).cloned());
        } else {
            woken.again.extend(self.waits.waiters(&key, true).cloned());
            if graph.standing(&key) == Some(Standing::Settled) {
                woken.add(self.waits.wake(&Blocker::Object(key.clone())));
            }
        }
        // It goes with what is being deleted.
        if is_relinked {
            woken.again.extend(graph.leaving(&key));
        }
        woken
    }

    /// Takes in that the links of an object, which waits or not, have changed: cycles through it may be gone, or be
    /// new.
    pub(crate) fn relinked(&mut self, key: &ObjectKey, is_waiting: bool) {
        self.waits.unexempt(key);
        self.may_have_cycles |= is_waiting;
    }

    /// Takes in that an object is gone. Returns the objects that waited for it, and those that now lead nowhere.
    pub(crate) fn gone(&mut self, graph: &Graph, key: &ObjectKey) -> Woken {
        self.waits.forget(key);
        self.waits.unexempt(key);
        let mut woken = Woken::default();
        woken.add(self.waits.wake(&Blocker::Object(key.clone())));
        woken.again.extend(graph.cascade(key));
        woken
    }

    /// Returns all that a live object has to wait for.
    pub(crate) fn blockers(&self, graph: &Graph, key: &ObjectKey) -> Vec<Blocker> {
        self.waits.find(graph, key)
    }

    /// Returns all that an object which is being deleted has to wait for.
    pub(crate) fn deletion_blockers(
        &self,
        graph: &Graph,
        key: &ObjectKey,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Vec<Blocker> {
        self.waits.find_deleting(graph, key, is_deleting)
    }

    /// Takes in that an object does not have to wait.
    pub(crate) fn proceed(&mut self, key: &ObjectKey) {
        self.waits.forget(key);
    }

    /// Takes in that an object has to wait, since when, and for what. Returns what to do with it.
    pub(crate) fn wait(
        &mut self,
        graph: &Graph,
        key: &ObjectKey,
        (blockers, waiting): (Vec<Blocker>, &mut Option<Waiting>),
        now: Timestamp,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Wait {
        let deletes = is_deleting(key);
        self.may_have_cycles |= waiting.is_none_or(|waiting| waiting.is_deleting != deletes);
        self.waits.set(key, blockers, deletes);
        // Not since a time that is still to come: the clock was ahead then.
        let since = waiting.map_or(now, |waiting| waiting.since.min(now));
        *waiting = Some(Waiting { since, is_deleting: deletes });
        let until = later(since, self.report_after);
        if now < until {
            return Wait::Until(until);
        }
        if !std::mem::take(&mut self.may_have_cycles) {
            return Wait::Report(vec![]);
        }
        let cycles = self.waits.break_cycles(graph, is_deleting);
        for cycle in &cycles {
            let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
            let cycle = names.join(" → ");
            tracing::warn!(cycle, "objects depend on each other in a cycle: they are reconciled in any order");
        }
        Wait::Report(cycles.into_iter().flatten().collect())
    }

    /// Returns the live objects that wait for an object.
    pub(crate) fn waiters(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        self.waits.waiters(key, false).cloned().collect()
    }

    /// Returns by when an object that waits is to be looked at again, as one of its blockers is done: a count in its
    /// status need not be newer than that.
    pub(crate) fn told_by(&self, now: Timestamp) -> Timestamp {
        later(now, self.report_after)
    }

    /// Returns what the status of a waiting object says: it names the first blockers, and counts the others.
    pub(crate) fn message(&self, key: &ObjectKey, get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>) -> Option<String> {
        let (named, others) = self.waits.named(key);
        if named.is_empty() {
            return None;
        }
        let is_deleting = |key: &ObjectKey| get(key).is_some_and(|object| object.meta.deleting.is_some());
        let deletes = is_deleting(key);
        let quoted = QUOTED / (named.len() + others.len());
        let tell = |first: &Blocker| {
            let first_name = name(first, &key.namespace);
            let is_end = matches!(first, Blocker::Object(other) if is_deleting(other) != deletes);
            let root = if is_end { first } else { self.waits.root(first) };
            if root == first {
                return format!("{first_name}{}", state(first, deletes, get, quoted));
            }
            format!("{first_name}, which waits for {}{}", name(root, &key.namespace), state(root, deletes, get, quoted))
        };
        let mut parts: Vec<_> = named.into_iter().map(tell).collect();
        parts.extend(others.iter().map(|(class, count)| match count {
            1 => format!("1 more {class}"),
            _ => format!("{count} more {}", plural(class)),
        }));
        let what = if deletes { "the deletion of " } else { "" };
        Some(format!("waits for {what}{}", list(&parts)))
    }
}

/// Returns `a`, `a; and b`, or `a; b; and c`: the parts have commas of their own.
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{}; and {last}", all.join("; ")),
    }
}

/// The objects that a change of another one wakes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    /// They do not wait any more.
    pub(crate) free: BTreeSet<ObjectKey>,
    /// They are to be looked at again: there may be something else to do or to say.
    pub(crate) again: BTreeSet<ObjectKey>,
    /// They wait for one object less, which their status may say a little later.
    pub(crate) fewer: BTreeSet<ObjectKey>,
}

impl Woken {
    fn add(&mut self, waits::Woken { free, waiting }: waits::Woken) {
        self.free.extend(free);
        self.fewer.extend(waiting);
    }
}

/// Returns `Site mysite`; with the namespace, if it is another one.
fn name(blocker: &Blocker, here: &str) -> String {
    let (class, namespace, name) = match blocker {
        Blocker::Object(ObjectKey { model, namespace, name }) => (model, namespace, name),
        Blocker::Missing(Address { class, namespace, name }) => (class, namespace, name),
    };
    if namespace.as_ref() == here { format!("{class} {name}") } else { format!("{class} {namespace}/{name}") }
}

/// Returns why an object is not done, as the end of a sentence. `deletes`: who waits is being deleted.
fn state(blocker: &Blocker, deletes: bool, get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>, quoted: usize) -> String {
    let Blocker::Object(key) = blocker else { return ", which does not exist".to_owned() };
    let Some(object) = get(key) else { return String::new() };
    let quote = |message: &str| message.chars().take(quoted).collect::<String>();
    let ready = find(&object.status.conditions, READY);
    let is_false =
        |kind: &str| find(&object.status.conditions, kind).is_some_and(|c| c.status == ConditionStatus::False);
    if object.meta.deleting.is_some() && !deletes {
        let why = ready.filter(|_| is_false(READY)).map(|ready| format!(": {}", quote(&ready.message)));
        return format!(", which is being deleted{}", why.unwrap_or_default());
    }
    if deletes && object.flag("write_protect") && object.meta.deleting.is_none() {
        return ", which is write-protected".to_owned();
    }
    if ready.is_none() && object.status.synchronizers.is_empty() && object.meta.deleting.is_none() {
        return ", which nobody has synchronized yet".to_owned();
    }
    if let Some(ready) = ready.filter(|_| is_false(ACCEPTED)) {
        return format!(", which is not accepted: {}", quote(&ready.message));
    }
    let failed = ready.filter(|ready| ready.status == ConditionStatus::False && ready.reason.ends_with("Failed"));
    failed.map_or_else(String::new, |ready| format!(", which failed: {}", quote(&ready.message)))
}
