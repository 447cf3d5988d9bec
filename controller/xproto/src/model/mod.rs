//! The resolved models: what the rest of the controller sees of the language.

mod field;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostics::{Diagnostic, Severity};
use crate::source::{SourceId, Span};

pub use field::{ContentType, Field, FieldState, Literal, RawOption, ScalarType, ValueForm};

/// What [`crate::compile`] gives: the models that could be resolved and all that was noticed.
#[derive(Debug)]
pub struct Compiled {
    /// Every model that could be resolved, also when there are errors.
    pub models: ModelSet,
    /// Errors and warnings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compiled {
    /// Whether anything is wrong, so that the models must not be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// The number of errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// The number of warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity() == severity).count()
    }
}

/// The models of a set of files.
#[derive(Clone, Debug, Default)]
pub struct ModelSet {
    models: Vec<Model>,
    by_name: HashMap<String, usize>,
}

impl ModelSet {
    pub(crate) fn new(models: Vec<Model>) -> Self {
        let by_name = models.iter().enumerate().map(|(at, model)| (model.name.clone(), at)).collect();
        Self { models, by_name }
    }

    /// All models in the order of their declaration; the built-in `XOSBase` comes first.
    pub fn iter(&self) -> std::slice::Iter<'_, Model> {
        self.models.iter()
    }

    /// The model of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.by_name.get(name).and_then(|&at| self.models.get(at))
    }

    /// The models that have objects: all but the abstract ones.
    pub fn concrete(&self) -> impl Iterator<Item = &Model> {
        self.models.iter().filter(|model| !model.is_abstract)
    }
}

impl<'a> IntoIterator for &'a ModelSet {
    type Item = &'a Model;
    type IntoIter = std::slice::Iter<'a, Model>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// One message of the source, resolved.
#[derive(Clone, Debug)]
pub struct Model {
    /// The name of the message.
    pub name: String,
    /// Option `app_label`: the group that the model belongs to. Empty only on an abstract model that sets none.
    pub app_label: String,
    /// Option `name`: the service that the model belongs to.
    pub service_name: Option<String>,
    /// Option `description`, else the comment right above the message.
    pub doc: Option<String>,
    /// Option `verbose_name`, else the words of the name in lower case.
    pub verbose_name: String,
    /// Option `plural`, else the English plural of the name.
    pub plural: String,
    /// Option `abstract`: the model has no objects of its own.
    pub is_abstract: bool,
    /// The policy behind `::`, which governs access to the objects.
    pub access_policy: Option<String>,
    /// The bases as written.
    pub bases: Vec<String>,
    /// This model and all it inherits from, leaf first (XOS's `class_names`).
    pub ancestry: Vec<String>,
    /// All fields: the inherited ones first, the root base's before all, then the model's own. An inherited field is
    /// shared with the model that declares it.
    pub fields: Vec<Arc<Field>>,
    /// The options as written, then those of the file that the message does not set itself.
    pub options: Vec<RawOption>,
    /// The name of the message in the source.
    pub span: Span,
}

impl Model {
    /// The field of that name, own or inherited.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().map(Arc::as_ref).find(|field| field.name == name)
    }

    /// The fields that the message declares itself.
    pub fn own_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(Arc::as_ref).filter(|field| field.declared_in == self.name)
    }

    /// Whether the model is `class` or inherits from it.
    #[must_use]
    pub fn is_a(&self, class: &str) -> bool {
        self.ancestry.iter().any(|name| name == class)
    }

    /// The option of that name, the message's own or the file's.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Whether a boolean option is set to true.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(RawOption::as_bool).unwrap_or(false)
    }

    /// Whether the model comes with the compiler and not from a file of the set.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.span.source == SourceId::BUILT_IN
    }
}
