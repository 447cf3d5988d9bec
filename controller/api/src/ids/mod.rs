//! The ids of objects: the numbers by which XOS's API names them.
//!
//! There is one sequence for each root class, so that an object has one id whichever of its classes it is asked for by.
//! **Invariant:** no id is given twice, also by several processes, and after a crash: [`Sequences`] takes whole blocks from
//! an object in the cluster before it gives any id of them.

mod assign;
mod sequence;
mod shared;

pub use assign::Assigner;
pub use sequence::{IdError, NAME, Sequences};
pub(crate) use shared::Mark;
pub use shared::SharedIds;

use xos_xproto::{Model, ModelSet, XOS_BASE};

/// Returns the class with whose sequence the ids of a model are taken: the first of its bases that is no abstract one, and
/// inherits from none.
pub fn root<'m>(models: &'m ModelSet, model: &'m Model) -> &'m str {
    let mut at = model;
    let base = |model: &'m Model| {
        let bases = model.bases.iter().filter(|base| *base != XOS_BASE);
        bases.filter_map(|base| models.get(base)).next()
    };
    let mut root = at.name.as_str();
    while let Some(next) = base(at) {
        at = next;
        if !at.is_abstract {
            root = &at.name;
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use xos_xproto::{Sources, compile};

    use super::root;

    #[test]
    fn models_share_ids_along_a_chain_of_bases() {
        let mut sources = Sources::new();
        sources.add(
            "m.xproto",
            "option app_label = \"m\";
             message Service (XOSBase) {} message Compute (Service) { option abstract = True; } message VM (Compute) {}
             message Shape (XOSBase) { option abstract = True; } message Round (Shape) {} message Square (Shape) {}",
        );
        let compiled = compile(&sources);
        assert!(!compiled.has_errors());
        for (model, expected) in [
            ("Service", "Service"),
            ("VM", "Service"),
            ("Round", "Round"),
            ("Square", "Square"),
            ("Compute", "Service"),
        ] {
            assert_eq!(root(&compiled.models, compiled.models.get(model).unwrap()), expected, "{model}");
        }
    }
}
