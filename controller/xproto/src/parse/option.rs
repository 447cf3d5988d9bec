//! Options of files, messages and fields.

use std::borrow::Cow;

use super::Parser;
use crate::diagnostics::Syntax;
use crate::model::{RawOption, ValueForm};
use crate::rules;
use crate::token::{Token, TokenKind};

impl Parser<'_, '_> {
    /// Reads `option name = value;`
    pub(super) fn option_statement(&mut self) -> Option<RawOption> {
        self.bump();
        let option = self.option();
        match option {
            Some(_) => self.semicolon(),
            None => {
                self.skip_statement();
            }
        }
        option
    }

    /// Reads `[name = value, …]`, or nothing.
    pub(super) fn option_list(&mut self) -> Vec<RawOption> {
        if self.eat(TokenKind::LBracket).is_none() {
            return Vec::new();
        }
        while self.eat(TokenKind::RBracket).is_none() {
            let option = self.option();
            let read = option.is_some();
            self.options.extend(option);
            if !read {
                self.skip_option();
            }
            match self.peek().kind {
                TokenKind::Comma => self.comma(),
                TokenKind::RBracket => {}
                // Two options with no comma between them.
                TokenKind::Word if read && self.nth(1).kind == TokenKind::Eq => {
                    self.expected("`,` or `]`");
                }
                _ => {
                    self.end_list(read);
                    break;
                }
            }
        }
        self.options.drain(..).collect()
    }

    /// Leaves a list whose `]` is not where it should be; says so if nothing has been said.
    fn end_list(&mut self, report: bool) {
        // An open string may have taken the `]` with it.
        if report && self.previous().kind != TokenKind::OpenStr {
            self.expected("`,` or `]`");
        }
        while self.eat(TokenKind::Comma).is_some() || !self.at_list_end() {
            self.skip_option();
        }
        self.eat(TokenKind::RBracket);
    }

    fn at_list_end(&self) -> bool {
        use TokenKind::{End, RBrace, RBracket, Semi};
        matches!(self.peek().kind, RBracket | Semi | RBrace | End) || self.starts_statement()
    }

    fn comma(&mut self) {
        let comma = self.bump();
        if self.peek().kind == TokenKind::RBracket {
            self.report(Syntax::TrailingComma, comma.span);
        }
    }

    /// Reads `name = value`
    fn option(&mut self) -> Option<RawOption> {
        let name = self.name("the name of an option")?;
        self.expect(TokenKind::Eq, "`=`")?;
        let token = self.peek();
        let (value, form) = match token.kind {
            TokenKind::Str | TokenKind::OpenStr => (unquoted(self.word(token)), ValueForm::Quoted),
            TokenKind::Number => (self.word(token).to_owned(), ValueForm::Number),
            TokenKind::Word => (self.word(token).to_owned(), ValueForm::Word),
            TokenKind::LBracket | TokenKind::LParen => {
                self.unquoted_list(name.text, token);
                return None;
            }
            _ => {
                self.missing_value(name.text.to_owned(), token);
                return None;
            }
        };
        self.bump();
        Some(RawOption { name: known(name.text), value, form, span: name.span.to(token.span), value_span: token.span })
    }

    /// Reports `X021`, and skips a list that is no string.
    fn unquoted_list(&mut self, option: &str, first: Token) {
        let mut depth = 0_usize;
        let mut last = first;
        while !matches!(self.peek().kind, TokenKind::Semi | TokenKind::LBrace | TokenKind::RBrace | TokenKind::End) {
            last = self.bump();
            match last.kind {
                TokenKind::LBracket | TokenKind::LParen => depth += 1,
                TokenKind::RBracket | TokenKind::RParen => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let span = first.span.to(last.span);
        self.report(Syntax::UnquotedList { option: option.to_owned() }, span);
    }

    fn missing_value(&mut self, option: String, token: Token) {
        let span = if token.kind == TokenKind::End { self.previous().span.after() } else { token.span };
        self.report(Syntax::MissingValue { option }, span);
    }

    /// Skips to the end of an option that cannot be read.
    fn skip_option(&mut self) {
        while self.peek().kind != TokenKind::Comma && !self.at_list_end() {
            self.bump();
        }
    }
}

/// Returns the name of an option, copied only if the compiler does not know it.
fn known(name: &str) -> Cow<'static, str> {
    rules::options::known(name).map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed)
}

/// Returns the text of a string: the quotes go, `\"`, `\'`, `\\`, `\n` and `\t` are resolved, other escapes stay as
/// written.
pub(super) fn unquoted(written: &str) -> String {
    let quote = written.chars().next().unwrap_or('"');
    let inner = written.get(1..).unwrap_or_default();
    // An unterminated string has no closing quote.
    let inner = inner.strip_suffix(quote).unwrap_or(inner);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(escaped @ ('"' | '\'' | '\\'))) => text.push(escaped),
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('t')) => text.push('\t'),
            _ => {
                text.push(c);
                continue;
            }
        }
        chars.next();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn strings_lose_their_quotes_and_known_escapes() {
        for (written, text) in [
            (r#""plain""#, "plain"),
            (r#""""#, ""),
            (r#""a \"b\" \\ \d\t""#, "a \"b\" \\ \\d\t"),
            (r#""open"#, "open"),
            (r#"""#, ""),
            ("'single'", "single"),
        ] {
            assert_eq!(unquoted(written), text, "{written}");
        }
    }
}
