//! The Rust names of models, of their classes and of their choices.

use std::collections::{BTreeSet, HashMap};

use xos_xproto::{Field, Link, Model, ModelSet};

use crate::choices;
use crate::text::{camel, identifier, plain};

/// The Rust names of a set's types, each different. Public for generators of more code.
#[derive(Debug)]
pub struct Names<'m> {
    structs: HashMap<&'m str, String>,
    /// The structs of required fields.
    required: HashMap<&'m str, String>,
    traits: HashMap<&'m str, String>,
    /// By declaring model, then field.
    choices: HashMap<&'m str, HashMap<&'m str, String>>,
    models: &'m ModelSet,
}

impl<'m> Names<'m> {
    /// Gives names to models first, then to the traits of classes, to the structs of required fields, and to choices.
    pub fn of(models: &'m ModelSet) -> Self {
        let mut taken = BTreeSet::new();
        let named = |model: &'m Model| (model.name.as_str(), plain(&model.name));
        let structs = models.iter().map(named).map(|(name, own)| (name, free(&own, "_", &mut taken))).collect();
        let classes = models.iter().filter(|model| is_class(models, model)).map(named);
        let traits = classes.map(|(name, own)| (name, free(&format!("Is{}", upper_first(&own)), "_", &mut taken)));
        let traits = traits.collect();
        let concrete = models.concrete().map(named);
        let required = concrete.map(|(name, own)| (name, free(&format!("New{}", upper_first(&own)), "_", &mut taken)));
        let required = required.collect();
        let fields = models.iter().flat_map(|model| model.own_fields().map(move |field| (model, field)));
        let fields = fields.filter(|(_, field)| choices::applies(field));
        let mut choices: HashMap<_, HashMap<_, _>> = HashMap::new();
        for (model, field) in fields {
            let own = upper_first(&plain(&model.name)) + &camel(&field.name);
            let name = if taken.contains(&own) { own + "Choice" } else { own };
            let of_model = choices.entry(model.name.as_str()).or_default();
            of_model.insert(field.name.as_str(), free(&name, "_", &mut taken));
        }
        Self { structs, required, traits, choices, models }
    }

    /// Returns the struct of a model.
    pub fn of_struct(&self, model: &str) -> Option<&str> {
        self.structs.get(model).map(String::as_str)
    }

    /// Returns the struct of the fields that a new object of a model must have.
    pub fn of_required(&self, model: &str) -> Option<&str> {
        self.required.get(model).map(String::as_str)
    }

    /// Returns the trait of a model that others inherit from, or that is abstract.
    pub fn of_trait(&self, model: &str) -> Option<&str> {
        self.traits.get(model).map(String::as_str)
    }

    /// Returns the enum of a field with choices.
    pub fn of_choices(&self, field: &Field) -> Option<&str> {
        self.choices.get(field.declared_in.as_str())?.get(field.name.as_str()).map(String::as_str)
    }

    /// Returns whether the controller sets a link of any model where it is left out. It is optional in all structs that
    /// have it then: those of bases are views of the objects of such a model.
    pub(crate) fn is_filled_in(&self, link: &Link) -> bool {
        let is_it = |filled: &Link| (&filled.name, &filled.declared_in) == (&link.name, &link.declared_in);
        self.models.iter().any(|model| model.filled_owner().is_some_and(|(filled, _)| is_it(filled)))
    }

    pub(crate) fn models(&self) -> &'m ModelSet {
        self.models
    }
}

/// Returns whether a model has a trait.
fn is_class(models: &ModelSet, model: &Model) -> bool {
    model.is_abstract || models.is_base(&model.name)
}

/// Returns the name as an identifier, with `more` appended until no other has it.
pub(crate) fn free(plain: &str, more: &str, taken: &mut BTreeSet<String>) -> String {
    let mut name = identifier(plain);
    while !taken.insert(name.clone()) {
        name = format!("{}{more}", name.trim_start_matches("r#"));
    }
    name
}

fn upper_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
