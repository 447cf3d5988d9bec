//! Checks an expression against the names and types that it may use.
//!
//! What depends on the models is written in another way where CEL's own would differ: of an object `has(x.f)` is
//! `x.f != null`, and `x.?f` is empty where `x.f` is null.

mod calls;
mod operators;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::operators::{CONDITIONAL, EQUALS, NOT_EQUALS};
use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, MapExpr, SourceInfo,
};
use xos_xproto::nearest;

use crate::fault::Fault;
use crate::scope::{SELF, Scope};
use crate::types::Type;

/// How many comprehensions may be inside each other: the time that one takes multiplies.
const DEEPEST: usize = 3;

/// Checks one expression.
pub(crate) struct Check<'a, 'm> {
    scope: &'a Scope<'m>,
    source: &'a SourceInfo,
    /// The variables of comprehensions, the innermost last.
    locals: Vec<(String, Type)>,
    depth: usize,
    pub(crate) faults: Vec<Fault>,
    pub(crate) uses: Vec<Use>,
    pub(crate) follows_links: bool,
    /// The models whose objects are read by links.
    pub(crate) reads: BTreeSet<String>,
}

/// A use of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The model of the object, as far as it is known.
    pub(crate) model: Arc<str>,
    pub(crate) name: String,
    /// Whether the object is `self`.
    pub(crate) is_of_self: bool,
}

impl<'a, 'm> Check<'a, 'm> {
    pub(crate) fn new(scope: &'a Scope<'m>, source: &'a SourceInfo) -> Self {
        Self {
            scope,
            source,
            locals: vec![],
            depth: 0,
            faults: vec![],
            uses: vec![],
            follows_links: false,
            reads: BTreeSet::new(),
        }
    }

