//! Which of the objects work: what is wrong with one takes no other away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use xos_documents::Text;
use xos_kinds::{Change, Finding, Id, ModelSetSpec, ObjectKind, reasons, written};

use super::service::{Fault, folder};
use super::{Content, DocumentText, Edges, ModelFile, Origin, Unusable};

/// What an object says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Spec {
    Models(Arc<ModelSetSpec>),
    Document(Arc<Value>),
}

/// A generation of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) generation: i64,
    pub(crate) spec: Spec,
}

/// An object that may work.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: Id,
    pub(crate) uid: String,
    /// What it says now.
    pub(crate) now: Version,
    /// What was accepted last.
    pub(crate) last: Option<Version>,
}

/// Why an object does not work as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) reason: &'static str,
    /// The message; if there is none, the findings are it.
    pub(crate) message: Option<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) changes: Vec<Change>,
}

/// What becomes of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// What works of it.
    pub(crate) in_force: Option<Version>,
    /// Why that is not what it says now.
    pub(crate) refused: Option<Refused>,
}

/// What works.
pub(crate) struct Choice<S> {
    /// What was made of the content.
    pub(crate) made: S,
    pub(crate) content: Content,
    pub(crate) verdicts: BTreeMap<Id, Verdict>,
}

/// What was found out of objects in another way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Those that cannot be taken up as they are now, though they fit.
    pub(crate) held: BTreeMap<Id, Refused>,
    /// Those of which nothing can be taken up, not even what was accepted last.
    pub(crate) neither: BTreeSet<Id>,
    /// Those that are to be left out.
    pub(crate) out: BTreeSet<Id>,
}

/// How much of an object is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Out,
    Last,
    Now,
}

struct Choosing<'a> {
    items: &'a [Item],
    levels: BTreeMap<&'a Id, Level>,
    refused: BTreeMap<&'a Id, Refused>,
}

/// Chooses of each object what it says now, or what was accepted last, or nothing, so that all fit each other and what is
/// `here`. An object that has not changed goes before one that has.
///
/// # Errors
/// When what is here cannot be used, whatever is chosen.
pub(crate) fn choose<S>(
    here: &Content,
    items: &[Item],
    known: &Known,
    check: impl Fn(&Content) -> Result<S, Unusable>,
) -> Result<Choice<S>, Unusable> {
    let mut choosing = Choosing::begin(items, known);
    let (mut made, mut content) = loop {
        let content = choosing.content(here);
        match check(&content) {
            Ok(made) => break (made, content),
            Err(unusable) if choosing.give_way(&unusable.faults) => {}
            Err(unusable) => return Err(unusable),
        }
    };
    // Of several that have changed only some may be in the way of others.
    let suspects: Vec<_> = items.iter().filter(|item| choosing.is_suspect(&item.id)).collect();
    for item in suspects {
        let before = choosing.levels.insert(&item.id, Level::Now);
        let with = choosing.content(here);
        if let Ok(better) = check(&with) {
            (made, content) = (better, with);
            choosing.refused.remove(&item.id);
        } else if let Some(before) = before {
            choosing.levels.insert(&item.id, before);
        }
    }
    let verdicts = items.iter().map(|item| (item.id.clone(), choosing.verdict(item))).collect();
    Ok(Choice { made, content, verdicts })
}

impl<'a> Choosing<'a> {
    fn begin(items: &'a [Item], known: &Known) -> Self {
        let mut choosing = Self { items, levels: BTreeMap::new(), refused: BTreeMap::new() };
        for item in items {
            choosing.levels.insert(&item.id, if known.out.contains(&item.id) { Level::Out } else { Level::Now });
            if let Some(refused) = known.held.get(&item.id) {
                choosing.refuse(item, refused.clone());
            }
            if known.neither.contains(&item.id) {
                choosing.levels.insert(&item.id, Level::Out);
            }
        }
        choosing
    }

    fn level(&self, id: &Id) -> Level {
        self.levels.get(id).copied().unwrap_or(Level::Out)
    }

    /// Whether it is taken as something that it was not before.
    fn has_changed(&self, item: &Item) -> bool {
        let is_as_before = item.last.as_ref().is_some_and(|last| last.spec == item.now.spec);
        self.level(&item.id) == Level::Now && !is_as_before
    }

    fn refuse(&mut self, item: &'a Item, refused: Refused) {
        let is_as_before = item.last.as_ref().is_none_or(|last| last.spec == item.now.spec);
        let next = match self.level(&item.id) {
            Level::Now if !is_as_before => Level::Last,
            _ => Level::Out,
        };
        self.levels.insert(&item.id, next);
        // The first reason is that of what it says now.
        self.refused.entry(&item.id).or_insert(refused);
    }

