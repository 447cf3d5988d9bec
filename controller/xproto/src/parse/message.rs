//! Messages.

use super::Parser;
use crate::diagnostics::{Diagnostic, Syntax};
use crate::source::Span;
use crate::token::TokenKind;
use crate::tree::{Message, Name};

impl<'a> Parser<'a, '_> {
    /// Reads `message Name::policy (Base, …) { … }`
    pub(super) fn message(&mut self) -> Option<Message<'a>> {
        let doc = self.doc_above();
        self.bump();
        let Some(name) = self.name("the name of the message") else {
            self.skip_declaration();
            return None;
        };
        let policy = self.policy_name();
        let bases = if self.is_after_colon() { self.bases_after_colon(&name) } else { self.bases() };
        let mut message = Message { doc, name, policy, bases, options: Vec::new(), members: Vec::new() };
        match self.expect(TokenKind::LBrace, "`{`") {
            Some(brace) => {
                self.body(&mut message, brace.span);
                message.members = self.members.drain(..).collect();
            }
            None => self.skip_declaration(),
        }
        Some(message)
    }

    /// Reads `::policy`
    pub(super) fn policy_name(&mut self) -> Option<Name<'a>> {
        self.eat(TokenKind::DoubleColon)?;
        self.name("the name of a policy")
    }

    /// Returns whether bases follow as in Python or C++, `message A : B`, or as in Java, `message A extends B`.
    fn is_after_colon(&self) -> bool {
        let is_sign = self.peek().kind == TokenKind::Colon || self.is_word(0, "extends");
        is_sign && self.nth(1).kind == TokenKind::Word
    }

    /// Reads these bases, and reports how they are written.
    fn bases_after_colon(&mut self, message: &Name<'a>) -> Vec<Name<'a>> {
        let sign = self.bump();
        let mut bases = Vec::new();
        loop {
            bases.extend(self.dotted_name("the name of a base"));
            if self.eat(TokenKind::Comma).is_none() {
                break;
            }
        }
        let names: Vec<_> = bases.iter().map(|base| base.text).collect();
        let instead = format!("message {} ({})", message.text, names.join(", "));
        self.report(Syntax::BasesWithoutParentheses { instead }, sign.span.to(self.previous().span));
        bases
    }

    /// Reads `(Base, package.Base)`
    fn bases(&mut self) -> Vec<Name<'a>> {
        let mut bases = Vec::new();
        if self.eat(TokenKind::LParen).is_none() {
            return bases;
        }
        while self.peek().kind == TokenKind::Word {
            bases.extend(self.dotted_name("the name of a base"));
            let Some(comma) = self.eat(TokenKind::Comma) else {
                break;
            };
            if self.peek().kind == TokenKind::RParen {
                self.report(Syntax::TrailingComma, comma.span);
            }
        }
        if self.expect(TokenKind::RParen, "`)`").is_none() {
            self.skip_to_body();
        }
        bases
    }

    /// Reads a name with an optional package before it; XOS looks up the last part.
    pub(super) fn dotted_name(&mut self, expected: &'static str) -> Option<Name<'a>> {
        let mut name = self.name(expected)?;
        while self.eat(TokenKind::Dot).is_some() {
            let part = self.name(expected)?;
            name = Name { text: part.text, span: name.span.to(part.span) };
        }
        Some(name)
    }

    fn body(&mut self, message: &mut Message<'a>, brace: Span) {
        loop {
            let token = self.peek();
            match (token.kind, self.word(token)) {
                (TokenKind::RBrace, _) => {
                    self.bump();
                    return;
                }
                (TokenKind::End, _) => return self.unclosed(&message.name, brace),
                // At the margin it is rather the next message than one inside this one.
                (TokenKind::Word, "message") if token.at_margin => {
                    return self.unclosed(&message.name, brace);
                }
                (TokenKind::Word, "option") => message.options.extend(self.option_statement()),
                (TokenKind::Word, "required" | "optional" | "repeated") => {
                    let member = self.member();
                    self.members.extend(member);
                }
                (TokenKind::Word, _) if self.unsupported() => {}
                (TokenKind::Word, _) if self.looks_like_field() => {
                    let member = self.member();
                    self.members.extend(member);
                }
                (TokenKind::Semi, _) => self.extra_semicolon(),
                _ => {
                    self.expected("a field, an option or `}`");
                    self.skip_statement();
                }
            }
        }
    }

    fn unclosed(&mut self, name: &Name<'a>, brace: Span) {
        let unclosed = Syntax::UnclosedMessage { name: name.text.to_owned() };
        let end = self.previous().span.after();
        self.sink.push(Diagnostic::new(unclosed, brace).with(end, "a `}` is missing here or above"));
    }
}
