//! Who has read what: pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use xos_expressions::{Aspect, Reads};
use xos_model::ObjectKey;

/// What changes while a batch is computed.
pub(super) type Meanwhile = HashSet<(ObjectKey, Option<Aspect>)>;

/// What the properties of each object have read, and which are to be computed again. All operations cost what the objects
/// that they touch have read.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// By what was read, who has.
    readers: HashMap<ObjectKey, BTreeMap<Aspect, BTreeSet<ObjectKey>>>,
    /// By who has read, what.
    reads: HashMap<ObjectKey, Reads>,
    work: VecDeque<ObjectKey>,
    marked: HashSet<ObjectKey>,
    /// What has changed since the batch was taken; none while there is no batch. No aspect: the object is gone.
    meanwhile: Option<Meanwhile>,
}

impl Readers {
    /// Notes that an object is to be computed.
    pub(super) fn mark(&mut self, key: &ObjectKey) {
        if self.marked.insert(key.clone()) {
            self.work.push_back(key.clone());
        }
    }

    /// Returns whether any object is to be computed.
    pub(super) fn has_work(&self) -> bool {
        !self.work.is_empty()
    }

    /// Returns whether anything has been read, or is being read.
    pub(super) fn is_watching(&self) -> bool {
        self.meanwhile.is_some() || !self.readers.is_empty()
    }

    /// Takes out the next objects to be computed: a batch has begun.
    pub(super) fn take(&mut self, most: usize) -> Vec<ObjectKey> {
        let taken: Vec<_> = self.work.drain(..most.min(self.work.len())).collect();
        for key in &taken {
            self.marked.remove(key);
        }
        self.meanwhile = Some(Meanwhile::new());
        taken
    }

    /// The batch has ended. Returns what has changed since it began.
    pub(super) fn ended(&mut self) -> Meanwhile {
        self.meanwhile.take().unwrap_or_default()
    }

    /// Takes in what the properties of an object have read. What changed meanwhile may have been read too early.
    pub(super) fn set(&mut self, key: &ObjectKey, reads: &Reads, meanwhile: &Meanwhile) {
        let is_old = |(read, aspect): (&ObjectKey, &Aspect)| {
            let has_changed = |aspect: Option<&Aspect>| meanwhile.contains(&(read.clone(), aspect.cloned()));
            has_changed(Some(aspect)) || has_changed(None)
        };
        if !meanwhile.is_empty() && reads.iter().any(is_old) {
            self.mark(key);
        }
        if self.reads.get(key) == Some(reads) {
            return;
        }
        self.unread(key);
        for (read, aspect) in reads.iter() {
            let by_aspect = self.readers.entry(read.clone()).or_default();
            by_aspect.entry(aspect.clone()).or_default().insert(key.clone());
        }
        if !reads.is_empty() {
            self.reads.insert(key.clone(), reads.clone());
        }
    }

    fn unread(&mut self, key: &ObjectKey) {
        let Some(before) = self.reads.remove(key) else { return };
        for (read, aspect) in before.iter() {
            let Some(by_aspect) = self.readers.get_mut(read) else { continue };
            if let Some(readers) = by_aspect.get_mut(aspect) {
                readers.remove(key);
                if readers.is_empty() {
                    by_aspect.remove(aspect);
                }
            }
            if by_aspect.is_empty() {
                self.readers.remove(read);
            }
        }
    }

    /// Takes in what has changed: those who have read it are to be computed again.
    pub(super) fn changed(&mut self, changes: &[(ObjectKey, Aspect)]) {
        for (key, aspect) in changes {
            let readers = self.readers.get(key).and_then(|by_aspect| by_aspect.get(aspect));
            let readers: Vec<_> = readers.into_iter().flatten().cloned().collect();
            readers.iter().for_each(|reader| self.mark(reader));
            if let Some(meanwhile) = &mut self.meanwhile {
                meanwhile.insert((key.clone(), Some(aspect.clone())));
            }
        }
    }

