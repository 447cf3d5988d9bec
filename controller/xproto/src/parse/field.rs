//! Fields, and what they have in common with links.

use super::Parser;
use crate::diagnostics::{Syntax, Unsupported};
use crate::token::{Token, TokenKind};
use crate::tree::{Field, Member, Name};

impl<'a> Parser<'a, '_> {
    /// Returns whether a field without its modifier begins here.
    pub(super) fn looks_like_field(&self) -> bool {
        use TokenKind::{Arrow, Eq, Word};
        matches!((self.nth(1).kind, self.nth(2).kind), (Arrow, _) | (Word, Eq | Arrow))
    }

    /// Reads a field or a link, from its modifier on.
    pub(super) fn member(&mut self) -> Option<Member<'a>> {
        let doc = self.doc_above();
        let modifier = self.modifier();
        if self.is_word(0, "map") && self.nth(1).kind == TokenKind::Lt {
            let name = self.peek();
            return self.skip_field(modifier, name, |_| Unsupported::MapReduce { name: None });
        }
        if self.word(modifier) == "repeated" {
            let name = self.nth(1);
            return self.skip_field(modifier, name, |name| Unsupported::Repeated { name });
        }
        let required = self.word(modifier) == "required";
        let member = if self.is_link() {
            self.link(doc, required).map(|link| Member::Link(Box::new(link)))
        } else {
            self.field(doc, required).map(Member::Field)
        };
        if member.is_none() {
            self.skip_statement();
        }
        member
    }

    /// Reads `required`, `optional` or `repeated`; a missing one is reported, and the field is read as an optional one.
    fn modifier(&mut self) -> Token {
        if ["required", "optional", "repeated"].iter().any(|word| self.is_word(0, word)) {
            return self.bump();
        }
        let name = self.word(self.nth(1)).to_owned();
        let first = self.peek();
        self.report(Syntax::MissingModifier { name }, first.span);
        first
    }

    fn skip_field(
        &mut self,
        first: Token,
        name: Token,
        kind: impl FnOnce(Option<String>) -> Unsupported,
    ) -> Option<Member<'a>> {
        let name = (name.kind == TokenKind::Word).then(|| self.word(name).to_owned());
        let last = self.skip_statement().unwrap_or(first);
        self.report(kind(name), first.span.to(last.span));
        None
    }

    /// Reads `type name::policy = number [options];`
    fn field(&mut self, doc: Option<String>, required: bool) -> Option<Field<'a>> {
        let ty = self.field_type()?;
        let name = self.name("the name of the field")?;
        let policy = self.policy_name();
        self.expect(TokenKind::Eq, "`=` and the number of the field")?;
        let number = self.number("the number of the field")?;
        let options = self.option_list();
        self.semicolon();
        Some(Field { doc, required, ty, name, policy, number, options })
    }

    /// Reads the type as written, with its package.
    fn field_type(&mut self) -> Option<Name<'a>> {
        let first = self.peek();
        let name = self.dotted_name("the type of the field")?;
        let text = self.text.get(first.span.to(name.span).range()).unwrap_or_default();
        Some(Name { text, ..name })
    }

    /// Reads the `;` after a statement; a missing one is reported after the last token, and reading goes on.
    pub(super) fn semicolon(&mut self) {
        if self.eat(TokenKind::Semi).is_some() {
            return;
        }
        let found = match self.peek().kind {
            TokenKind::End => "the end of the file".to_owned(),
            _ => format!("`{}`", super::shortened(self.word(self.peek()))),
        };
        let before = self.previous();
        // An open string may have taken the `;` with it.
        if before.kind != TokenKind::OpenStr {
            self.report(Syntax::Expected { expected: "`;`", found }, before.span.after());
        }
        if !self.starts_statement() {
            self.skip_statement();
        }
    }
}
