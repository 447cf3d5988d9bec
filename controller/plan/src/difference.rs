//! What becomes of objects, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use xos_model::{Object, ObjectKey};
use xos_testing::{Change as Write, ChangeKind};
use xos_xproto::{Member, Model, ModelSet};

use crate::order::peers;
use crate::plan::{Because, FieldChange, ObjectChange, What};
use crate::world::{Change, shown};

/// What happened in the world.
pub(crate) struct Happened<'a> {
    pub(crate) before: &'a BTreeMap<ObjectKey, Object>,
    pub(crate) after: &'a BTreeMap<ObjectKey, Object>,
    /// What steps, policies and the framework wrote.
    pub(crate) changes: Vec<Write>,
    pub(crate) change: &'a Change,
}

impl Happened<'_> {
    fn is_applied(&self, key: &ObjectKey) -> bool {
        self.change.apply.iter().any(|given| given.object.key() == *key)
    }

    fn is_deleted(&self, key: &ObjectKey) -> bool {
        self.change.delete.contains(key)
    }

    /// Returns what became of an object; nothing if nothing did.
    fn what(&self, models: &ModelSet, key: &ObjectKey) -> Option<(What, Vec<FieldChange>)> {
        let (before, after) = (self.before.get(key), self.after.get(key));
        let model = models.get(&key.model)?;
        let is_going = |object: Option<&Object>| object.is_none_or(|object| object.meta.deleting.is_some());
        match (before, after) {
            (None, None) => None,
            (None, Some(after)) => Some((What::Create, fields(model, None, after))),
            (Some(before), after) if is_going(after) && before.meta.deleting.is_none() => Some((What::Delete, vec![])),
            (Some(_), None) => Some((What::Delete, vec![])),
            (Some(before), Some(after)) => {
                let fields = fields(model, Some(before), after);
                let is_touched = before.intent.touch != after.intent.touch;
                match (fields.is_empty(), is_touched, self.is_applied(key)) {
                    (false, ..) => Some((What::Change, fields)),
                    (true, true, _) => Some((What::Touch, vec![])),
                    (true, false, true) => Some((What::Unchanged, vec![])),
                    (true, false, false) => None,
                }
            }
        }
    }

    fn because(&self, models: &ModelSet, key: &ObjectKey, what: What) -> Vec<Because> {
        let mut because = vec![];
        if what == What::Delete {
            if self.is_deleted(key) {
                return vec![Because::Deleted];
            }
            because.extend(self.goes_with(models, key));
            if because.is_empty() {
                // The writes of deletions do not say who asked for them: it can only be a policy.
                because.push(Because::Policy(String::new()));
            }
            return because;
        }
        if self.is_applied(key) && what != What::Unchanged {
            because.push(Because::Applied);
        }
        let by = |kinds: &[ChangeKind]| -> BTreeSet<String> {
            let writes = self.changes.iter().filter(|write| write.object == *key && kinds.contains(&write.what));
            writes.map(|write| write.who.clone()).filter(|who| !who.is_empty()).collect()
        };
        because.extend(by(&[ChangeKind::Created, ChangeKind::Spec]).into_iter().map(Because::Policy));
        because.extend(by(&[ChangeKind::Touched]).into_iter().map(Because::Touched));
        because
    }

    /// Returns the deleted object that takes an object along, if there is one.
    fn goes_with(&self, models: &ModelSet, key: &ObjectKey) -> Option<Because> {
        let object = self.before.get(key)?;
        let is_gone = |peer: &ObjectKey| {
            let was = self.before.get(peer).is_some_and(|peer| peer.meta.deleting.is_none());
            was && self.after.get(peer).is_none_or(|peer| peer.meta.deleting.is_some())
        };
        let to_one = peers(models, object).into_iter().filter(|peer| !peer.is_to_many);
        let mut gone = to_one.flat_map(|peer| {
            let candidates = self.before.keys().filter(|key| peer.is(models, key)).cloned().collect::<Vec<_>>();
            candidates.into_iter().map(move |key| (key, peer.link.clone()))
        });
        gone.find(|(key, _)| is_gone(key)).map(|(key, link)| Because::GoesWith(key.to_string(), link))
    }
}

/// Returns what becomes of all objects: those that are applied first, in their order.
pub(crate) fn changes(models: &ModelSet, happened: &Happened<'_>) -> Vec<ObjectChange> {
    let applied: Vec<_> = happened.change.apply.iter().map(|given| given.object.key()).collect();
    let mut keys: Vec<&ObjectKey> = vec![];
    let mut seen = BTreeSet::new();
    for key in applied.iter().chain(happened.before.keys()).chain(happened.after.keys()) {
        if seen.insert(key) {
            keys.push(key);
        }
    }
    let change = |key: &ObjectKey| {
        let (what, fields) = happened.what(models, key)?;
        let because = happened.because(models, key, what);
        Some(ObjectChange { object: key.to_string(), what, because, fields })
    };
    keys.into_iter().filter_map(change).collect()
}

/// Returns the fields that differ, but for those that all models have in status: the framework's.
fn fields(model: &Model, before: Option<&Object>, after: &Object) -> Vec<FieldChange> {
    let value = |object: Option<&Object>, name: &str| -> Value {
        object.and_then(|object| object.fields.get(name)).cloned().unwrap_or_default()
    };
    let is_told = |member: &&Member| {
        let is_common = matches!(member, Member::Field(field) if field.is_common());
        // Of a new object the switches that are off say nothing.
        !is_common || (before.is_some() && member.section() == xos_xproto::Section::Spec)
    };
    let secret = |member: &Member| matches!(member, Member::Field(field) if field.secret);
    let differing = model.members().filter(is_told).filter_map(|member| {
        let (old, new) = (value(before, member.name()), value(Some(after), member.name()));
        let hidden = |value: Value| if secret(member) && !value.is_null() { Value::from("***") } else { value };
        let (is_same, field) = (old == new, shown(member.name()));
        (!is_same).then(|| FieldChange { field, before: hidden(old), after: hidden(new) })
    });
    let sources = model.secret_sources().filter_map(|(_, source)| {
        let (old, new) = (value(before, &source), value(Some(after), &source));
        (old != new).then(|| FieldChange { field: shown(&source), before: old, after: new })
    });
    differing.chain(sources).collect()
}
