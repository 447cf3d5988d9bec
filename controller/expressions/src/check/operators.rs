//! Operators.

use std::sync::Arc;

use cel::common::ast::operators as op;

use super::Check;
use crate::types::Type;

impl Check<'_, '_> {
    /// Returns what an operator gives; nothing if the function is none.
    pub(super) fn operator(&mut self, name: &str, args: &[Type], id: u64) -> Option<Type> {
        Some(match (name, args) {
            (op::LOGICAL_AND | op::LOGICAL_OR, all) => {
                for of in all {
                    self.expect_bool(of, sign(name), id);
                }
                Type::Bool
            }
            (op::LOGICAL_NOT, [of]) => {
                self.expect_bool(of, "!", id);
                Type::Bool
            }
            (op::NOT_STRICTLY_FALSE, _) => Type::Bool,
            (op::CONDITIONAL, [condition, one, other]) => {
                self.expect_bool(condition, "? :", id);
                one.joined(other, self.scope.models()).unwrap_or(Type::Any)
            }
            (op::EQUALS | op::NOT_EQUALS, [one, other]) => self.equality(name, one, other, id),
            (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, [one, other]) => {
                self.comparison(name, one, other, id)
            }
            (op::IN, [item, all]) => self.membership(item, all, id),
            (op::INDEX, [of, index]) => self.index(of, index, id),
            (op::OPT_INDEX, [of, index]) => Type::Optional(Arc::new(self.index(of, index, id))),
            (op::NEGATE, [of]) => match of {
                Type::Int | Type::Double | Type::Any | Type::Null | Type::Nothing => of.clone(),
                of => self.fault(id, format!("there is no `-` of {of}"), None),
            },
            (op::ADD | op::SUBSTRACT | op::MULTIPLY | op::DIVIDE | op::MODULO, [one, other]) => {
                self.arithmetic(name, one, other, id)
            }
            _ => return None,
        })
    }

    fn expect_bool(&mut self, of: &Type, sign: &str, id: u64) {
        if !matches!(of, Type::Bool | Type::Any | Type::Null | Type::Nothing) {
            self.fault(id, format!("`{sign}` needs a bool, and not a value of type {of}"), None);
        }
    }

    fn equality(&mut self, name: &str, one: &Type, other: &Type, id: u64) -> Type {
        let may_be = one.joined(other, self.scope.models()).is_some() || (one.is_number() && other.is_number());
        if !may_be {
            let answer = if name == op::EQUALS { "false" } else { "true" };
            let message = format!("`{}` of {one} and {other} is always {answer}", sign(name));
            self.fault(id, message, help(one, other));
        }
        Type::Bool
    }

    fn comparison(&mut self, name: &str, one: &Type, other: &Type, id: u64) -> Type {
        let is_open = |of: &Type| matches!(of, Type::Any | Type::Null | Type::Nothing);
        let has_order = |of: &Type| {
            matches!(of, Type::Bool | Type::Text | Type::Bytes | Type::Timestamp | Type::Duration) || of.is_number()
        };
        let fits = match (one, other) {
            (one, other) if is_open(one) || is_open(other) => {
                (is_open(one) || has_order(one)) && (is_open(other) || has_order(other))
            }
            (one, other) => (one == other && has_order(one)) || (one.is_number() && other.is_number()),
        };
        if !fits {
            self.fault(id, format!("there is no `{}` of {one} and {other}", sign(name)), help(one, other));
        }
        Type::Bool
    }

    fn membership(&mut self, item: &Type, all: &Type, id: u64) -> Type {
        let of = match all {
            Type::List(items) => items.as_ref().clone(),
            Type::Map(_) => Type::Text,
            Type::Any | Type::Null | Type::Nothing => Type::Any,
            other => {
                self.fault(id, format!("`in` needs a list or a map after it, and not a value of type {other}"), None);
                Type::Any
            }
        };
        if item.joined(&of, self.scope.models()).is_none() && !(item.is_number() && of.is_number()) {
            self.fault(id, format!("`in` of {item} and {all} is always false"), help(item, &of));
        }
        Type::Bool
    }

