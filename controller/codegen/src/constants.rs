//! Constants of a model: its fields, links and properties (`Site::NAME`), and the reverse ports of links to it
//! (`Site::SLICES`).

use std::collections::BTreeSet;

use xos_xproto::{Model, XOS_BASE};

use crate::member;
use crate::names::{Names, free};
use crate::properties;
use crate::text::{ALLOW, doc, plain};
use crate::used::Used;

/// The constants that every typed object has.
const CONSTANTS: [&str; 4] = ["MODEL_NAME", "CLASS_NAMES", "IS_ABSTRACT", "HAS_HEIRS"];

/// Returns the code of a model's constants. Reverse ports that a base has are constants of the base.
pub(crate) fn code(model: &Model, name: &str, names: &Names<'_>, used: &Used<'_>) -> String {
    let mut taken: BTreeSet<_> = CONSTANTS.map(str::to_owned).into();
    let mut constant = |xos: &str| free(&plain(xos).to_uppercase(), "_", &mut taken);
    let members = member::all(model, names);
    // The fields of the base of all models are constants of it alone.
    let own = members.iter().filter(|member| member.declared_in != XOS_BASE || model.name == XOS_BASE);
    let mut constants: Vec<_> = own.map(|member| member.constant(name, &constant(member.xos))).collect();
    let ports = names.models().reverse_links(model).filter(|reverse| reverse.declared_in == model.name);
    for reverse in ports.filter(|reverse| used.contains(&*reverse.model)) {
        let Some(peer) = names.of_struct(&reverse.model) else { continue };
        let text = format!("The {} objects whose `{}` leads here.", reverse.model, reverse.link.name);
        constants.push(format!(
            "{}    pub const {}: ::xos_controller::model::Reverse<{name}, {peer}> =
        ::xos_controller::model::Reverse::new({:?});
",
            doc(&text, "    "),
            constant(&reverse.name),
            reverse.name
        ));
    }
    for property in model.properties.iter().filter(|property| property.declared_in == model.name) {
        constants.extend(properties::constant(property, (name, &constant(&property.name)), names, used));
    }
    if constants.is_empty() { String::new() } else { format!("{ALLOW}impl {name} {{\n{}}}\n\n", constants.join("\n")) }
}
