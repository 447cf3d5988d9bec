//! The lexer of policies.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, Syntax};
use crate::source::{Span, offset};

/// What a token of a policy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// A string with its quotes.
    Str,
    /// A number.
    Number,
    /// `{{ python }}`
    Python,
    LParen,
    RParen,
    Colon,
    Arrow,
    Or,
    And,
    Eq,
    Star,
    Dot,
    Comma,
    /// `!=`, `<` or `<=`, and `!`: other languages have them.
    NotEq,
    Less,
    Not,
    /// An operator of other languages that this one writes with one sign.
    Foreign(&'static str),
    /// The end of the policy.
    End,
}

/// A token of a policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Returns the tokens of a part of a text; the last one is the end.
pub(super) fn tokenize(text: &str, span: Span, sink: &mut Sink) -> Vec<Token> {
    let mut lexer =
        Lexer { text: text.get(..span.end as usize).unwrap_or_default(), at: span.start as usize, span, sink };
    // A token for a few letters.
    let mut tokens = Vec::with_capacity(span.range().len() / 4);
    while let Some(step) = lexer.step() {
        tokens.extend(step);
    }
    tokens.push(Token { kind: Kind::End, span: span.after() });
    tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    span: Span,
    sink: &'a mut Sink,
}

impl Lexer<'_> {
    /// Reads a token, or blanks and comments; none at the end.
    fn step(&mut self) -> Option<Option<Token>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            c if c.is_whitespace() => (None, c.len_utf8()),
            '/' if rest.starts_with("//") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (None, self.comment(rest)),
            '{' if rest.starts_with("{{") => (Some(Kind::Python), self.python(rest)),
            '"' | '\'' => (Some(Kind::Str), self.string(rest, first)),
            '0'..='9' => (Some(Kind::Number), number(rest)),
            '+' | '-' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => (Some(Kind::Number), number(rest)),
            c if is_word(c) => (Some(Kind::Word), rest.find(|c| !is_word(c)).unwrap_or(rest.len())),
            '-' if rest.starts_with("->") => (Some(Kind::Arrow), 2),
            '!' if rest.starts_with("!=") => (Some(Kind::NotEq), 2),
            '<' => (Some(Kind::Less), 1 + usize::from(rest.starts_with("<="))),
            '!' => (Some(Kind::Not), 1),
            '=' if rest.starts_with("==") => (Some(Kind::Foreign("==")), 2),
            '&' if rest.starts_with("&&") => (Some(Kind::Foreign("&&")), 2),
            '|' if rest.starts_with("||") => (Some(Kind::Foreign("||")), 2),
            c => match mark(c) {
                Some(kind) => (Some(kind), 1),
                None => (None, self.unexpected(rest)),
            },
        };
        let span = self.here(length);
        self.at += length;
        Some(kind.map(|kind| Token { kind, span }))
    }

    fn here(&self, length: usize) -> Span {
        Span { start: offset(self.at), end: offset(self.at + length), ..self.span }
    }

    fn report(&mut self, kind: Syntax, length: usize) {
        let span = self.here(length);
        self.sink.push(Diagnostic::new(kind, span));
    }

    fn comment(&mut self, rest: &str) -> usize {
        match rest.find("*/") {
            Some(end) if end > 1 => end + 2,
            _ => {
                self.report(Syntax::UnterminatedComment, 2);
                rest.len()
            }
        }
    }

    fn python(&mut self, rest: &str) -> usize {
        match rest.find("}}") {
            Some(end) => end + 2,
            None => {
                self.report(Syntax::UnterminatedPython, 2);
                rest.len()
            }
        }
    }

    fn string(&mut self, rest: &str, quote: char) -> usize {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == '\n' || (c == quote && !escaped);
            escaped = c == '\\' && !escaped;
            ends
        });
        match end {
            Some((at, c)) if c == quote => {
                if quote == '\'' {
                    self.report(Syntax::SingleQuotes, at + 1);
                }
                at + 1
            }
            _ => {
                let length = end.map_or(rest.len(), |(at, _)| at);
                self.report(Syntax::UnterminatedString, length);
                length
            }
        }
    }

    fn unexpected(&mut self, rest: &str) -> usize {
        let known = |c: char| c.is_whitespace() || is_word(c) || mark(c).is_some() || "/{\"'!<".contains(c);
        let length = rest.find(known).unwrap_or(rest.len()).max(rest.chars().next().map_or(1, char::len_utf8));
        let text = rest[..length].to_owned();
        self.report(Syntax::UnexpectedCharacters { text }, length);
        length
    }
}

fn mark(c: char) -> Option<Kind> {
    Some(match c {
        '(' => Kind::LParen,
        ')' => Kind::RParen,
        ':' => Kind::Colon,
        '|' => Kind::Or,
        '&' => Kind::And,
        '=' => Kind::Eq,
        '*' => Kind::Star,
        '.' => Kind::Dot,
        ',' => Kind::Comma,
        _ => return None,
    })
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the length of a number: sign, digits, fraction.
fn number(rest: &str) -> usize {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len())
    };
    let sign = usize::from(rest.starts_with(['+', '-']));
    let whole = sign + digits(sign);
    let fraction = digits(whole + 1);
    if rest[whole..].starts_with('.') && fraction > 0 { whole + 1 + fraction } else { whole }
}