    fn index(&mut self, of: &Type, index: &Type, id: u64) -> Type {
        let (wanted, value) = match of {
            Type::List(item) => (Type::Int, item.as_ref().clone()),
            Type::Map(value) => (Type::Text, value.as_ref().clone()),
            Type::Optional(inner) => {
                let inner = inner.as_ref().clone();
                return self.index(&inner, index, id);
            }
            Type::Any | Type::Null | Type::Nothing | Type::Object(_) | Type::Record(_) => return Type::Any,
            other => return self.fault(id, format!("a value of type {other} has no `[…]`"), None),
        };
        if !wanted.takes(index, self.scope.models()) {
            self.fault(id, format!("`[…]` of a {of} needs a value of type {wanted}, and not {index}"), None);
        }
        value
    }

    fn arithmetic(&mut self, name: &str, one: &Type, other: &Type, id: u64) -> Type {
        if let Some(of) = self.result(name, one, other) {
            return of;
        }
        self.fault(id, format!("there is no `{}` of {one} and {other}", sign(name)), help(one, other))
    }

    fn result(&self, name: &str, one: &Type, other: &Type) -> Option<Type> {
        let is_open = |of: &Type| matches!(of, Type::Any | Type::Null | Type::Nothing);
        let calculates = |of: &Type| {
            of.is_number()
                || (name == op::ADD && matches!(of, Type::Text | Type::Bytes | Type::List(_)))
                || (matches!(name, op::ADD | op::SUBSTRACT) && matches!(of, Type::Timestamp | Type::Duration))
        };
        match (one, other) {
            (one, other) if is_open(one) && is_open(other) => Some(Type::Any),
            (one, known) | (known, one) if is_open(one) => calculates(known).then(|| match known {
                Type::Timestamp | Type::Duration => Type::Any,
                Type::List(_) => Type::list(Type::Any),
                known => known.clone(),
            }),
            (Type::Double, Type::Double) if name == op::MODULO => None,
            (one, other) if one.is_number() && one == other => Some(one.clone()),
            (Type::Text, Type::Text) | (Type::Bytes, Type::Bytes) if name == op::ADD => Some(one.clone()),
            (Type::List(_), Type::List(_)) if name == op::ADD => one.joined(other, self.scope.models()),
            (Type::Timestamp, Type::Duration) if matches!(name, op::ADD | op::SUBSTRACT) => Some(Type::Timestamp),
            (Type::Duration, Type::Timestamp) if name == op::ADD => Some(Type::Timestamp),
            (Type::Timestamp, Type::Timestamp) if name == op::SUBSTRACT => Some(Type::Duration),
            (Type::Duration, Type::Duration) if matches!(name, op::ADD | op::SUBSTRACT) => Some(Type::Duration),
            _ => None,
        }
    }
}

/// Returns an operator as people write it.
fn sign(name: &str) -> &str {
    name.trim_matches('_')
}

/// Returns how to make two values alike.
fn help(one: &Type, other: &Type) -> Option<String> {
    let text = match (one, other) {
        (Type::Text, of) | (of, Type::Text) if of.is_number() || *of == Type::Bool => {
            "write `string(…)` around the one that is no string"
        }
        (Type::Int, Type::Double) | (Type::Double, Type::Int) => "write `double(…)` around the int",
        (Type::Timestamp, Type::Text) | (Type::Text, Type::Timestamp) => "write `timestamp(…)` around the string",
        (Type::Duration, Type::Text) | (Type::Text, Type::Duration) => "write `duration(…)` around the string",
        (Type::Object(_), Type::Text) | (Type::Text, Type::Object(_)) => {
            "write the object's field after it, as in `x.name`"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
