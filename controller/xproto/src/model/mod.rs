//! The resolved models: what the rest of the controller sees of the language.

mod field;
mod link;
mod name;
mod policy;
mod property;
mod section;
mod set;

use std::sync::Arc;

use crate::diagnostics::{Diagnostic, Severity};
use crate::source::Span;

pub use field::{Choice, ContentType, Field, FieldState, Literal, RawOption, ScalarType, ValueForm, camel_case};
pub(crate) use field::{camel_chars, camel_key};
pub use link::{Link, LinkKind, Reverse, ReverseLink};
pub use name::Name;
pub use policy::{Call, Expr, ExprKind, Path, Policy, Quantifier, Root, Step, Term, TermKind, Validator};
pub use property::{Property, ValueType};
pub use section::{Section, XOS_BASE};
pub use set::ModelSet;

/// The result of [`crate::compile`]: the models that could be resolved, and the diagnostics.
#[derive(Debug)]
pub struct Compiled {
    /// Every model that could be resolved, also when there are errors.
    pub models: ModelSet,
    /// Errors and warnings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
    /// The number of warnings of XOS's own files that are left out: of the original's `core.xproto`, which nobody here
    /// can mend. With [`Options::strict`](crate::Options::strict) none is.
    pub silenced: usize,
}

impl Compiled {
    /// Returns whether there are errors, so that the models must not be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// Returns the number of errors.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// Returns the number of warnings.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity() == severity).count()
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
    /// Option `singular`.
    pub singular: Option<String>,
    /// Option `abstract`: the model has no objects of its own.
    pub is_abstract: bool,
    /// Whether the model is one of the core's to which the set only comes by what it inherits: nothing in the set names
    /// it. Such a model is there for its fields; its objects are none of the set's concern.
    pub is_referred: bool,
    /// Option `no_sync`, of this model or one that it inherits from: no synchronizer reports on it, so that its API has
    /// no `backend_status` and no `backend_code`. XOS only looks whether the option is there, and not at its value.
    pub no_sync: bool,
    /// Option `no_policy`, of this model or one that it inherits from: its API has no `policy_status` and no
    /// `policy_code`. XOS only looks whether the option is there, and not at its value.
    pub no_policy: bool,
    /// Option `owner_class_name`, of this model or else of the nearest one that it inherits from: the model of the
    /// service that the objects belong to.
    pub owner_class_name: Option<String>,
    /// Option `columns`, our own addition: the fields, links and properties that `kubectl get -o wide` shows, in this order.
    pub columns: Option<Vec<String>>,
    /// Option `gui_hidden`.
    pub gui_hidden: bool,
    /// Option `tosca_description`.
    pub tosca_description: Option<String>,
    /// The policy after `::`, which governs access to the objects.
    pub access_policy: Option<String>,
    /// Option `validators`: what must hold when an object is saved.
    pub validators: Vec<Validator>,
    /// The bases as written.
    pub bases: Vec<String>,
    /// This model and all it inherits from, leaf first (XOS's `class_names`).
    pub ancestry: Vec<String>,
    /// The same models, depth first, each after its bases: the order of `fields` and `links`.
    pub lineage: Vec<Name>,
    /// All fields: the inherited ones first, the root base's before all, then the model's own. An inherited field is
    /// shared with the model that declares it.
    pub fields: Vec<Arc<Field>>,
    /// All links, in the order of the fields.
    pub links: Vec<Arc<Link>>,
    /// The links of other models, and of this one, that lead to this model and have a port here, in the order of their
    /// declaration in the set. Those that lead to a base are with the base: see [`ModelSet::reverse_links`].
    pub reverse_links: Vec<Arc<ReverseLink>>,
    /// The values that are computed of its objects, inherited ones included, by name. The compiler of models knows none.
    pub properties: Vec<Arc<Property>>,
    pub(crate) members: Vec<Member>,
    /// How many of `members` are inherited.
    pub(crate) inherited: usize,
    /// Where the policy after `::` is.
    pub(crate) access_policy_span: Option<Span>,
    /// The options as written, then those of the file that the message does not set itself.
    pub options: Vec<RawOption>,
    /// The name of the message in the source.
    pub span: Span,
}

