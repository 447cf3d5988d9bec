//! Values with expressions in their texts.

use serde_json::{Map, Value as Json};
use xos_expressions::{EvaluationError, Scope, Template, Type, Values};
use xos_yaml::{Node, Value};

use super::Compiler;

/// A value with expressions in its texts.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Constant(Json),
    Text(Template),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Tree {
    /// Returns the value.
    pub(crate) fn value(&self, values: &Values) -> Result<Json, EvaluationError> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Text(template) => template.value(values),
            Self::List(items) => items.iter().map(|item| item.value(values)).collect(),
            Self::Map(members) => {
                let member = |(key, tree): &(String, Self)| Ok((key.clone(), tree.value(values)?));
                members.iter().map(member).collect::<Result<Map<_, _>, _>>().map(Json::Object)
            }
        }
    }

    /// Returns the type of the value.
    pub(crate) fn of(&self) -> Type {
        match self {
            Self::Constant(Json::Null) => Type::Null,
            Self::Constant(Json::Bool(_)) => Type::Bool,
            Self::Constant(Json::Number(number)) if number.is_f64() => Type::Double,
            Self::Constant(Json::Number(_)) => Type::Int,
            Self::Constant(_) => Type::Text,
            Self::Text(template) => template.of(),
            Self::List(items) => match items.first() {
                Some(first) if items.iter().all(|item| item.of() == first.of()) => Type::list(first.of()),
                _ => Type::list(Type::Any),
            },
            Self::Map(_) => Type::map(Type::Any),
        }
    }
}

impl Compiler<'_> {
    /// Reads a value with expressions in its texts. Returns nothing if one of them is wrong.
    pub(super) fn tree(&mut self, node: &Node, scope: &Scope<'_>) -> Option<Tree> {
        match &node.value {
            Value::Text(text) if text.contains("${") => self.template(node, scope, &Type::Any).map(Tree::Text),
            Value::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.tree(item, scope)).collect();
                items.into_iter().collect::<Option<_>>().map(Tree::List)
            }
            Value::Map(entries) => {
                let members: Vec<_> = entries.iter().map(|entry| (entry, self.tree(&entry.node, scope))).collect();
                let member = |(entry, tree): (&xos_yaml::Entry, Option<Tree>)| Some((entry.key.clone(), tree?));
                members.into_iter().map(member).collect::<Option<_>>().map(Tree::Map)
            }
            _ => Some(Tree::Constant(node.clone().into_json())),
        }
    }
}
