//! Values in policies.

use super::Reader;
use super::lex::{Kind, Token};
use crate::diagnostics::{PolicyError, Syntax};
use crate::model::{Call, Path, Root, Step, Term, TermKind};
use crate::parse::option::unquoted;
use crate::source::Span;

/// Words that begin no path.
const KEYWORDS: [&str; 4] = ["not", "in", "exists", "forall"];

/// A name of a path as written.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    name: &'a str,
    called: bool,
    span: Span,
}

impl Written<'_> {
    fn owned(self) -> Step {
        Step { name: self.name.to_owned(), called: self.called, span: self.span }
    }
}

impl<'a> Reader<'a> {
    /// Reads a value, if there is one here.
    pub(super) fn term(&mut self) -> Option<Term> {
        let token = self.peek();
        let word = self.word(token);
        let constant = match (token.kind, word) {
            (Kind::Str, text) => Some(TermKind::Str(unquoted(text))),
            (Kind::Number, text) => Some(self.number(text, token.span)),
            (Kind::Python, text) => {
                let inner = text.strip_prefix("{{").unwrap_or(text);
                Some(TermKind::Python(inner.strip_suffix("}}").unwrap_or(inner).trim().to_owned()))
            }
            (Kind::Word, "True") => Some(TermKind::Bool(true)),
            (Kind::Word, "False") => Some(TermKind::Bool(false)),
            (Kind::Word, "None") => Some(TermKind::Null),
            _ => None,
        };
        if let Some(kind) = constant {
            self.bump();
            return Some(Term { kind, span: token.span });
        }
        match token.kind {
            Kind::Star => self.call(),
            Kind::Word if !KEYWORDS.contains(&word) && self.is_function() => {
                self.function();
                None
            }
            Kind::Word if !KEYWORDS.contains(&word) => {
                let (path, span) = self.path(Root::Unknown)?;
                Some(Term { kind: TermKind::Path(path), span })
            }
            _ => None,
        }
    }

    /// Returns whether a name and the arguments of a function come next.
    fn is_function(&self) -> bool {
        self.nth(1).kind == Kind::LParen && self.nth(2).kind != Kind::RParen
    }

    /// Reports `X617`, and skips the call of a function.
    fn function(&mut self) {
        let name = self.bump();
        let mut depth = 0_usize;
        let mut last = name;
        loop {
            match self.peek().kind {
                Kind::LParen => depth += 1,
                Kind::RParen => depth = depth.saturating_sub(1),
                Kind::End => break,
                _ => {}
            }
            last = self.bump();
            if depth == 0 {
                break;
            }
        }
        let function = self.word(name).to_owned();
        self.report(PolicyError::Function { function }, name.span.to(last.span));
    }

    fn number(&mut self, text: &str, span: Span) -> TermKind {
        let text = text.strip_prefix('+').unwrap_or(text);
        if let Ok(number) = text.parse() {
            return TermKind::Int(number);
        }
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        number.map(TermKind::Float).unwrap_or_else(|| {
            self.report(Syntax::MalformedNumber, span);
            TermKind::Null
        })
    }

    /// Reads `*policy(path)`; a path that does not begin with a known name begins at the object.
    fn call(&mut self) -> Option<Term> {
        let star = self.bump();
        let name = self.required(Kind::Word, "the name of a policy")?;
        self.required(Kind::LParen, "`(` and the object that the policy is asked for")?;
        let at_object = |_: String| Root::Object;
        let (argument, _) = self.path(at_object)?;
        let close = self.required(Kind::RParen, "`)`")?;
        let call = Call { policy: self.word(name).to_owned(), policy_span: name.span, argument };
        Some(Term { kind: TermKind::Call(call), span: star.span.to(close.span) })
    }

    fn required(&mut self, kind: Kind, expected: &'static str) -> Option<Token> {
        let token = self.eat(kind);
        if token.is_none() {
            self.expected(expected);
        }
        token
    }

    /// Reads `obj.site.slices.all()`; `other` makes the root if the first name is not one.
    fn path(&mut self, other: impl Fn(String) -> Root) -> Option<(Path, Span)> {
        let mut written = std::mem::take(&mut self.path);
        written.clear();
        let first = self.step()?;
        let mut span = first.span;
        written.push(first);
        while self.eat(Kind::Dot).is_some() {
            let step = self.step()?;
            span = span.to(step.span);
            written.push(step);
        }
        let (root, taken) = self.root(first.name, written.get(1).map(|step| step.name), other);
        let steps = written[taken..].iter().map(|step| step.owned()).collect();
        let path = Path { root, steps };
        self.path = written;
        Some((path, span))
    }

    /// Reads a name, and the `()` after it, if there is one.
    fn step(&mut self) -> Option<Written<'a>> {
        let name = self.required(Kind::Word, "a name")?;
        let called = self.peek().kind == Kind::LParen && self.nth(1).kind == Kind::RParen;
        let mut span = name.span;
        if called {
            self.bump();
            span = span.to(self.bump().span);
        }
        Some(Written { name: self.word(name), called, span })
    }

    /// Returns where a path begins, and how many of its names that takes.
    fn root(&self, first: &str, second: Option<&str>, other: impl Fn(String) -> Root) -> (Root, usize) {
        match (first, second) {
            _ if self.bound.iter().any(|bound| bound == first) => (Root::Bound(first.to_owned()), 1),
            ("obj", _) => (Root::Object, 1),
            ("old", _) => (Root::Old, 1),
            ("ctx", Some("user")) => (Root::User, 2),
            ("ctx", Some("write_access")) => (Root::WriteAccess, 2),
            ("ctx", Some("read_access")) => (Root::ReadAccess, 2),
            ("ctx", Some(name)) => (Root::Unknown(format!("ctx.{name}")), 2),
            ("ctx", None) => (Root::Unknown("ctx".to_owned()), 1),
            _ => match other(first.to_owned()) {
                Root::Object => (Root::Object, 0),
                root => (root, 1),
            },
        }
    }
}
