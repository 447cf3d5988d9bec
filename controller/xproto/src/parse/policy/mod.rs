//! Policies: text to a typed tree, by recursive descent with a limit to its depth.
//!
//! Loosest first: `->`, which groups to the right, `|`, `&`, `not`, then `=` and `in`. The body of a quantifier goes as
//! far to the right as it can. XOS 4.0.4 (plyxproto's logicparser) ends it before the next `&`, `|` or `->`, so that
//! `exists P: P.a = 1 & P.b = 2` asks for any `P.a = 1`, and outside of it for the `b` of no object at all.

mod lex;
mod term;

use lex::{Kind, Token};
use term::Written;

use super::Parser;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError, Syntax};
use crate::limits::MAX_DEPTH;
use crate::model::{Expr, ExprKind, Quantifier, Term, TermKind};
use crate::source::Span;
use crate::token::TokenKind;
use crate::tree::{File, Policy};

impl<'a> Parser<'a, '_> {
    /// Reads a policy; what cannot be read is skipped.
    pub(super) fn policy_declaration(&mut self, file: &mut File<'a>) {
        match self.policy() {
            Some(policy) => file.policies.push(policy),
            None => self.skip_declaration(),
        }
    }

    /// Reads `policy name < expression >`
    fn policy(&mut self) -> Option<Policy<'a>> {
        let doc = self.doc_above();
        self.bump();
        let name = self.name("the name of the policy")?;
        let broken = self.eat(TokenKind::BrokenPolicy);
        let body = match broken {
            Some(body) => body,
            None => self.expect(TokenKind::PolicyBody, "`<` and the text of the policy")?,
        };
        // More `;` than needed are not worth a word: XOS's grammar has none here, people do.
        self.eat(TokenKind::Semi);
        let expr = if broken.is_some() { None } else { expression(self.text, body.span, self.sink) };
        Some(Policy { doc, name, expr })
    }
}

/// Reads what is between `<` and `>`; returns `None` if there is an error, which is reported.
fn expression(text: &str, span: Span, sink: &mut Sink) -> Option<Expr> {
    let tokens = lex::tokenize(text, inner(text, span), sink);
    let mut reader = Reader {
        text,
        tokens,
        at: 0,
        path: Vec::new(),
        depth: 0,
        bound: Vec::new(),
        group: None,
        broken: false,
        too_deep: false,
        sink,
    };
    let expr = reader.all();
    (!reader.broken).then_some(expr)
}

/// Returns the body without its `<` and `>`; the latter may be missing.
fn inner(text: &str, span: Span) -> Span {
    let body = text.get(span.range()).unwrap_or_default();
    let closed = body.len() > 1 && body.ends_with('>') && !body.ends_with("->");
    Span { start: span.start + 1, end: span.end - u32::from(closed), ..span }
}

struct Reader<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// Room for the names of a path until their number is known.
    path: Vec<Written<'a>>,
    depth: usize,
    /// The models of the quantifiers around this place.
    bound: Vec<String>,
    /// What was in the last parentheses, and the place after them.
    group: Option<(Span, usize)>,
    /// Whether an error was found.
    broken: bool,
    /// Whether reading was given up because of the depth.
    too_deep: bool,
    sink: &'a mut Sink,
}

impl<'a> Reader<'a> {
    /// Reads the whole text, also what follows its supposed end.
    fn all(&mut self) -> Expr {
        let expr = self.implies();
        while self.peek().kind != Kind::End {
            self.expected("`&`, `|`, `->` or `>`");
            self.skip();
            while matches!(
                self.peek().kind,
                Kind::And | Kind::Or | Kind::Arrow | Kind::RParen | Kind::Foreign("&&" | "||")
            ) {
                self.bump();
            }
            if self.peek().kind != Kind::End {
                self.implies();
            }
        }
        expr
    }

    fn implies(&mut self) -> Expr {
        let left = self.or();
        if self.eat(Kind::Arrow).is_none() {
            return left;
        }
        let right = self.deeper(Self::implies);
        let span = left.span.to(right.span);
        Expr { kind: ExprKind::Implies(Box::new(left), Box::new(right)), span }
    }

