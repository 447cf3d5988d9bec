//! A policy as a CEL expression over `spec`.

use std::fmt;

use xos_xproto::model::{Call, Expr, ExprKind, Path, Root, Term, TermKind};
use xos_xproto::{Model, ModelSet};

use super::operand::{Kind, Operand, member};
use super::{cost, text};

/// The field that XOS's core sets on every object that exists.
const OF_STATUS: [&str; 2] = ["id", "pk"];
/// The greatest depth of calls between policies in a rule.
const DEEPEST: usize = 16;
/// The greatest length of a rule. The API server's own limit is far higher, but people should be able to read it.
const LONGEST: usize = 5 * 1024;

/// Why the API server cannot evaluate a part of a validator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// It depends on another object.
    OtherObject {
        /// The path or the quantifier.
        what: String,
    },
    /// It depends on the user.
    User,
    /// It depends on a field that synchronizers write, which is in status.
    Status {
        /// The field.
        field: String,
    },
    /// It is Python.
    Python,
    /// It compares values that a rule cannot compare, such as dates with texts.
    Incomparable {
        /// The comparison.
        what: String,
    },
    /// It would cost more than the API server allows, because a text in it has no `max_length`.
    Costly {
        /// The part.
        what: String,
    },
    /// It calls policies too deep, or is too long.
    TooLong,
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherObject { what } => write!(f, "`{what}` depends on another object"),
            Self::User => f.write_str("it depends on the user"),
            Self::Status { field } => write!(f, "`{field}` is written by synchronizers, to status"),
            Self::Python => f.write_str("only XOS's own core can evaluate Python"),
            Self::Incomparable { what } => write!(f, "a rule cannot compare the two in `{what}`"),
            Self::Costly { what } => write!(f, "`{what}` costs too much without a max_length"),
            Self::TooLong => f.write_str("it is too long for a rule"),
        }
    }
}

/// A rule, and how tightly its outermost operator binds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) text: String,
    rank: Rank,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Or,
    And,
    /// Comparisons: not behind a `!` as they are.
    Relation,
    Unary,
}

impl Rule {
    fn new(text: String, rank: Rank) -> Self {
        Self { text, rank }
    }

    /// Returns the text, in parentheses if it binds less tightly than `rank`.
    fn within(&self, rank: Rank) -> String {
        if self.rank < rank { format!("({})", self.text) } else { self.text.clone() }
    }

    /// Makes the rule that all of them hold.
    pub(super) fn all(rules: Vec<Self>) -> Self {
        Self::join(rules, " && ", Rank::And)
    }

    fn join(rules: Vec<Self>, operator: &str, rank: Rank) -> Self {
        match <[Self; 1]>::try_from(rules) {
            Ok([only]) => only,
            Err(rules) => {
                let parts: Vec<_> = rules.iter().map(|rule| rule.within(rank)).collect();
                Self::new(parts.join(operator), rank)
            }
        }
    }

    fn not(&self) -> Self {
        Self::new(format!("!{}", self.within(Rank::Unary)), Rank::Unary)
    }

    /// Makes a rule of a condition from [`Operand`].
    fn condition(text: String) -> Self {
        let rank = if text.contains(" && ") {
            Rank::And
        } else if text.contains(' ') {
            Rank::Relation
        } else {
            Rank::Unary
        };
        Self::new(text, rank)
    }
}

/// Translates the policies of one model.
pub(super) struct Translator<'a> {
    models: &'a ModelSet,
    model: &'a Model,
    depth: usize,
    /// The meaning of `obj`: `self`, or `oldSelf` in a policy that is called for `old`.
    object: &'static str,
}

impl<'a> Translator<'a> {
    pub(super) fn new(models: &'a ModelSet, model: &'a Model) -> Self {
        Self { models, model, depth: 0, object: "self" }
    }

    pub(super) fn translate(&self, expr: &Expr) -> Result<Rule, Left> {
        let rule = self.expr(expr)?;
        if rule.text.len() > LONGEST { Err(Left::TooLong) } else { Ok(rule) }
    }

    fn expr(&self, expr: &Expr) -> Result<Rule, Left> {
        let all = |parts: &[Expr]| parts.iter().map(|part| self.expr(part)).collect::<Result<Vec<_>, _>>();
        match &expr.kind {
            ExprKind::Implies(one, other) => {
                Ok(Rule::join(vec![self.expr(one)?.not(), self.expr(other)?], " || ", Rank::Or))
            }
            ExprKind::Or(parts) => Ok(Rule::join(all(parts)?, " || ", Rank::Or)),
            ExprKind::And(parts) => Ok(Rule::all(all(parts)?)),
            ExprKind::Not(inner) => Ok(self.expr(inner)?.not()),
            ExprKind::Exists(_) | ExprKind::Forall(_) => Err(Left::OtherObject { what: expr.to_string() }),
            ExprKind::Equals(one, other) => self.equals(one, other, expr),
            ExprKind::In(one, other) => self.is_in(one, other, expr),
            ExprKind::Holds(term) => self.holds(term),
        }
    }

    fn holds(&self, term: &Term) -> Result<Rule, Left> {
        match &term.kind {
            TermKind::Call(call) => self.call(call),
            _ => Ok(Rule::condition(self.operand(term)?.holds())),
        }
    }

