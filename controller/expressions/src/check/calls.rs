//! Calls of functions.

use cel::common::ast::{Expr, IdedExpr, SelectExpr, operators};
use xos_xproto::nearest;

use super::{Check, optional_of};
use crate::functions::{self, Overload};
use crate::scope::SELF;
use crate::types::Type;

impl Check<'_, '_> {
    pub(super) fn call(&mut self, expr: &mut IdedExpr) -> Type {
        let id = expr.id;
        let Expr::Call(call) = &mut expr.expr else { return Type::Any };
        if call.func_name == operators::OPT_SELECT {
            return self.optional_select(expr);
        }
        if let Some(namespace) = self.namespace_of(call.target.as_deref(), &call.func_name) {
            let args: Vec<_> = call.args.iter_mut().map(|arg| self.expr(arg)).collect();
            return self.overload(&format!("{namespace}.{}", call.func_name), false, &args, id);
        }
        let target = call.target.as_deref_mut().map(|target| self.expr(target));
        let args: Vec<_> = call.args.iter_mut().map(|arg| self.expr(arg)).collect();
        let name = call.func_name.clone();
        match target {
            None => match self.operator(&name, &args, id) {
                Some(of) => of,
                None => self.overload(&name, false, &args, id),
            },
            Some(target) => {
                let all: Vec<_> = std::iter::once(target).chain(args).collect();
                self.overload(&name, true, &all, id)
            }
        }
    }

    /// Returns the namespace in which a function is called: `math` in `math.abs(x)`.
    fn namespace_of(&self, target: Option<&IdedExpr>, function: &str) -> Option<String> {
        let Expr::Ident(name) = &target?.expr else { return None };
        let is_variable = self.locals.iter().any(|(local, _)| local == name) || self.scope.variable(name).is_some();
        let full = format!("{name}.{function}");
        let is_namespace = functions::names(false).any(|known| known.split_once('.').is_some_and(|(of, _)| of == name));
        let is_known = functions::named(&full, false).next().is_some();
        (!is_variable && (is_known || is_namespace)).then(|| name.clone())
    }

    /// `x.?f`
    fn optional_select(&mut self, expr: &mut IdedExpr) -> Type {
        let id = expr.id;
        let Expr::Call(call) = &mut expr.expr else { return Type::Any };
        let [operand, field] = call.args.as_mut_slice() else { return Type::Any };
        let is_self = matches!(&operand.expr, Expr::Ident(name) if name == SELF);
        let of = self.expr(operand);
        let Expr::Literal(cel::common::ast::LiteralValue::String(name)) = &field.expr else { return Type::Any };
        let name = name.inner().to_owned();
        let member = self.member(&of, &name, id, is_self);
        if matches!(of, Type::Object(_)) {
            let select = SelectExpr { operand: Box::new(std::mem::take(operand)), field: name, test: false };
            *expr = optional_of(id, IdedExpr { id, expr: Expr::Select(select) });
        }
        match member {
            member @ Type::Optional(_) => member,
            member => Type::Optional(member.into()),
        }
    }

    /// Returns what a function gives; what it is called on is the first of `args`.
    fn overload(&mut self, name: &str, is_member: bool, args: &[Type], id: u64) -> Type {
        let known: Vec<_> = functions::named(name, is_member).collect();
        if known.is_empty() {
            return self.unknown_function(name, is_member, id);
        }
        let fits = |overload: &&&Overload| {
            let takes: Vec<_> = overload.on.iter().chain(overload.takes).collect();
            takes.len() == args.len() && takes.iter().zip(args).all(|(takes, of)| takes.takes(of))
        };
        if let Some(overload) = known.iter().find(fits) {
            return (overload.gives)(args);
        }
        let given: Vec<_> = args.iter().map(Type::to_string).collect();
        let given = match given.as_slice() {
            [target, args @ ..] if is_member => format!("`{name}({})` of {target}", args.join(", ")),
            args => format!("`{name}({})`", args.join(", ")),
        };
        let ways: Vec<_> = known.iter().map(|one| signature(one)).collect();
        let plain = name.rsplit('.').next().unwrap_or(name);
        self.fault_of(plain, id, format!("there is no {given}"), Some(format!("there is {}", ways.join("; "))))
    }

    fn unknown_function(&mut self, name: &str, is_member: bool, id: u64) -> Type {
        let as_other = functions::named(name, !is_member).next();
        let help = match as_other {
            Some(other) => Some(format!("there is {}", signature(other))),
            None => nearest(name, functions::names(is_member)).map(|near| format!("did you mean `{near}`?")),
        };
        let plain = name.rsplit('.').next().unwrap_or(name);
        self.fault_of(plain, id, format!("there is no function `{name}`"), help)
    }
}

/// Returns how a function is called: "`replace(a string, a string)` of a string".
fn signature(overload: &Overload) -> String {
    let takes: Vec<_> = overload.takes.iter().map(|takes| takes.name()).collect();
    let call = format!("`{}({})`", overload.name, takes.join(", "));
    overload.on.map_or(call.clone(), |on| format!("{call} of {}", on.name()))
}
