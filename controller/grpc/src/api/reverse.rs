//! Reverse links: the objects that lead to an object.

use std::collections::HashSet;

use xos_xproto::model::{Link, Reverse, ReverseLink};
use xos_xproto::{Model, ModelSet};

use super::fields::{Field, FieldKind, STEP};
use super::options::FieldOptions;

/// The first number for reverse links without a number.
const FIRST_ALLOTTED: u32 = 1900;

/// Returns the name of the link at its peer; `+` if the peer has no port.
pub(super) fn name(link: &Link) -> Option<String> {
    match &link.reverse {
        Reverse::LeftOut => None,
        Reverse::Suppressed(name) | Reverse::Port { name, .. } => Some(name.clone()),
    }
}

/// Returns the reverse links of a model in the order of their numbering: [`STEP`] more with each class that has some,
/// relative to the first such class; those without a number from [`FIRST_ALLOTTED`] on.
pub(super) fn of(models: &ModelSet, model: &Model) -> Vec<Field> {
    let links = flat(models, model, &mut HashSet::new());
    let mut offset = 0;
    let mut allotted = FIRST_ALLOTTED;
    let mut class = links.first().map(|link| link.declared_in.as_str());
    let mut fields = Vec::with_capacity(links.len());
    for link in links {
        if class != Some(&link.declared_in) {
            class = Some(&link.declared_in);
            offset += STEP;
        }
        let number = link.number.map_or(allotted, |number| number + offset);
        if link.number.is_none() {
            allotted += 1;
        }
        fields.push(field(link, number));
    }
    fields
}

/// Returns the reverse links of a model's bases, depth first, then its own.
fn flat<'a>(models: &'a ModelSet, model: &'a Model, seen: &mut HashSet<&'a str>) -> Vec<&'a ReverseLink> {
    let mut links = Vec::new();
    for base in model.bases.iter().filter_map(|base| models.get(base)) {
        if seen.insert(&base.name) {
            links.extend(flat(models, base, seen));
        }
    }
    links.extend(model.reverse_links.iter().map(AsRef::as_ref));
    links
}

fn field(link: &ReverseLink, number: u32) -> Field {
    let kind = FieldKind::Reverse { peer: link.model.clone() };
    Field { number, name: format!("{}_ids", link.name), kind, options: FieldOptions::default() }
}