    fn or(&mut self) -> Expr {
        self.chain(Kind::Or, Self::and, ExprKind::Or)
    }

    fn and(&mut self) -> Expr {
        self.chain(Kind::And, Self::unary, ExprKind::And)
    }

    /// Reads one part, or several with an operator between them.
    fn chain(&mut self, operator: Kind, part: fn(&mut Self) -> Expr, whole: fn(Vec<Expr>) -> ExprKind) -> Expr {
        let first = part(self);
        if !self.at_operator(operator) {
            return first;
        }
        let mut span = first.span;
        let mut parts = vec![first];
        while self.at_operator(operator) {
            self.operator();
            let next = part(self);
            span = span.to(next.span);
            parts.push(next);
        }
        parts.shrink_to_fit();
        Expr { kind: whole(parts), span }
    }

    /// Returns whether an operator comes next, also as other languages write it.
    fn at_operator(&self, operator: Kind) -> bool {
        let token = self.peek();
        match (token.kind, self.word(token)) {
            (kind, _) if kind == operator => true,
            (Kind::Foreign("&&"), _) | (Kind::Word, "and" | "AND") => operator == Kind::And,
            (Kind::Foreign("||"), _) | (Kind::Word, "or" | "OR") => operator == Kind::Or,
            _ => false,
        }
    }

    /// Takes an operator; one of another language is reported.
    fn operator(&mut self) {
        let token = self.bump();
        match (token.kind, self.word(token)) {
            (Kind::And | Kind::Or, _) => {}
            (_, "&&" | "and" | "AND") => self.foreign(token, "write `&`"),
            _ => self.foreign(token, "write `|`"),
        }
    }

    /// Reports `X616`: an operator that other languages have.
    fn foreign(&mut self, token: Token, instead: impl Into<String>) {
        let operator = self.word(token).to_owned();
        self.report(PolicyError::ForeignOperator { operator, instead: instead.into() }, token.span);
    }

    fn unary(&mut self) -> Expr {
        let token = self.peek();
        if token.kind == Kind::Not {
            self.foreign(token, "write `not`");
        }
        match (token.kind, self.word(token)) {
            (Kind::LParen, _) => self.group(),
            (Kind::Word, "not") | (Kind::Not, _) => {
                self.bump();
                let inner = self.deeper(Self::unary);
                let span = token.span.to(inner.span);
                Expr { kind: ExprKind::Not(Box::new(inner)), span }
            }
            (Kind::Word, "exists") => self.quantifier(ExprKind::Exists),
            (Kind::Word, "forall") => self.quantifier(ExprKind::Forall),
            _ => self.comparison(),
        }
    }

    fn group(&mut self) -> Expr {
        self.bump();
        let inner = self.deeper(Self::implies);
        if self.eat(Kind::RParen).is_none() {
            self.expected("`)`");
        }
        self.group = Some((inner.span, self.at));
        inner
    }

    fn quantifier(&mut self, kind: fn(Quantifier) -> ExprKind) -> Expr {
        let first = self.bump();
        let model = self.peek();
        if model.kind != Kind::Word {
            return self.broken("the name of a model");
        }
        self.bump();
        if self.eat(Kind::Colon).is_none() {
            return self.broken("`:`");
        }
        self.bound.push(self.word(model).to_owned());
        let body = self.deeper(Self::implies);
        self.bound.pop();
        self.precedence(first, model, &body);
        let span = first.span.to(body.span);
        let model_name = self.word(model).to_owned();
        Expr { kind: kind(Quantifier { model: model_name, model_span: model.span, body: Box::new(body) }), span }
    }

    /// Checks `X612`: a body that XOS reads differently is in parentheses.
    fn precedence(&mut self, first: Token, model: Token, body: &Expr) {
        let several = matches!(body.kind, ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Implies(..));
        if several && self.group != Some((body.span, self.at)) {
            let quantifier = if self.word(first) == "exists" { "exists" } else { "forall" };
            let kind = PolicyError::Precedence { quantifier };
            self.sink.push(Diagnostic::new(kind, first.span.to(model.span)));
        }
    }