    /// Translates the call of a policy, which must be about the object itself.
    fn call(&self, call: &Call) -> Result<Rule, Left> {
        let object = match &call.argument.root {
            Root::Object if call.argument.steps.is_empty() => self.object,
            Root::Old if call.argument.steps.is_empty() => "oldSelf",
            _ => return Err(Left::OtherObject { what: format!("*{}({})", call.policy, call.argument) }),
        };
        let policy = self.models.policy(&call.policy).ok_or(Left::TooLong)?;
        if self.depth == DEEPEST {
            return Err(Left::TooLong);
        }
        Self { depth: self.depth + 1, object, ..*self }.translate(&policy.expr)
    }

    fn operand(&self, term: &Term) -> Result<Operand, Left> {
        Ok(match &term.kind {
            TermKind::Str(value) => {
                let longest = u32::try_from(value.chars().count()).unwrap_or(u32::MAX);
                Operand::literal(Kind::String, text::string(value), Some(longest))
            }
            TermKind::Int(value) => Operand::literal(Kind::Int, value.to_string(), None),
            TermKind::Float(value) => Operand::literal(Kind::Double, text::double(*value), None),
            TermKind::Bool(value) => Operand::literal(Kind::Bool, value.to_string(), None),
            TermKind::Null => Operand::literal(Kind::Null, "null".to_owned(), None),
            TermKind::Path(path) => return self.path(path),
            TermKind::Call(call) => Operand::literal(Kind::Bool, format!("({})", self.call(call)?.text), None),
            TermKind::Python(_) => return Err(Left::Python),
        })
    }

    fn path(&self, path: &Path) -> Result<Operand, Left> {
        let object = match &path.root {
            Root::Object => self.object,
            Root::Old => "oldSelf",
            Root::User | Root::WriteAccess | Root::ReadAccess => return Err(Left::User),
            Root::Bound(_) | Root::Unknown(_) => return Err(Left::OtherObject { what: path.to_string() }),
        };
        let other = || Left::OtherObject { what: path.to_string() };
        let (first, rest) = path.steps.split_first().ok_or_else(other)?;
        if OF_STATUS.contains(&first.name.as_str()) {
            return Err(Left::Status { field: first.name.clone() });
        }
        let operand = member(self.model, &first.name, object).ok_or_else(other)??;
        match rest {
            [] if !first.called => Ok(operand),
            [all] if operand.kind == Kind::Links && all.called && all.name == "all" => Ok(operand),
            _ => Err(other()),
        }
    }

    fn equals(&self, one: &Term, other: &Term, whole: &Expr) -> Result<Rule, Left> {
        let one = self.operand(one)?;
        let other = self.operand(other)?;
        let incomparable = || Left::Incomparable { what: whole.to_string() };
        if other.kind == Kind::Null {
            return Ok(Rule::condition(one.is_absent()));
        }
        if one.kind == Kind::Null {
            return Ok(Rule::condition(other.is_absent()));
        }
        let same = match (one.kind, other.kind) {
            (Kind::Link, Kind::Link) => same_reference(&one.text, &other.text),
            (Kind::Int, Kind::Double) => format!("double({}) == {}", one.text, other.text),
            (Kind::Double, Kind::Int) => format!("{} == double({})", one.text, other.text),
            (Kind::Links, _) | (_, Kind::Links) | (Kind::Bytes, _) | (_, Kind::Bytes) => return Err(incomparable()),
            (a, b) if a == b => format!("{} == {}", one.text, other.text),
            (Kind::Date, _) | (_, Kind::Date) => return Err(incomparable()),
            // As in Python, values of different types are equal only if both are missing.
            _ => {
                return Ok(match (one.present, other.present) {
                    (Some(a), Some(b)) => Rule::new(format!("!{a} && !{b}"), Rank::And),
                    _ => Rule::new("false".to_owned(), Rank::Unary),
                });
            }
        };
        cost::check(cost::of_comparison(one.longest, other.longest), whole)?;
        Ok(match (&one.present, &other.present) {
            (Some(a), Some(b)) => Rule::new(format!("{a} == {b} && (!{a} || {same})"), Rank::And),
            (Some(present), None) | (None, Some(present)) => Rule::new(format!("{present} && {same}"), Rank::And),
            (None, None) if one.kind == Kind::Link => Rule::new(same, Rank::And),
            (None, None) => Rule::new(same, Rank::Relation),
        })
    }

    fn is_in(&self, one: &Term, other: &Term, whole: &Expr) -> Result<Rule, Left> {
        let one = self.operand(one)?;
        let other = self.operand(other)?;
        let inside = match (one.kind, other.kind) {
            (Kind::String, Kind::String) => {
                cost::check(cost::of_contains(other.longest, one.longest), whole)?;
                format!("{}.contains({})", other.text, one.text)
            }
            (Kind::Link, Kind::Links) => {
                format!("{}.exists(p, {})", other.text, same_reference("p", &one.text))
            }
            (Kind::Null, _) => return Ok(Rule::new("false".to_owned(), Rank::Unary)),
            _ => return Err(Left::Incomparable { what: whole.to_string() }),
        };
        let conditions: Vec<_> = [one.present, other.present].into_iter().flatten().chain([inside]).collect();
        let rank = if conditions.len() > 1 { Rank::And } else { Rank::Unary };
        Ok(Rule::new(conditions.join(" && "), rank))
    }
}

/// Returns the condition that two references are equal: name, namespace and kind.
fn same_reference(one: &str, other: &str) -> String {
    let optional = |property: &str| {
        let property = text::property(property);
        let one = format!("{one}.{property}");
        let other = format!("{other}.{property}");
        format!("has({one}) == has({other}) && (!has({one}) || {one} == {other})")
    };
    format!("{one}.name == {other}.name && {} && {}", optional("namespace"), optional("kind"))
}
