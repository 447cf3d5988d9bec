//! Definitions that change while the API server in memory serves them.

use std::sync::Arc;

use super::MemoryApi;
use crate::engine::RegistryChange;
use crate::registry::{Difference, Registry};
use crate::watch::{WatchEvent, WatchId};

impl MemoryApi {
    /// Serves the definitions of another registry from now on, as when they are applied: of stored objects what has no place
    /// in them is dropped, and objects of kinds that are gone are gone. Returns what has changed.
    pub fn define(&self, registry: &Arc<Registry>) -> Difference {
        let difference = Difference::between(&self.registry.now(), registry);
        self.registry.replace(Arc::clone(registry));
        let mut state = self.state();
        state.schemas.clear();
        let gone = state.objects.keys().filter(|key| difference.removed.contains(&*key.model)).cloned();
        for key in gone.collect::<Vec<_>>() {
            let object = state.objects.remove(&key);
            let uid = object.map(|object| object.meta.uid).unwrap_or_default();
            state.show(&WatchEvent::Delete(key, uid));
        }
        for (key, object) in &mut state.objects {
            let Some(entry) = registry.get(&key.model).filter(|_| difference.redefined.contains(&*key.model)) else {
                continue;
            };
            object.fields.retain(|name, _| entry.model.member(name).is_some());
            xos_crds::rehash(&entry.model, object);
        }
        difference
    }

    /// Asks those who watch to use another registry.
    pub fn ask_for(&self, change: RegistryChange) {
        self.state().show(&WatchEvent::Registry(change));
    }

    /// Lists the objects of kinds that are new or defined in another way, as watches do that begin.
    pub fn list_anew(&self, difference: &Difference) {
        for model in difference.listed() {
            let mut state = self.state();
            let watch = WatchId::new(model, None);
            let listed = state.objects.values().filter(|object| *object.model == **model).cloned();
            let all: Vec<_> = listed.map(|object| WatchEvent::InitApply(Box::new(object))).collect();
            state.show(&WatchEvent::Init(watch.clone()));
            all.iter().for_each(|event| state.show(event));
            let version = state.version.to_string();
            state.show(&WatchEvent::InitDone(watch, version));
        }
    }
}