    /// Takes in that an object is gone.
    pub(super) fn gone(&mut self, key: &ObjectKey) {
        self.unread(key);
        let readers = self.readers.get(key).into_iter().flat_map(BTreeMap::values).flatten();
        let readers: BTreeSet<_> = readers.cloned().collect();
        readers.iter().for_each(|reader| self.mark(reader));
        if let Some(meanwhile) = &mut self.meanwhile {
            meanwhile.insert((key.clone(), None));
        }
        if self.marked.remove(key) {
            self.work.retain(|other| other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use std::sync::Arc;
    use xos_expressions::properties::{Declared, compile};
    use xos_expressions::{NoObjects, changes};
    use xos_model::Object;
    use xos_xproto::{ModelSet, Sources};

    use super::*;

    const MODELS: &str = "option app_label = \"t\";
        message M (XOSBase) { optional string a = 1 [max_length = 9]; optional string b = 2 [max_length = 9];
            optional manytoone to->M:from = 3:1001; }";

    fn models() -> ModelSet {
        let mut sources = Sources::new();
        sources.add("t.xproto", MODELS);
        xos_xproto::compile(&sources).models
    }

    fn object(name: &str, a: &str) -> Arc<Object> {
        let mut object = Object::named("M", "n", name);
        object.meta.uid = name.to_owned();
        object.set("a", json!(a));
        object.set("to", json!({"name": "other"}));
        Arc::new(object)
    }

    fn reads(text: &str, of: &Arc<Object>) -> Reads {
        let declared = [Declared { model: "M".into(), name: "it".into(), text: text.into() }];
        let (models, properties) = compile(&models(), &declared).unwrap();
        properties.evaluate(of, Arc::new(NoObjects::of(models))).reads
    }

    fn taken(readers: &mut Readers) -> Vec<String> {
        let all = readers.take(9).iter().map(|key| key.name.to_string()).collect();
        readers.ended();
        all
    }

    #[test]
    fn who_has_read_what_changes_is_computed_again() {
        let (one, other) = (object("one", "x"), object("other", "x"));
        let models = models();
        let mut readers = Readers::default();
        readers.set(&one.key(), &reads("self.a + (self.to == null ? '' : 'x')", &one), &Meanwhile::new());
        let edit = |field: &str| {
            let mut new = (*one).clone();
            new.set(field, json!("y"));
            changes(&models, Some(&one), Some(&new))
        };
        readers.changed(&edit("b"));
        assert_eq!(taken(&mut readers), [""; 0]);
        readers.changed(&edit("a"));
        readers.changed(&edit("a"));
        assert_eq!(taken(&mut readers), ["one"]);
        // It has looked for the other one, which was not there.
        readers.changed(&changes(&models, None, Some(&other)));
        assert_eq!(taken(&mut readers), ["one"]);
        readers.gone(&other.key());
        assert_eq!(taken(&mut readers), ["one"]);
        readers.set(&one.key(), &reads("self.b", &one), &Meanwhile::new());
        readers.changed(&edit("a"));
        assert_eq!(taken(&mut readers), [""; 0]);
        readers.changed(&edit("b"));
        readers.gone(&one.key());
        assert!(!readers.has_work() && !readers.is_watching());
    }

    #[test]
    fn what_changes_while_it_is_read_is_read_again() {
        let one = object("one", "x");
        let mut readers = Readers::default();
        readers.mark(&one.key());
        assert_eq!(readers.take(9), [one.key()]);
        let mut new = (*one).clone();
        new.set("a", json!("y"));
        readers.changed(&changes(&models(), Some(&one), Some(&new)));
        let meanwhile = readers.ended();
        readers.set(&one.key(), &reads("self.a", &one), &meanwhile);
        assert_eq!(taken(&mut readers), ["one"]);
        readers.set(&one.key(), &reads("self.b", &one), &meanwhile);
        assert!(!readers.has_work());
    }
}
