//! What is told of each object.

use std::collections::{BTreeMap, BTreeSet};

use xos_crds::names::Names;
use xos_kinds::{Id, ObjectKind};

use super::Sources;
use crate::content::choose::{Choice, Item, Spec};
use crate::content::cluster::{AllTold, Objects, OwnKind, Told};
use crate::content::{Origin, Service};

impl Sources<'_> {
    /// Returns it for all objects.
    pub(super) fn told(
        &mut self,
        items: &[Item],
        choice: &Choice<Service>,
        changes: &BTreeMap<Id, Vec<xos_kinds::Change>>,
        objects: &Objects,
    ) -> AllTold {
        let known = self.known(objects, &BTreeSet::new());
        self.kinds.retain(|(id, uid), _| objects.get(id).is_some_and(|seen| seen.uid == *uid));
        let mut all = AllTold::new();
        for item in items {
            let Some(verdict) = choice.verdicts.get(&item.id) else { continue };
            let key = (item.id.clone(), item.uid.clone());
            if verdict.in_force.is_some() && item.id.kind == ObjectKind::ModelSet {
                self.kinds.insert(key.clone(), kinds(&choice.made, &item.id));
            }
            let before = self.cluster.as_ref().and_then(|cluster| cluster.told_of(&item.id));
            let changes = match changes.get(&item.id) {
                Some(changes) => changes.clone(),
                None => before
                    .filter(|told| told.generation == item.now.generation)
                    .map(|told| told.changes)
                    .unwrap_or_default(),
            };
            let told = Told {
                uid: item.uid.clone(),
                generation: item.now.generation,
                verdict: verdict.clone(),
                changes,
                kinds: self.kinds.get(&key).cloned().unwrap_or_default(),
                needed_by: users(items, choice, &item.id),
                is_out: known.out.contains(&item.id),
            };
            all.insert(item.id.clone(), told);
        }
        all
    }
}

/// Returns the kinds of the models that a set declares.
fn kinds(service: &Service, id: &Id) -> Vec<OwnKind> {
    let own = Origin::Object(id.clone());
    let models = service.registry.models.concrete().filter(|model| service.declared.get(&model.name) == Some(&own));
    let kind = |model| OwnKind { definition: Names::of(model).definition(), resource: xos_crds::api_resource(model) };
    models.map(kind).collect()
}

/// Returns the sets that work and use a set.
fn users(items: &[Item], choice: &Choice<Service>, of: &Id) -> Vec<Id> {
    let uses = |item: &&Item| {
        let works = choice.verdicts.get(&item.id).and_then(|verdict| verdict.in_force.as_ref());
        let names = match works.map(|version| &version.spec) {
            Some(Spec::Models(spec)) => spec.uses.contains(&of.name),
            _ => false,
        };
        names && item.id != *of
    };
    items.iter().filter(uses).map(|item| item.id.clone()).collect()
}