    /// Returns the type of an expression. What is wrong with it is noted.
    pub(crate) fn expr(&mut self, expr: &mut IdedExpr) -> Type {
        let id = expr.id;
        match &mut expr.expr {
            Expr::Literal(literal) => of_literal(literal),
            Expr::Ident(name) => {
                let name = name.clone();
                self.variable(&name, id)
            }
            Expr::Select(_) => self.select(expr),
            Expr::Call(_) => self.call(expr),
            Expr::List(list) => self.list(list),
            Expr::Map(map) => self.map(map),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, id),
            Expr::Struct(of) => {
                let message = format!("there is no type `{}` that can be written like this", of.type_name);
                self.fault(id, message, Some("write a map: `{\"key\": value}`".to_owned()))
            }
            Expr::Unspecified => Type::Any,
        }
    }

    /// Notes a fault. Returns the type of what cannot be known.
    fn fault(&mut self, id: u64, message: impl Into<String>, help: Option<String>) -> Type {
        self.faults.push(Fault::new(message, self.at(id)).with_help(help));
        Type::Any
    }

    /// Notes a fault of a name: of a member, or of a function.
    fn fault_of(&mut self, name: &str, id: u64, message: impl Into<String>, help: Option<String>) -> Type {
        let text = &self.source.source;
        let place = self.at(id);
        // The place is that of the point before it, or of the parenthesis after it.
        let (before, after) =
            (text.get(..place.start).unwrap_or_default(), text.get(place.start..).unwrap_or_default());
        let start = match after.strip_prefix(['.', '?']).map(|after| after.trim_start_matches(['?', ' ', '\n'])) {
            Some(member) if member.starts_with(name) => Some(text.len() - member.len()),
            _ => before.rfind(name),
        };
        let at = start.map_or(place, |start| start..start + name.len());
        self.faults.push(Fault::new(message, at).with_help(help));
        Type::Any
    }

    /// Returns the bytes of a part of the expression.
    fn at(&self, id: u64) -> Range<usize> {
        let text = &self.source.source;
        let byte = |at: u32| {
            let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
            (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len())
        };
        let (start, last) = self.source.offset_for(id).unwrap_or_default();
        byte(start)..byte(last.saturating_add(1)).max(byte(start))
    }

    fn variable(&mut self, name: &str, id: u64) -> Type {
        let local = self.locals.iter().rev().find(|(local, _)| local == name).map(|(_, of)| of.clone());
        if let Some(of) = local.or_else(|| self.scope.variable(name).cloned()) {
            return of;
        }
        if matches!(
            name,
            "bool" | "int" | "uint" | "double" | "string" | "bytes" | "list" | "map" | "null_type" | "type"
        ) {
            return Type::Type;
        }
        let known: Vec<_> = self.locals.iter().map(|(name, _)| name).chain(self.scope.names()).cloned().collect();
        let known: Vec<_> = known.into_iter().filter(|name| !name.starts_with(['@', '#'])).collect();
        let help = match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "no names are known here".to_owned(),
            None => format!("known here: {}", known.join(", ")),
        };
        self.fault(id, format!("`{name}` is not known here"), Some(help))
    }

    fn select(&mut self, expr: &mut IdedExpr) -> Type {
        let id = expr.id;
        let Expr::Select(select) = &mut expr.expr else { return Type::Any };
        let operand = self.expr(&mut select.operand);
        let is_self = matches!(&select.operand.expr, Expr::Ident(name) if name == SELF);
        let of = self.member(&operand, &select.field.clone(), id, is_self);
        if !select.test {
            return of;
        }
        if matches!(operand, Type::Object(_)) {
            select.test = false;
            let selected = std::mem::take(expr);
            *expr = call(id, NOT_EQUALS, vec![selected, null(id)]);
        }
        Type::Bool
    }

    /// Returns the type of a member of something.
    fn member(&mut self, of: &Type, name: &str, id: u64, is_self: bool) -> Type {
        match of {
            Type::Any | Type::Nothing | Type::Null => Type::Any,
            Type::Map(value) => value.as_ref().clone(),
            Type::Optional(value) => {
                let value = value.as_ref().clone();
                let member = self.member(&value, name, id, false);
                Type::Optional(member.into())
            }
            Type::Object(model) if !self.scope.has_links && self.scope.is_link(model, name) => {
                self.fault_of(name, id, format!("`{name}` leads to other objects, which are not known here"), None)
            }
            Type::Object(model) if self.scope.is_hidden(model, name) => {
                let help = "everybody can read what is computed".to_owned();
                self.fault_of(name, id, format!("`{name}` is secret"), Some(help))
            }
            Type::Object(model) => {
                self.note_use(model, name, is_self);
                self.object_member(model, name, id)
            }
            Type::Record(record) => record.members.get(name).cloned().unwrap_or_else(|| {
                let known: Vec<_> = record.members.keys().map(AsRef::as_ref).collect();
                let help = match nearest(name, &known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it has {}", known.join(", ")),
                };
                self.fault_of(name, id, format!("the {} has no `{name}`", record.name), Some(help))
            }),
            other => self.fault_of(name, id, format!("a value of type {other} has no `{name}`"), None),
        }
    }

    fn object_member(&mut self, model: &str, name: &str, id: u64) -> Type {
        let Some(of) = self.scope.member(model, name) else {
            let near = self.scope.nearest_member(model, name).map(|near| format!("did you mean `{near}`?"));
            return self.fault_of(name, id, format!("model {model} has no field or link `{name}`"), near);
        };
        let peer = if let Type::List(item) = &of { item } else { &of };
        if let Type::Object(peer) = peer {
            self.reads.insert(peer.to_string());
        }
        of
    }

    /// Notes what an expression depends on.
    fn note_use(&mut self, model: &Arc<str>, name: &str, is_of_self: bool) {
        self.follows_links |= self.scope.is_link(model, name);
        if self.scope.is_property(model, name) {
            self.uses.push(Use { model: Arc::clone(model), name: name.to_owned(), is_of_self });
        }
    }

    fn list(&mut self, list: &mut ListExpr) -> Type {
        let mut all = Type::Nothing;
        for (at, item) in list.elements.iter_mut().enumerate() {
            let mut of = self.expr(item);
            if let (Type::Optional(inner), true) = (&of, list.optional_indices.contains(&at)) {
                of = inner.as_ref().clone();
            }
            all = all.joined(&of, self.scope.models).unwrap_or(Type::Any);
        }
        Type::list(all)
    }

    fn map(&mut self, map: &mut MapExpr) -> Type {
        let mut all = Type::Nothing;
        for entry in &mut map.entries {
            let EntryExpr::MapEntry(entry) = &mut entry.expr else { continue };
            self.expr(&mut entry.key);
            let mut of = self.expr(&mut entry.value);
            if let (Type::Optional(inner), true) = (&of, entry.optional) {
                of = inner.as_ref().clone();
            }
            all = all.joined(&of, self.scope.models).unwrap_or(Type::Any);
        }
        Type::map(all)
    }

    /// The macros `all`, `exists`, `filter`, `map` … are comprehensions here.
    fn comprehension(&mut self, comprehension: &mut ComprehensionExpr, id: u64) -> Type {
        let is_loop = comprehension.iter_var != "#unused";
        self.depth += usize::from(is_loop);
        if self.depth > DEEPEST {
            self.depth -= 1;
            return self.fault(id, format!("more than {DEEPEST} loops are inside each other"), None);
        }
        let range = self.expr(&mut comprehension.iter_range);
        let (first, second) = match range {
            Type::List(item) => (item.as_ref().clone(), None),
            // The keys, or the keys with the values.
            Type::Map(value) => (Type::Text, Some(value.as_ref().clone())),
            Type::Any | Type::Nothing | Type::Null => (Type::Any, None),
            other => {
                let message = format!("a value of type {other} has no items");
                (self.fault(comprehension.iter_range.id, message, None), None)
            }
        };
        let init = self.expr(&mut comprehension.accu_init);
        let locals = self.locals.len();
        self.locals.push((comprehension.accu_var.clone(), init.clone()));
        match comprehension.iter_var2.clone() {
            Some(other) => {
                let (index, item) = second.map_or((Type::Int, first.clone()), |value| (first.clone(), value));
                self.locals.push((comprehension.iter_var.clone(), index));
                self.locals.push((other, item));
            }
            None => self.locals.push((comprehension.iter_var.clone(), first)),
        }
        self.expr(&mut comprehension.loop_cond);
        let step = self.expr(&mut comprehension.loop_step);
        self.locals.truncate(locals);
        let of = init.joined(&step, self.scope.models).unwrap_or(Type::Any);
        self.locals.push((comprehension.accu_var.clone(), of));
        let result = self.expr(&mut comprehension.result);
        self.locals.truncate(locals);
        self.depth -= usize::from(is_loop);
        result
    }
}

fn of_literal(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) => Type::Double,
        LiteralValue::Int(_) => Type::Int,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::Text,
        LiteralValue::UInt(_) => Type::Uint,
    }
}

fn call(id: u64, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target: None, args }) }
}

fn null(id: u64) -> IdedExpr {
    IdedExpr { id, expr: Expr::Literal(LiteralValue::Null) }
}

/// Returns `optional.<function>(args)`.
fn optional(id: u64, function: &str, args: Vec<IdedExpr>) -> IdedExpr {
    let target = Some(Box::new(IdedExpr { id, expr: Expr::Ident("optional".to_owned()) }));
    IdedExpr { id, expr: Expr::Call(CallExpr { func_name: function.to_owned(), target, args }) }
}

/// Returns what is empty where a value is null: `value == null ? optional.none() : optional.of(value)`.
fn optional_of(id: u64, value: IdedExpr) -> IdedExpr {
    let is_null = call(id, EQUALS, vec![value.clone(), null(id)]);
    call(id, CONDITIONAL, vec![is_null, optional(id, "none", vec![]), optional(id, "of", vec![value])])
}
