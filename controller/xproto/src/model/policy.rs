//! Policies: first-order expressions about an object and about the user.

use std::fmt;

use crate::source::Span;

/// `policy name < expression >`
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The name.
    pub name: String,
    /// The comment right above the policy.
    pub doc: Option<String>,
    /// What has to hold.
    pub expr: Expr,
    /// The name of the policy in the source.
    pub span: Span,
}

/// A part of a policy that is true or false.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// Where it is in the source.
    pub span: Span,
}

/// What a part of a policy says. Its display is the language's own, with every pair of parentheses that it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `a -> b`
    Implies(Box<Expr>, Box<Expr>),
    /// `a | b | …`, at least two.
    Or(Vec<Expr>),
    /// `a & b & …`, at least two.
    And(Vec<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `exists Model: body`
    Exists(Quantifier),
    /// `forall Model: body`
    Forall(Quantifier),
    /// `a = b`
    Equals(Term, Term),
    /// `a in b`
    In(Term, Term),
    /// A term by itself, such as `ctx.user.is_admin`; it holds if its value is true, not empty and not null.
    Holds(Term),
}

/// The model that a part of a policy quantifies over.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantifier {
    /// The name of the model, which means one of its objects in the body.
    pub model: String,
    /// Where the name is in the source.
    pub model_span: Span,
    /// What must hold for the object.
    pub body: Box<Expr>,
}

/// A value in a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Which value.
    pub kind: TermKind,
    /// Where it is in the source.
    pub span: Span,
}

/// Which value a term is.
#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// A text in double quotes, without them.
    Str(String),
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// `True` or `False`.
    Bool(bool),
    /// `None`
    Null,
    /// `obj.site.name`
    Path(Path),
    /// `*policy(path)`: whether that policy holds for another object. It holds for an object that is not there.
    Call(Call),
    /// `{{ python }}`, which only XOS's own core can evaluate: the text without the braces.
    Python(String),
}

/// Names with dots between them, from a root on.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// Where the path begins.
    pub root: Root,
    /// The names after the root.
    pub steps: Vec<Step>,
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// `obj`: the object that the policy is about.
    Object,
    /// `old`: the object as it was before the save; our own addition to the language, for validators only.
    Old,
    /// `ctx.user`: the user whose access is checked.
    User,
    /// `ctx.write_access`: whether the object is to be changed.
    WriteAccess,
    /// `ctx.read_access`: whether the object is to be read.
    ReadAccess,
    /// The model of a quantifier around the path: its object.
    Bound(String),
    /// A name that means nothing here; it is an error.
    Unknown(String),
}

/// One name of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The name.
    pub name: String,
    /// Whether `()` follows it, as in `slices.all()`.
    pub called: bool,
    /// Where it is in the source.
    pub span: Span,
}

/// A call of another policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The name of the policy.
    pub policy: String,
    /// Where the name is in the source.
    pub policy_span: Span,
    /// The object that it is evaluated for. `*site_policy(site)` and `*site_policy(obj.site)` are the same.
    pub argument: Path,
}

/// `policy:message`, one of the rules of option `validators`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// The policy that must hold when an object is saved.
    pub policy: String,
    /// The message if it does not; `{obj.name}` is replaced by a value of the object.
    pub message: String,
    /// The option in the source.
    pub span: Span,
}

impl Expr {
    /// Calls `see` with this part and with every part of it, outer ones first.
    pub fn walk<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        match &self.kind {
            ExprKind::Implies(left, right) => {
                left.walk(see);
                right.walk(see);
            }
            ExprKind::Or(parts) | ExprKind::And(parts) => parts.iter().for_each(|part| part.walk(see)),
            ExprKind::Not(inner) => inner.walk(see),
            ExprKind::Exists(quantifier) | ExprKind::Forall(quantifier) => quantifier.body.walk(see),
            ExprKind::Equals(..) | ExprKind::In(..) | ExprKind::Holds(_) => {}
        }
    }

    /// Returns the terms of this part itself, without those of its parts.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        let (first, second) = match &self.kind {
            ExprKind::Equals(left, right) | ExprKind::In(left, right) => (Some(left), Some(right)),
            ExprKind::Holds(term) => (Some(term), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Returns how tightly the expression binds, from `->` (the least) to a term.
    fn rank(&self) -> u8 {
        match self.kind {
            // Its body goes as far to the right as it can, so that it is the last part or is in parentheses.
            ExprKind::Exists(_) | ExprKind::Forall(_) | ExprKind::Implies(..) => 0,
            ExprKind::Or(_) => 1,
            ExprKind::And(_) => 2,
            ExprKind::Not(_) => 3,
            ExprKind::Equals(..) | ExprKind::In(..) | ExprKind::Holds(_) => 4,
        }
    }

    /// Writes it, in parentheses if it binds less tightly than `rank`.
    fn write(&self, rank: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rank() < rank { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Implies(left, right) => {
                left.write(1, f)?;
                f.write_str(" -> ")?;
                right.write(0, f)
            }
            ExprKind::Or(parts) => list(parts, " | ", 2, f),
            ExprKind::And(parts) => list(parts, " & ", 3, f),
            ExprKind::Not(inner) => {
                f.write_str("not ")?;
                inner.write(3, f)
            }
            ExprKind::Exists(Quantifier { model, body, .. }) => write!(f, "exists {model}: {body}"),
            ExprKind::Forall(Quantifier { model, body, .. }) => write!(f, "forall {model}: {body}"),
            ExprKind::Equals(left, right) => write!(f, "{left} = {right}"),
            ExprKind::In(left, right) => write!(f, "{left} in {right}"),
            ExprKind::Holds(term) => term.fmt(f),
        }
    }
}

fn list(parts: &[Expr], between: &str, rank: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        part.write(rank, f)?;
    }
    Ok(())
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TermKind::Str(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            TermKind::Int(number) => number.fmt(f),
            TermKind::Float(number) => write!(f, "{number:?}"),
            TermKind::Bool(true) => f.write_str("True"),
            TermKind::Bool(false) => f.write_str("False"),
            TermKind::Null => f.write_str("None"),
            TermKind::Path(path) => path.fmt(f),
            TermKind::Call(call) => write!(f, "*{}({})", call.policy, call.argument),
            TermKind::Python(text) => write!(f, "{{{{ {text} }}}}"),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)?;
        self.steps.iter().try_for_each(|step| write!(f, ".{}{}", step.name, if step.called { "()" } else { "" }))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "obj",
            Self::Old => "old",
            Self::User => "ctx.user",
            Self::WriteAccess => "ctx.write_access",
            Self::ReadAccess => "ctx.read_access",
            Self::Bound(name) | Self::Unknown(name) => name,
        })
    }
}
