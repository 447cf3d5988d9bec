//! Who waits for whom, and what status says of it.
//!
//! Pure: it is given the graph of links, the objects and the time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_model::condition::{ACCEPTED, ConditionStatus, READY, find};
use xos_model::graph::{Address, Blocker, Graph, Waits};
use xos_model::{Object, ObjectKey};

use crate::clock::later;
use crate::objects::Waiting;

/// How many characters of another object's message a message quotes.
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

    /// Takes in that an object has changed. Returns the objects that no longer have to wait for it.
    pub(crate) fn changed(&mut self, graph: &Graph, object: &Object) -> BTreeSet<ObjectKey> {
        let key = object.key();
        let mut woken = self.waits.wake_for_new(graph, &key);
        if !graph.is_unsettled(&key) && object.meta.deleting.is_none() {
            woken.extend(self.waits.wake(&Blocker::Object(key)));
        }
        woken
    }

    /// Takes in that the links of an object, which waits or not, have changed: cycles through it may be gone, or be
    /// new.
    pub(crate) fn relinked(&mut self, key: &ObjectKey, is_waiting: bool) {
        self.waits.unexempt(key);
        self.may_have_cycles |= is_waiting;
    }

    /// Takes in that an object is gone. Returns the objects that waited for it.
    pub(crate) fn gone(&mut self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.waits.forget(key);
        self.waits.unexempt(key);
        self.waits.wake(&Blocker::Object(key.clone()))
    }

    /// Returns what a live object has to wait for, if anything.
    pub(crate) fn blocker(&self, graph: &Graph, key: &ObjectKey) -> Option<Blocker> {
        self.waits.find(graph, key)
    }

    /// Returns what an object that is being deleted has to wait for, if anything.
    pub(crate) fn deletion_blocker(
        &self,
        graph: &Graph,
        key: &ObjectKey,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Option<Blocker> {
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
        (blocker, waiting): (Blocker, &mut Option<Waiting>),
        now: Timestamp,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Wait {
        let deletes = is_deleting(key);
        self.may_have_cycles |= waiting.is_none_or(|waiting| waiting.is_deleting != deletes);
        self.waits.set(key, Some(blocker));
        let since = waiting.map_or(now, |waiting| waiting.since);
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

    /// Returns all objects that wait for an object, directly or through others; their status may say so.
    pub(crate) fn followers(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.waits.followers(key)
    }

    /// Returns what the status of a waiting object says.
    pub(crate) fn message(&self, key: &ObjectKey, get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>) -> Option<String> {
        let first = self.waits.blocker(key)?;
        let (root, between) = self.waits.root(key)?;
        let is_deleting = get(key).is_some_and(|object| object.meta.deleting.is_some());
        let what = if is_deleting { "the deletion of " } else { "" };
        let text = |blocker: &Blocker| name(blocker, &key.namespace);
        if between == 0 {
            return Some(format!("waits for {what}{}{}", text(first), state(first, get)));
        }
        let state = state(root, get);
        Some(format!("waits for {what}{}, which waits for {}{state}", text(first), text(root)))
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

/// Returns why an object is not done, as the end of a sentence.
fn state(blocker: &Blocker, get: &dyn Fn(&ObjectKey) -> Option<Arc<Object>>) -> String {
    let Blocker::Object(key) = blocker else { return ", which does not exist".to_owned() };
    let Some(object) = get(key) else { return String::new() };
    if object.flag("write_protect") && object.meta.deleting.is_none() {
        return ", which is write-protected".to_owned();
    }
    let ready = find(&object.status.conditions, READY);
    if ready.is_none() && object.status.synchronizers.is_empty() && object.meta.deleting.is_none() {
        return ", which nobody has synchronized yet".to_owned();
    }
    let is_false =
        |kind: &str| find(&object.status.conditions, kind).is_some_and(|c| c.status == ConditionStatus::False);
    if let Some(ready) = ready.filter(|_| is_false(ACCEPTED)) {
        return format!(", which is not accepted: {}", quote(&ready.message));
    }
    let failed = ready.filter(|ready| ready.status == ConditionStatus::False && ready.reason.ends_with("Failed"));
    failed.map_or_else(String::new, |ready| format!(", which failed: {}", quote(&ready.message)))
}

fn quote(message: &str) -> String {
    message.chars().take(QUOTED).collect()
}