    fn is_suspect(&self, id: &Id) -> bool {
        self.refused.get(id).is_some_and(|refused| refused.reason == reasons::BREAKS_OTHERS)
    }

    /// Takes less of those that are in the way. Returns false if nothing can be done.
    fn give_way(&mut self, faults: &[Fault]) -> bool {
        let items = self.items;
        let at_fault: Vec<_> = items
            .iter()
            .filter_map(|item| {
                let own: Vec<_> = faults.iter().filter(|one| one.origin == Origin::Object(item.id.clone())).collect();
                let is_wrong = own.iter().any(|fault| fault.finding.is_error());
                (is_wrong && self.level(&item.id) != Level::Out).then_some((item, own))
            })
            .collect();
        let of_changed: Vec<_> = at_fault.iter().filter(|(item, _)| self.has_changed(item)).collect();
        if !of_changed.is_empty() {
            for (item, own) in of_changed {
                self.refuse(item, as_it_is(own));
            }
            return true;
        }
        let others = self.in_the_way();
        if !others.is_empty() {
            let broken = breaks(faults);
            others.into_iter().for_each(|item| self.refuse(item, broken.clone()));
            return true;
        }
        let can_help = !at_fault.is_empty();
        for (item, own) in at_fault {
            self.refuse(item, as_it_is(&own));
        }
        can_help
    }

    /// Returns the objects that have changed: sets of models, or else the others.
    fn in_the_way(&self) -> Vec<&'a Item> {
        let (sets, others): (Vec<_>, Vec<_>) = self
            .items
            .iter()
            .filter(|item| self.has_changed(item))
            .partition(|item| item.id.kind == ObjectKind::ModelSet);
        if sets.is_empty() { others } else { sets }
    }

    fn verdict(&self, item: &Item) -> Verdict {
        let in_force = match self.level(&item.id) {
            Level::Now => Some(item.now.clone()),
            Level::Last => item.last.clone(),
            Level::Out => None,
        };
        Verdict { in_force, refused: self.refused.get(&item.id).cloned() }
    }

    fn content(&self, here: &Content) -> Content {
        let mut content = here.clone();
        for item in self.items {
            let version = match self.level(&item.id) {
                Level::Now => Some(&item.now),
                Level::Last => item.last.as_ref(),
                Level::Out => None,
            };
            if let Some(version) = version {
                add(&mut content, &item.id, &version.spec);
            }
        }
        content
    }
}

fn as_it_is(own: &[&Fault]) -> Refused {
    let reason =
        own.iter().find(|fault| fault.finding.is_error()).map_or(reasons::MODELS_INVALID, |fault| fault.reason);
    let findings = own.iter().map(|fault| fault.finding.clone()).collect();
    Refused { reason, message: None, findings, changes: vec![] }
}

/// Returns that others, which have not changed, would not fit any more.
fn breaks(faults: &[Fault]) -> Refused {
    let errors = faults.iter().filter(|fault| fault.finding.is_error());
    let told = errors.map(|fault| match &fault.origin {
        Origin::Here => format!("it does not fit the folders of the synchronizer: {}", fault.finding.line()),
        Origin::Object(id) => format!("{id} would no longer fit: {}", fault.finding.line()),
    });
    let findings = told.map(|message| Finding::error(None, message)).collect();
    Refused { reason: reasons::BREAKS_OTHERS, message: None, findings, changes: vec![] }
}

/// What the properties of a set are called where a file is told.
const PROPERTIES: &str = "spec.properties.yaml";

/// Adds what an object says.
fn add(content: &mut Content, id: &Id, spec: &Spec) {
    let origin = Origin::Object(id.clone());
    match spec {
        Spec::Models(set) => {
            let folder = folder(&origin);
            for (name, text) in &set.xprotos {
                let (name, text) = (format!("{folder}{name}"), text.as_bytes().into());
                content.files.push(ModelFile { name, text, origin: origin.clone() });
            }
            if !set.properties.is_empty() {
                // A line for each property, so that what is wrong with it has a place.
                let text = serde_json::to_string_pretty(&set.properties).unwrap_or_default();
                let (name, text) = (format!("{folder}{PROPERTIES}"), text.into_bytes().into());
                content.properties.push(ModelFile { name, text, origin: origin.clone() });
            }
            for (model, edges) in &set.dependency_graph {
                let edges = Edges { model: model.clone(), edges: edges.clone(), origin: origin.clone() };
                content.dependencies.push(edges);
            }
            content.sets.insert(id.name.clone(), set.uses.clone());
        }
        Spec::Document(spec) => {
            let written = written(id, spec);
            let text = Text { path: written.file.into(), text: Ok(written.text), folder: None };
            content.documents.push(DocumentText { text, origin });
        }
    }
}

#[cfg(test)]
mod tests;
