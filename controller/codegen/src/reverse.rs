//! The reverse ports of a model as constants: `Site::SLICES`.

use std::collections::BTreeSet;

use xos_xproto::Model;

use crate::names::{Names, free};
use crate::text::{ALLOW, doc, plain};

/// Constants that every typed object has.
const CONSTANTS: [&str; 4] = ["NAME", "CLASS_NAMES", "IS_ABSTRACT", "HAS_HEIRS"];

/// The constants of the reverse ports that a model has by itself; those of its bases stand there.
pub(crate) fn code(model: &Model, name: &str, names: &Names<'_>) -> String {
    let mut taken: BTreeSet<_> = CONSTANTS.map(str::to_owned).into();
    let own = names.models().reverse_links(model).filter(|reverse| reverse.declared_in == model.name);
    let constants = own.filter_map(|reverse| {
        let peer = names.of_struct(&reverse.model)?;
        let constant = free(&plain(&reverse.name).to_uppercase(), "_", &mut taken);
        let head = doc(&format!("The {} objects whose `{}` leads here.", reverse.model, reverse.link.name), "    ");
        Some(format!(
            "{head}    pub const {constant}: ::xos_controller::model::Reverse<{name}, {peer}> =
        ::xos_controller::model::Reverse::new({:?});
",
            reverse.name
        ))
    });
    let constants: Vec<_> = constants.collect();
    if constants.is_empty() { String::new() } else { format!("{ALLOW}impl {name} {{\n{}}}\n\n", constants.join("\n")) }
}
