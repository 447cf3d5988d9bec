//! The parser: tokens to a tree, by recursive descent without recursion.
//!
//! It never fails: an error is reported, what cannot be read is skipped as a unit, and reading goes on. Nothing nests
//! in the language as far as it is read, so that skipping counts braces instead of calling itself: no depth of nesting
//! can exhaust the stack.

mod docs;
mod field;
mod link;
mod message;
mod option;
mod policy;
mod skip;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, Kind, Syntax};
use crate::model::RawOption;
use crate::source::{Source, SourceId, Span};
use crate::token::{Token, TokenKind, Tokens, tokenize};
use crate::tree::{File, Member, Name};

/// Reads one file.
pub(crate) fn parse<'a>(id: SourceId, source: &'a Source, sink: &mut Sink) -> File<'a> {
    report_encoding(id, source, sink);
    let tokens = tokenize(id, source.text(), sink);
    let mut parser = Parser { text: source.text(), tokens, at: 0, options: Vec::new(), members: Vec::new(), sink };
    parser.file()
}

fn report_encoding(source: SourceId, file: &Source, sink: &mut Sink) {
    if let Some(bytes) = file.oversize() {
        sink.push(Diagnostic::new(Syntax::SourceTooLarge { bytes }, Span { source, start: 0, end: 0 }));
    }
    if let [first, ..] = file.invalid_utf8() {
        let places = file.invalid_utf8().len();
        sink.push(Diagnostic::new(Syntax::InvalidUtf8 { places }, *first));
    }
}

struct Parser<'a, 's> {
    text: &'a str,
    tokens: Tokens,
    at: usize,
    /// Room for the options of a list and the members of a message until their number is known.
    options: Vec<RawOption>,
    members: Vec<Member<'a>>,
    sink: &'s mut Sink,
}

impl<'a> Parser<'a, '_> {
    fn file(&mut self) -> File<'a> {
        let mut file = File::default();
        loop {
            let token = self.peek();
            match (token.kind, self.word(token)) {
                (TokenKind::End, _) => return file,
                (TokenKind::Word, "message") => file.messages.extend(self.message()),
                (TokenKind::Word, "policy") => self.policy_declaration(&mut file),
                (TokenKind::Word, "option") => file.options.extend(self.option_statement()),
                (TokenKind::Word, _) if self.unsupported() => {}
                (TokenKind::Semi, _) => self.extra_semicolon(),
                (TokenKind::RBrace, _) => {
                    self.report(Syntax::UnmatchedBrace, token.span);
                    self.bump();
                }
                _ => self.unexpected("`message` or `option`"),
            }
        }
    }

    fn unexpected(&mut self, expected: &'static str) {
        self.expected(expected);
        self.skip_declaration();
    }

    fn extra_semicolon(&mut self) {
        let first = self.bump();
        let mut last = first;
        while self.peek().kind == TokenKind::Semi {
            last = self.bump();
        }
        self.report(Syntax::ExtraSemicolon, first.span.to(last.span));
    }

    // === tokens

    fn nth(&self, n: usize) -> Token {
        let tokens = &self.tokens.tokens;
        let end = Token {
            kind: TokenKind::End,
            span: Span { source: SourceId::BUILT_IN, start: 0, end: 0 },
            comments: 0,
            at_margin: true,
        };
        tokens.get(self.at + n).or(tokens.last()).copied().unwrap_or(end)
    }

    fn peek(&self) -> Token {
        self.nth(0)
    }

    /// Returns the previous token, or the current one at the start.
    fn previous(&self) -> Token {
        self.tokens.tokens.get(self.at.saturating_sub(1)).copied().unwrap_or_else(|| self.peek())
    }

    /// Takes a token; the end of the text stays.
    fn bump(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    /// Takes the token if it is of that kind.
    fn eat(&mut self, kind: TokenKind) -> Option<Token> {
        (self.peek().kind == kind).then(|| self.bump())
    }

    /// Takes the token if it is of that kind, else reports it missing.
    fn expect(&mut self, kind: TokenKind, expected: &'static str) -> Option<Token> {
        let token = self.eat(kind);
        if token.is_none() {
            self.expected(expected);
        }
        token
    }

    /// Takes a word, else reports it missing.
    fn name(&mut self, expected: &'static str) -> Option<Name<'a>> {
        let token = self.expect(TokenKind::Word, expected)?;
        Some(Name { text: self.word(token), span: token.span })
    }

    /// Returns the text of a token.
    fn word(&self, token: Token) -> &'a str {
        self.text.get(token.span.range()).unwrap_or_default()
    }

    fn is_word(&self, n: usize, word: &str) -> bool {
        let token = self.nth(n);
        token.kind == TokenKind::Word && self.word(token) == word
    }

    // === reports

    fn report(&mut self, kind: impl Into<Kind>, span: Span) {
        self.sink.push(Diagnostic::new(kind, span));
    }

    /// Reports that the current token is not what was expected.
    fn expected(&mut self, expected: &'static str) {
        let token = self.peek();
        let found = match token.kind {
            TokenKind::End => "the end of the file".to_owned(),
            TokenKind::Str | TokenKind::OpenStr => "a string".to_owned(),
            TokenKind::PolicyBody | TokenKind::BrokenPolicy => "the text of a policy".to_owned(),
            _ => format!("`{}`", shortened(self.word(token))),
        };
        self.report(Syntax::Expected { expected, found }, token.span);
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let cut = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    text.chars().take(LONGEST).chain(cut.chars()).collect()
}

#[cfg(test)]
mod tests;