    fn comparison(&mut self) -> Expr {
        let Some(left) = self.value("a condition") else {
            return self.given_up();
        };
        let operator = self.peek();
        let kind: fn(Term, Term) -> ExprKind = match (operator.kind, self.word(operator)) {
            (Kind::Eq | Kind::NotEq | Kind::Less | Kind::Foreign("=="), _) => ExprKind::Equals,
            (Kind::Word, "in") => ExprKind::In,
            _ => return Expr { span: left.span, kind: ExprKind::Holds(left) },
        };
        self.bump();
        let Some(right) = self.value("a value") else {
            return self.given_up();
        };
        match operator.kind {
            Kind::Foreign(_) => self.foreign(operator, format!("write `{left} = {right}`")),
            Kind::NotEq => self.foreign(operator, format!("write `not {left} = {right}`")),
            Kind::Less => self.foreign(operator, "for a limit use option `min_value` or `max_value` of the field"),
            _ => {}
        }
        let span = left.span.to(right.span);
        Expr { kind: kind(left, right), span }
    }

    /// Reads a value; a missing one is reported.
    fn value(&mut self, expected: &'static str) -> Option<Term> {
        let start = self.at;
        let term = self.term();
        // A value that is there in part has been reported.
        if term.is_none() && self.at == start {
            self.expected(expected);
        }
        term
    }

    // === depth and errors

    /// Reads a part that is one level deeper; what is too deep is reported, and the rest of the policy is skipped.
    fn deeper(&mut self, part: fn(&mut Self) -> Expr) -> Expr {
        if self.depth == MAX_DEPTH {
            let span = self.peek().span;
            if !self.too_deep {
                self.report(PolicyError::TooDeep, span);
            }
            self.at = self.tokens.len().saturating_sub(1);
            self.too_deep = true;
            self.broken = true;
            return nothing(span);
        }
        self.depth += 1;
        let expr = part(self);
        self.depth -= 1;
        expr
    }

    /// Reports what is missing and skips to the next operator.
    fn broken(&mut self, expected: &'static str) -> Expr {
        self.expected(expected);
        self.given_up()
    }

    /// Skips to the next operator.
    fn given_up(&mut self) -> Expr {
        let span = self.peek().span;
        self.skip();
        nothing(span)
    }

    fn expected(&mut self, expected: &'static str) {
        let token = self.peek();
        // Where reading was given up has been reported already.
        if !self.too_deep {
            let found = match token.kind {
                Kind::End => "the end of the policy".to_owned(),
                Kind::Str => "a string".to_owned(),
                _ => format!("`{}`", super::shortened(self.word(token))),
            };
            self.report(Syntax::Expected { expected, found }, token.span);
        }
        self.broken = true;
    }

    fn skip(&mut self) {
        use Kind::{And, Arrow, End, Or, RParen};
        while !matches!(self.peek().kind, And | Or | Arrow | RParen | End | Kind::Foreign("&&" | "||")) {
            self.bump();
        }
    }

    fn report(&mut self, kind: impl Into<crate::diagnostics::Kind>, span: Span) {
        self.broken = true;
        self.sink.push(Diagnostic::new(kind, span));
    }

    // === tokens

    fn peek(&self) -> Token {
        self.nth(0)
    }

    fn nth(&self, n: usize) -> Token {
        let nothing =
            Token { kind: Kind::End, span: Span { source: crate::source::SourceId::BUILT_IN, start: 0, end: 0 } };
        self.tokens.get(self.at + n).or(self.tokens.last()).copied().unwrap_or(nothing)
    }

    fn bump(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.bump())
    }

    fn word(&self, token: Token) -> &'a str {
        self.text.get(token.span.range()).unwrap_or_default()
    }
}

/// Stands for what could not be read.
fn nothing(span: Span) -> Expr {
    Expr { kind: ExprKind::Holds(Term { kind: TermKind::Bool(false), span }), span }
}

#[cfg(test)]
mod tests;
