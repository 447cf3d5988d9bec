//! What the engine knows of the links among objects: who waits for whom, since when, and what is said of it.
//!
//! Pure: it is given the objects and the time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use xos_model::condition::{ConditionStatus, find};
use xos_model::graph::{Address, Blocker, Graph, Waits};
use xos_model::{Object, ObjectKey};

/// How much of another object's message is told.
const TOLD: usize = 200;

/// Who waits, and since when.
pub(crate) struct Planner {
    waits: Waits,
    since: HashMap<ObjectKey, Since>,
    /// Whether somebody began to wait, or to wait for others, since cycles were last looked for.
    has_news: bool,
    /// How long an object waits before its status says so.
    patience: Duration,
}

/// Since when an object waits.
struct Since {
    at: Timestamp,
    /// For those that go before it, and not for what it depends on.
    is_deleting: bool,
}

/// What to do with an object that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Look again at this time.
    Until(Timestamp),
    /// It has waited long enough to say so; those in cycles are to be looked at again.
    Tell(Vec<ObjectKey>),
}

impl Planner {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { waits: Waits::default(), since: HashMap::new(), has_news: false, patience }
    }

    /// An object is as the graph now has it; gives those who need not wait for it any longer.
    pub(crate) fn learn(&mut self, graph: &Graph, object: &Object) -> BTreeSet<ObjectKey> {
        let key = object.key();
        let mut woken = self.waits.wake_for_new(graph, &key);
        if !graph.is_unsettled(&key) && object.meta.deleting.is_none() {
            woken.extend(self.waits.wake(&Blocker::Object(key)));
        }
        woken
    }

    /// An object's links are others than before: what is known of cycles through it no longer holds.
    pub(crate) fn relinked(&mut self, key: &ObjectKey) {
        self.waits.unexempt(key);
        self.has_news |= self.since.contains_key(key);
    }

    /// An object is gone; gives those who waited for that.
    pub(crate) fn unlearn(&mut self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.forget(key);
        self.waits.unexempt(key);
        self.waits.wake(&Blocker::Object(key.clone()))
    }

    /// Whether the object has to wait for what it depends on.
    pub(crate) fn must_wait(&mut self, graph: &Graph, key: &ObjectKey) -> bool {
        let blocker = self.waits.look(graph, key);
        self.note(key, blocker.is_some(), false)
    }

    /// Whether the object, which is being deleted, has to wait for those that go before it.
    pub(crate) fn must_wait_deleting(
        &mut self,
        graph: &Graph,
        key: &ObjectKey,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> bool {
        let blocker = self.waits.look_deleting(graph, key, is_deleting);
        self.note(key, blocker.is_some(), true)
    }

    fn note(&mut self, key: &ObjectKey, waits: bool, is_deleting: bool) -> bool {
        if waits {
            self.has_news |= self.since.get(key).is_none_or(|since| since.is_deleting != is_deleting);
            if let Some(since) = self.since.get_mut(key) {
                since.is_deleting = is_deleting;
            }
        } else {
            self.since.remove(key);
        }
        waits
    }

    /// The object waits no longer.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        self.waits.forget(key);
        self.since.remove(key);
    }

    /// What to do with an object that has to wait.
    pub(crate) fn wait(
        &mut self,
        graph: &Graph,
        key: &ObjectKey,
        now: Timestamp,
        is_deleting: impl Fn(&ObjectKey) -> bool,
    ) -> Patience {
        let first = Since { at: now, is_deleting: is_deleting(key) };
        let since = self.since.entry(key.clone()).or_insert(first).at;
        let patience = SignedDuration::try_from(self.patience).unwrap_or(SignedDuration::MAX);
        let until = since.checked_add(patience).unwrap_or(Timestamp::MAX);
        if now < until {
            return Patience::Until(until);
        }
        if !std::mem::take(&mut self.has_news) {
            return Patience::Tell(vec![]);
        }
        let cycles = self.waits.break_cycles(graph, is_deleting);
        for cycle in &cycles {
            let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
            tracing::warn!(
                cycle = names.join(" → "),
                "objects wait for each other in a circle: they are handled in any order"
            );
        }
        Patience::Tell(cycles.into_iter().flatten().collect())
    }

    /// All who wait for the object, directly or through others, and say so.
    pub(crate) fn followers(&self, key: &ObjectKey) -> BTreeSet<ObjectKey> {
        self.waits.followers(key)
    }

    /// What the status of a waiting object says.
    pub(crate) fn text<'a>(&self, key: &ObjectKey, get: impl Fn(&ObjectKey) -> Option<&'a Object>) -> Option<String> {
        let first = self.waits.blocker(key)?;
        let (root, between) = self.waits.root(key)?;
        let is_deleting = get(key).is_some_and(|object| object.meta.deleting.is_some());
        let what = if is_deleting { "the deletion of " } else { "" };
        let text = |blocker: &Blocker| name(blocker, &key.namespace);
        if between == 0 {
            return Some(format!("waits for {what}{}{}", text(first), state(first, &get)));
        }
        let state = state(root, &get);
        Some(format!("waits for {what}{}, which waits for {}{state}", text(first), text(root)))
    }
}

/// `Site mysite`; with the namespace, if it is another one.
fn name(blocker: &Blocker, here: &str) -> String {
    let (class, namespace, name) = match blocker {
        Blocker::Object(ObjectKey { model, namespace, name }) => (model, namespace, name),
        Blocker::Missing(Address { class, namespace, name }) => (class, namespace, name),
    };
    if namespace.as_ref() == here { format!("{class} {name}") } else { format!("{class} {namespace}/{name}") }
}

/// Why an object is not done.
fn state<'a>(blocker: &Blocker, get: &impl Fn(&ObjectKey) -> Option<&'a Object>) -> String {
    let Blocker::Object(key) = blocker else { return ", which does not exist".to_owned() };
    let Some(object) = get(key) else { return String::new() };
    if object.flag("write_protect") && object.meta.deleting.is_none() {
        return ", which is write-protected".to_owned();
    }
    let ready = find(&object.status.conditions, "Ready");
    if ready.is_none() && object.status.synchronizers.is_empty() && object.meta.deleting.is_none() {
        return ", which nobody has synchronized yet".to_owned();
    }
    let is_false =
        |kind: &str| find(&object.status.conditions, kind).is_some_and(|c| c.status == ConditionStatus::False);
    if let Some(ready) = ready.filter(|_| is_false("Accepted")) {
        return format!(", which is not accepted: {}", told(&ready.message));
    }
    let failed = ready.filter(|ready| ready.status == ConditionStatus::False && ready.reason.ends_with("Failed"));
    failed.map_or_else(String::new, |ready| format!(", which failed: {}", told(&ready.message)))
}

fn told(message: &str) -> String {
    message.chars().take(TOLD).collect()
}
