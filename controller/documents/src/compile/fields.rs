//! The values that a document gives to fields.

use serde_json::{Value as Json, json};
use xos_expressions::{EvaluationError, Scope, Type, Values};
use xos_xproto::{Field, Link, Member, Model, nearest};
use xos_yaml::{Entry, Node};

use super::{Compiler, Tree};
use crate::problem::Problem;
use crate::read::entries;

/// A field or link with the value that it gets.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Its name.
    pub(crate) name: String,
    form: Form,
    tree: Tree,
}

/// In which form a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As text: numbers become texts.
    Text,
    /// As a number with a fraction.
    Double,
    /// As a link, or as several; with the kind of the object if it may be of several ones.
    Link { many: bool, with_kind: bool },
    /// As it is.
    Plain,
}

impl Target {
    /// Returns the value, in the form in which an object of this namespace has it.
    pub(crate) fn value(&self, values: &Values, namespace: &str) -> Result<Json, EvaluationError> {
        Ok(self.form.formed(self.tree.value(values)?, namespace))
    }
}

impl Form {
    fn formed(self, value: Json, namespace: &str) -> Json {
        match (self, value) {
            (Self::Text, Json::Number(number)) => Json::String(number.to_string()),
            (Self::Text, Json::Bool(flag)) => Json::String(flag.to_string()),
            (Self::Double, Json::Number(number)) => json!(number.as_f64()),
            (Self::Link { many: false, with_kind }, value) => link(value, with_kind, namespace),
            (Self::Link { many: true, with_kind }, Json::Array(items)) => {
                items.into_iter().map(|item| link(item, with_kind, namespace)).collect()
            }
            (_, value) => value,
        }
    }

    fn of_field(field: &Field) -> Self {
        match Type::of_field(field) {
            Type::Text => Self::Text,
            Type::Double => Self::Double,
            _ => Self::Plain,
        }
    }
}

/// Returns a link to an object of which the name is given, or more.
fn link(value: Json, with_kind: bool, namespace: &str) -> Json {
    match value {
        Json::String(name) => json!({"name": name}),
        Json::Object(mut members) => {
            if members.get("namespace").is_some_and(|other| other == namespace || other.is_null()) {
                members.remove("namespace");
            }
            if !with_kind {
                members.remove("kind");
            }
            Json::Object(members)
        }
        value => value,
    }
}

impl Compiler<'_> {
    /// Reads the values of fields. Returns nothing if one is wrong.
    pub(super) fn fields(
        &mut self,
        node: Option<&Node>,
        model: Option<&Model>,
        scope: &Scope<'_>,
    ) -> Option<Vec<Target>> {
        let all: Vec<_> =
            node.map(entries).unwrap_or_default().iter().map(|entry| self.target(entry, model, scope)).collect();
        all.into_iter().collect()
    }

    fn target(&mut self, entry: &Entry, model: Option<&Model>, scope: &Scope<'_>) -> Option<Target> {
        let tree = self.tree(&entry.node, scope);
        let model = model?;
        let (form, wanted) = match (model.field(&entry.key), model.link(&entry.key)) {
            (Some(field), _) => (Form::of_field(field), self.of_field(field, entry)?),
            (_, Some(link)) => (self.of_link(link), Type::Any),
            (None, None) => {
                let suggestion = nearest(&entry.key, model.members().map(Member::name));
                let problem = Problem::UnknownField { model: model.name.clone(), field: entry.key.clone(), suggestion };
                self.report.push(problem, &entry.place);
                return None;
            }
        };
        let tree = tree?;
        let of = tree.of();
        // A number becomes a text, and a whole number one with a fraction.
        let fits = wanted.takes(&of, scope.models())
            || (form == Form::Text && matches!(of, Type::Int | Type::Double | Type::Bool))
            || (form == Form::Double && of == Type::Int);
        let fits = fits && model.link(&entry.key).is_none_or(|link| fits_link(link, &of, scope));
        if !fits {
            let message = match model.link(&entry.key) {
                Some(link) => format!("`{}` is a link to {}, and cannot be a value of type {of}", link.name, link.peer),
                None => format!("`{}` is of type {wanted}, and cannot be a value of type {of}", entry.key),
            };
            self.report.push(Problem::Expression { message, mend: None }, &entry.node.place);
            return None;
        }
        Some(Target { name: entry.key.clone(), form, tree })
    }

    fn of_field(&mut self, field: &Field, entry: &Entry) -> Option<Type> {
        if !field.is_settable() {
            self.report.push(Problem::NotWritable { field: field.name.clone() }, &entry.place);
            return None;
        }
        Some(Type::of_field(field))
    }

    fn of_link(&self, link: &Link) -> Form {
        Form::Link { many: link.is_to_many(), with_kind: self.models.is_base(&link.peer) }
    }
}

/// Returns whether a value may be that of a link: an object, its name, or a map with both.
fn fits_link(link: &Link, of: &Type, scope: &Scope<'_>) -> bool {
    let one = |of: &Type| {
        matches!(of, Type::Any | Type::Null | Type::Nothing | Type::Text | Type::Map(_))
            || Type::object(&link.peer).takes(of, scope.models())
    };
    match of {
        Type::List(item) => link.is_to_many() && one(item),
        Type::Any | Type::Null | Type::Nothing => true,
        of => !link.is_to_many() && one(of),
    }
}
