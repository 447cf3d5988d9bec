//! Texts with expressions in `${…}`.

use serde_json::Value as Json;

use crate::environment::encoded;
use crate::expression::{EvaluationError, Expression};
use crate::fault::{Fault, Faults};
use crate::scope::Scope;
use crate::types::Type;
use crate::values::Values;

/// A text with expressions in `${…}`; `$${` stands for `${`.
#[derive(Clone, Debug)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value(Box<Expression>),
}

impl Template {
    /// Reads a text, and checks its expressions.
    ///
    /// # Errors
    /// Says all that is wrong with them, and where in the text.
    pub fn compile(text: &str, scope: &Scope<'_>) -> Result<Self, Faults> {
        let mut parts: Vec<Part> = vec![];
        let mut faults = vec![];
        let mut rest = 0;
        while let Some(found) = text[rest..].find("${") {
            let at = rest + found;
            if text[..at].ends_with('$') {
                push(&mut parts, &text[rest..at]);
                push(&mut parts, "{");
                rest = at + 2;
                continue;
            }
            push(&mut parts, &text[rest..at]);
            let start = at + 2;
            let Some(length) = end_of_expression(&text[start..]) else {
                let help = Some("write `$${` for a `${` that begins none".to_owned());
                faults.push(Fault::new("this expression has no end `}`", at..text.len()).with_help(help));
                rest = text.len();
                break;
            };
            match Expression::compile(&text[start..start + length], scope) {
                Ok(expression) => parts.push(Part::Value(Box::new(expression))),
                Err(wrong) => faults.extend(wrong.0.into_iter().map(|fault| fault.later(start))),
            }
            rest = start + length + 1;
        }
        push(&mut parts, &text[rest..]);
        if faults.is_empty() { Ok(Self(parts)) } else { Err(Faults(faults)) }
    }

    /// Reads a text whose value has to be of a type.
    ///
    /// # Errors
    /// As for [`compile`](Self::compile), and when it is of another type.
    pub fn compile_as(text: &str, scope: &Scope<'_>, wanted: &Type) -> Result<Self, Faults> {
        let compiled = Self::compile(text, scope)?;
        let of = compiled.of();
        if wanted.takes(&of, scope.models()) {
            return Ok(compiled);
        }
        let message = format!("this is of type {of}, and should be of type {wanted}");
        Err(Faults(vec![Fault::new(message, 0..text.len())]))
    }

    /// Returns the type of its values: that of the expression, if it is nothing else.
    pub fn of(&self) -> Type {
        match self.0.as_slice() {
            [Part::Value(one)] => one.of().clone(),
            _ => Type::Text,
        }
    }

    /// Returns the names of the models whose objects its expressions read by links.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        let expressions = self.0.iter().filter_map(|part| match part {
            Part::Value(one) => Some(one),
            Part::Text(_) => None,
        });
        expressions.flat_map(|one| one.reads())
    }

    /// Returns the text, if there is no expression in it.
    pub fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Returns the expression, if it is nothing else.
    pub fn expression(&self) -> Option<&Expression> {
        match self.0.as_slice() {
            [Part::Value(one)] => Some(one),
            _ => None,
        }
    }

    /// Returns its value: that of the expression, if it is nothing else, or a text.
    ///
    /// # Errors
    /// When an expression has no value.
    pub fn value(&self, values: &Values) -> Result<Json, EvaluationError> {
        match self.expression() {
            Some(one) => one.evaluate(values),
            None => self.text(values).map(Json::String),
        }
    }

    /// Returns the text with the values of all expressions.
    ///
    /// # Errors
    /// When an expression has no value, also when that is null.
    pub fn text(&self, values: &Values) -> Result<String, EvaluationError> {
        self.parts(values, |_, text| text)
    }

    /// Returns it as a URL: the values of expressions are encoded, but for one at the beginning, which is the address of a
    /// backend.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub fn url(&self, values: &Values) -> Result<String, EvaluationError> {
        self.parts(values, |at, text| if at == 0 { text } else { encoded(&text) })
    }

    fn parts(&self, values: &Values, written: impl Fn(usize, String) -> String) -> Result<String, EvaluationError> {
        let mut all = String::new();
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Text(text) => all.push_str(text),
                Part::Value(one) => all.push_str(&written(at, as_text(one, one.evaluate(values)?)?)),
            }
        }
        Ok(all)
    }
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn as_text(of: &Expression, value: Json) -> Result<String, EvaluationError> {
    match value {
        Json::String(text) => Ok(text),
        Json::Null => {
            let why = "it has no value (null), and a text needs one";
            Err(EvaluationError { expression: of.text().to_owned(), why: why.to_owned() })
        }
        value => Ok(value.to_string()),
    }
}

/// Returns the length of the expression at the beginning of a text that goes on with `}`: braces and texts in it are
/// part of it.
fn end_of_expression(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote: Option<char> = None;
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => drop(letters.next()),
            (Some(open), letter) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(letter),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}
