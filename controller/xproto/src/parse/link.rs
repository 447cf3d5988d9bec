//! Links.

use super::Parser;
use crate::diagnostics::LinkError;
use crate::model::LinkKind;
use crate::source::Span;
use crate::token::{Token, TokenKind};
use crate::tree::{Link, Name};

/// Returns the kind that a word of Django's, or another spelling, most likely means.
fn like_kind(written: &str) -> LinkKind {
    let plain: String = written.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let plain = plain.trim_end_matches("field");
    LinkKind::from_keyword(plain).unwrap_or(match plain {
        "many2many" => LinkKind::ManyToMany,
        "one2one" => LinkKind::OneToOne,
        // `foreignkey`, `reference`, `link` …
        _ => LinkKind::ManyToOne,
    })
}

impl<'a> Parser<'a, '_> {
    /// Returns whether a link begins here, after the modifier.
    pub(super) fn is_link(&self) -> bool {
        let kind = self.link_kind(self.peek()).is_some() && self.nth(1).kind == TokenKind::Word;
        kind || self.nth(1).kind == TokenKind::Arrow || self.is_link_of_another_kind()
    }

    /// Returns whether a word that is no kind comes before the name of a link.
    fn is_link_of_another_kind(&self) -> bool {
        let kinds = (self.peek().kind, self.nth(1).kind, self.nth(2).kind);
        kinds == (TokenKind::Word, TokenKind::Word, TokenKind::Arrow)
    }

    fn link_kind(&self, token: Token) -> Option<LinkKind> {
        LinkKind::from_keyword(self.word(token)).filter(|_| token.kind == TokenKind::Word)
    }

    /// Reads `kind name::policy->Peer/Through:port = number:reverse [options];`
    pub(super) fn link(&mut self, doc: Option<String>, required: bool) -> Option<Link<'a>> {
        let kind_span = self.peek().span;
        let kind = self.kind();
        let name = self.name("the name of the link")?;
        let policy = self.policy_name();
        self.arrow(&name)?;
        let (qualifier, peer) = self.peer()?;
        let through = match self.eat(TokenKind::Slash) {
            Some(_) => Some(self.dotted_name("the model that holds the pairs of the link")?),
            None => None,
        };
        let port = match self.eat(TokenKind::Colon) {
            Some(_) => Some(self.port()?),
            None => None,
        };
        self.expect(TokenKind::Eq, "`=` and the number of the link")?;
        let number = self.number("the number of the link")?;
        let reverse_number = match self.eat(TokenKind::Colon) {
            Some(_) => Some(self.number("the number of the peer's port")?),
            None => None,
        };
        let options = self.option_list();
        self.semicolon();
        Some(Link {
            doc,
            required,
            kind,
            kind_span,
            name,
            policy,
            qualifier,
            peer,
            through,
            port,
            number,
            reverse_number,
            options,
        })
    }

    /// Reads the kind; a link without one is read as `manytoone`.
    fn kind(&mut self) -> LinkKind {
        let token = self.peek();
        if self.nth(1).kind == TokenKind::Arrow {
            let name = self.word(token).to_owned();
            self.report(LinkError::MissingKind { name }, token.span);
            return LinkKind::ManyToOne;
        }
        self.bump();
        self.link_kind(token).unwrap_or_else(|| {
            let written = self.word(token);
            let kind = like_kind(written);
            self.report(LinkError::UnknownKind { kind: written.to_owned(), instead: kind.keyword() }, token.span);
            kind
        })
    }

    /// Reads the arrow; `port:Peer->peer_port`, which XOS's documents have, is reported as a whole.
    fn arrow(&mut self, name: &Name<'a>) -> Option<()> {
        let colon = self.peek();
        let peer = self.nth(1);
        let arrow = self.nth(2);
        let port = self.nth(3);
        if (colon.kind, peer.kind, arrow.kind, port.kind)
            == (TokenKind::Colon, TokenKind::Word, TokenKind::Arrow, TokenKind::Word)
        {
            let instead = format!("{}->{}:{}", name.text, self.word(peer), self.word(port));
            self.report(LinkError::OldSpelling { instead }, name.span.to(port.span));
            return None;
        }
        self.expect(TokenKind::Arrow, "`->` and the peer of the link").map(|_| ())
    }

    /// Reads the peer, and the package before it.
    fn peer(&mut self) -> Option<(Option<&'a str>, Name<'a>)> {
        let first = self.peek().span;
        let peer = self.dotted_name("the peer of the link")?;
        let last = self.previous().span;
        let written = self.text.get(first.to(last).range()).unwrap_or_default();
        let qualifier = written.rsplit_once('.').map(|(package, _)| package.trim());
        Some((qualifier, peer))
    }

    /// Reads a name with any number of `+` in it.
    fn port(&mut self) -> Option<Name<'a>> {
        let first = self.peek();
        if !matches!(first.kind, TokenKind::Word | TokenKind::Plus) {
            self.expected("the name of the peer's port, or `+` for none");
            return None;
        }
        let mut span: Span = self.bump().span;
        while matches!(self.peek().kind, TokenKind::Word | TokenKind::Plus) && self.peek().span.start == span.end {
            span = span.to(self.bump().span);
        }
        let text = self.text.get(span.range()).unwrap_or_default();
        Some(Name { text, span })
    }

    pub(super) fn number(&mut self, expected: &'static str) -> Option<Name<'a>> {
        let number = self.expect(TokenKind::Number, expected)?;
        Some(Name { text: self.word(number), span: number.span })
    }
}