impl Model {
    /// Returns the field of that name, own or inherited.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().map(Arc::as_ref).find(|field| field.name == name)
    }

    /// Returns whether it has a field of this name that is `secret`.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.secret)
    }

    /// Returns whether another model is declared alike, wherever it stands, with all that it inherits. Links of others
    /// that lead here do not count.
    #[must_use]
    pub fn is_declared_as(&self, other: &Self) -> bool {
        let declared = |model: &Self| format!("{:+?}", Self { reverse_links: vec![], ..model.clone() });
        declared(self) == declared(other)
    }

    /// Returns the fields that the message declares itself.
    pub fn own_fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().map(Arc::as_ref).filter(|field| field.declared_in == self.name)
    }

    /// Returns the link of that name, own or inherited.
    #[must_use]
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().map(Arc::as_ref).find(|link| link.name == name)
    }

    /// Returns the links that the message declares itself.
    pub fn own_links(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().map(Arc::as_ref).filter(|link| link.declared_in == self.name)
    }

    /// Returns all fields and links: the inherited ones first, those of one message in the order of the source.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// Returns the field or link of that name, own or inherited.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members().find(|member| member.name() == name)
    }

    /// Returns the property of that name, own or inherited.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().map(Arc::as_ref).find(|property| property.name == name)
    }

    /// Returns the secret fields of spec, each with the name of the field that may say instead from where the value comes:
    /// `password` and `password_from`. A model that has a field of that name itself has no such one.
    pub fn secret_sources(&self) -> impl Iterator<Item = (&Field, String)> {
        let secrets = self.fields_in(Section::Spec).filter(|field| field.secret);
        let sources = secrets.map(|field| (field, field.source_name()));
        sources.filter(move |(_, source)| self.member(source).is_none())
    }

    /// Returns the fields and links that the message declares itself.
    pub(crate) fn own_members(&self) -> &[Member] {
        self.members.get(self.inherited..).unwrap_or_default()
    }

    /// Returns whether the model is `class` or inherits from it.
    #[must_use]
    pub fn is_a(&self, class: &str) -> bool {
        self.ancestry.iter().any(|name| name == class)
    }

    /// Returns the option of that name, the message's own or the file's.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    /// Returns whether a boolean option is set to true.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(RawOption::as_bool).unwrap_or(false)
    }

    /// Returns whether the set has objects of the model itself: it is neither abstract nor only referred to.
    #[must_use]
    pub fn has_objects(&self) -> bool {
        !self.is_abstract && !self.is_referred
    }

    /// Returns whether the model comes with the compiler and not from a file of the set.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.span.source.is_built_in()
    }
}

/// A field or a link.
#[derive(Clone, Debug, PartialEq)]
pub enum Member {
    /// A field.
    Field(Arc<Field>),
    /// A link.
    Link(Arc<Link>),
}

impl Member {
    /// Returns the name as written.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Field(field) => &field.name,
            Self::Link(link) => &link.name,
        }
    }

    /// Returns the number as written.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            Self::Field(field) => field.number,
            Self::Link(link) => link.number,
        }
    }

    /// Returns the message that declares it.
    #[must_use]
    pub fn declared_in(&self) -> &str {
        match self {
            Self::Field(field) => &field.declared_in,
            Self::Link(link) => &link.declared_in,
        }
    }

    /// Returns its name in the source.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Field(field) => field.span,
            Self::Link(link) => link.span,
        }
    }

    /// Returns the name in lowerCamelCase, as custom resources have it.
    #[must_use]
    pub fn camel_name(&self) -> String {
        field::camel_case(self.name())
    }

    /// Returns whether both are the same member, and not only equal ones.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(one), Self::Field(other)) => Arc::ptr_eq(one, other),
            (Self::Link(one), Self::Link(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}
