//! What steps and policies have saved.

use xos_model::ObjectKey;
use xos_testing::{Change, ChangeKind};
use xos_xproto::{Field, ModelSet};
use xos_yaml::{Node, Value};

use crate::compare::{Differences, matches};
use crate::foreign::Kinds;
use crate::objects::{key, told};
use crate::problem::CaseProblem;

/// The keys that say what was done, and the words for it.
const DONE: [(&str, ChangeKind); 4] = [
    ("created", ChangeKind::Created),
    ("changed", ChangeKind::Spec),
    ("touched", ChangeKind::Touched),
    ("deleted", ChangeKind::Deleted),
];

/// Something that is expected to be saved.
struct Expected<'a> {
    node: &'a Node,
    what: &'static str,
    kind: ChangeKind,
    object: ObjectKey,
    by: Option<&'a str>,
    fields: Option<Vec<&'a str>>,
}

impl<'a> Expected<'a> {
    fn read(node: &'a Node, of: (&ModelSet, &Kinds), differences: &mut Differences) -> Option<Self> {
        let mut there = DONE.iter().filter_map(|(word, kind)| Some((*word, *kind, node.text(word)?)));
        let (Some((what, kind, (text, place))), None) = (there.next(), there.next()) else {
            let found = DONE.iter().filter(|(word, _)| node.at(word).is_some()).count();
            let keys = "`created`, `changed`, `touched` and `deleted`";
            differences.push((CaseProblem::OneOf { what: "a save".to_owned(), keys, found }, node.place.clone()));
            return None;
        };
        let object = key(of.0, of.1, (text, place), differences)?;
        let fields = match node.at("fields").map(|node| &node.value) {
            Some(Value::List(items)) => Some(items.iter().filter_map(text_of).collect()),
            _ => None,
        };
        Some(Self { node, what, kind, object, by: node.text("by").map(|(by, _)| by), fields })
    }

    fn is(&self, change: &Change) -> bool {
        let has_fields = self.fields.as_ref().is_none_or(|fields| {
            let has_all = fields.iter().all(|field| change.fields.iter().any(|there| there == field));
            // A new object has its defaults, too.
            has_all && (self.kind == ChangeKind::Created || fields.len() == change.fields.len())
        });
        let is_by = self.by.is_none_or(|by| by == change.who);
        let (wanted, object) = (&self.object, &change.object);
        let is_object = wanted.model == object.model
            && matches(&wanted.namespace, &object.namespace)
            && matches(&wanted.name, &object.name);
        change.what == self.kind && is_object && is_by && has_fields
    }

    fn line(&self) -> String {
        let by = self.by.map(|by| format!(" by {by}")).unwrap_or_default();
        let fields = self.fields.as_ref().filter(|fields| !fields.is_empty());
        let fields = fields.map(|fields| format!(": {}", fields.join(", "))).unwrap_or_default();
        format!("{} {}{by}{fields}", self.what, told(&self.object))
    }
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Returns a change on one line, without the fields that all models have.
fn line(change: &Change, models: &ModelSet) -> String {
    let word = DONE.iter().find(|(_, kind)| *kind == change.what).map_or("", |(word, _)| word);
    let by = if change.who.is_empty() { String::new() } else { format!(" by {}", change.who) };
    let model = models.get(&change.object.model);
    let is_common = |field: &str| model.and_then(|model| model.field(field)).is_some_and(Field::is_common);
    let fields: Vec<_> = change.fields.iter().map(String::as_str).filter(|field| !is_common(field)).collect();
    let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
    format!("{word} {}{by}{fields}", told(&change.object))
}

/// Compares what was saved with all that is expected to be, in any order.
pub(super) fn check(
    expected: &Node,
    changes: &[Change],
    (models, kinds): (&ModelSet, &Kinds),
    differences: &mut Differences,
) {
    let nodes = match &expected.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => &[],
    };
    let mut left: Vec<_> = changes.iter().filter(|change| DONE.iter().any(|(_, kind)| *kind == change.what)).collect();
    let made = match left.as_slice() {
        [] => "nothing was saved".to_owned(),
        all => {
            format!("this happened:{}", all.iter().map(|one| format!("\n- {}", line(one, models))).collect::<String>())
        }
    };
    for node in nodes {
        let Some(one) = Expected::read(node, (models, kinds), differences) else { continue };
        match left.iter().position(|change| one.is(change)) {
            Some(at) => drop(left.remove(at)),
            None => {
                let missing = CaseProblem::NotSaved { save: one.line(), made: made.clone() };
                differences.push((missing, one.node.place.clone()));
            }
        }
    }
    for more in left {
        differences.push((CaseProblem::Saved { save: line(more, models) }, expected.place.clone()));
    }
}
