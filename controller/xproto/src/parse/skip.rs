//! Recovery: where reading goes on after something that is wrong or not supported.

use super::Parser;
use crate::diagnostics::Unsupported;
use crate::token::{Token, TokenKind};

impl Parser<'_, '_> {
    /// Reports and skips a part of the language that is not supported; returns false if there is none here.
    pub(super) fn unsupported(&mut self) -> bool {
        let first = self.peek();
        let Some(kind) = self.unsupported_kind(self.word(first)) else {
            return false;
        };
        self.bump();
        let last = self.skip_statement().unwrap_or(first);
        self.report(kind, first.span.to(last.span));
        true
    }

    fn unsupported_kind(&self, keyword: &str) -> Option<Unsupported> {
        let next = self.nth(1);
        // `enum = …`, `policy = …`: not the construct, whatever it is.
        if next.kind != TokenKind::Word {
            return match (keyword, next.kind) {
                ("import", TokenKind::Str) => Some(Unsupported::Import),
                ("syntax", TokenKind::Eq) => Some(Unsupported::SyntaxStatement),
                ("extensions", TokenKind::Number) => Some(Unsupported::Extension { name: None }),
                ("map", TokenKind::Lt) => Some(Unsupported::MapReduce { name: None }),
                _ => None,
            };
        }
        let name = Some(self.word(next).to_owned());
        match keyword {
            "message" => Some(Unsupported::NestedMessage { name }),
            "enum" => Some(Unsupported::Enum { name }),
            "oneof" => Some(Unsupported::Oneof { name }),
            "extend" => Some(Unsupported::Extension { name }),
            "map" | "reduce" => Some(Unsupported::MapReduce { name }),
            "import" => Some(Unsupported::Import),
            "package" => Some(Unsupported::Package { name }),
            "service" | "_service" | "rpc" => Some(Unsupported::Service { name }),
            _ => None,
        }
    }

    /// Skips the rest of a statement, up to its `;`, block or policy, and returns its last token.
    ///
    /// What closes an outer block stays, and so does what begins the next statement on a line of its own.
    pub(super) fn skip_statement(&mut self) -> Option<Token> {
        use TokenKind::{BrokenPolicy, End, LBrace, PolicyBody, RBrace, Semi};
        let mut depth = 0_usize;
        let mut last = None;
        loop {
            let token = self.peek();
            let stays = match token.kind {
                End => true,
                RBrace => depth == 0,
                _ => depth == 0 && last.is_some() && self.starts_statement(),
            };
            if stays {
                return last;
            }
            last = Some(self.bump());
            match token.kind {
                LBrace => depth += 1,
                RBrace => depth -= 1,
                Semi | PolicyBody | BrokenPolicy => {}
                _ => continue,
            }
            if depth == 0 {
                return last;
            }
        }
    }

    /// Skips what is between the declarations of a file.
    pub(super) fn skip_declaration(&mut self) {
        while self.skip_statement().is_none() && self.eat(TokenKind::RBrace).is_some() {}
    }

    /// Skips to the `{` of a message whose head cannot be read.
    pub(super) fn skip_to_body(&mut self) {
        use TokenKind::{End, LBrace, RBrace, Semi};
        while !matches!(self.peek().kind, LBrace | RBrace | Semi | End) && !self.starts_statement() {
            self.bump();
        }
    }

    /// Returns whether a statement begins here on a line of its own.
    pub(super) fn starts_statement(&self) -> bool {
        const WORDS: [&str; 6] = ["required", "optional", "repeated", "option", "message", "policy"];
        let token = self.peek();
        token.kind == TokenKind::Word
            && WORDS.contains(&self.word(token))
            && self.nth(1).kind == TokenKind::Word
            && self.begins_line(token)
    }

    fn begins_line(&self, token: Token) -> bool {
        let before = self.text.get(..token.span.start as usize).unwrap_or_default();
        let blanks = before.trim_end_matches([' ', '\t']);
        blanks.is_empty() || blanks.ends_with('\n')
    }
}
