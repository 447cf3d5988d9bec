//! The lexer: text to tokens and comments. It reads every text to its end, in time linear in its length.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, Syntax};
use crate::source::{SourceId, Span, offset};

/// The kind of a token; its text is that of its span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word: a name or a keyword.
    Word,
    /// A number as XOS reads it: sign, digits, fraction.
    Number,
    /// A string with its quotes.
    Str,
    /// A string without its closing quote, which may extend over more of the line than intended.
    OpenStr,
    /// `< … >` after `policy`, `map` or `reduce` and a name, kept as text.
    PolicyBody,
    /// Such a text with a `>` inside, which has been reported.
    BrokenPolicy,
    /// `{`
    LBrace,
    /// `}`
    RBrace,
    /// `[`
    LBracket,
    /// `]`
    RBracket,
    /// `(`
    LParen,
    /// `)`
    RParen,
    /// `=`
    Eq,
    /// `;`
    Semi,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `->`
    Arrow,
    /// `/`
    Slash,
    /// `+`
    Plus,
    /// `<`
    Lt,
    /// `>`
    Gt,
    /// The end of the text.
    End,
}

/// A token of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    /// The number of comments before this token.
    pub(crate) comments: usize,
    /// Whether it is the first thing on its line, without blanks before it.
    pub(crate) at_margin: bool,
}

/// The result of the lexer.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    /// The tokens; the last one, and only it, is [`TokenKind::End`].
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Span>,
}

/// Reads a text.
pub(crate) fn tokenize(source: SourceId, text: &str, sink: &mut Sink) -> Tokens {
    let mut lexer = Lexer { source, text, at: 0, out: Tokens::default(), sink };
    while lexer.step() {}
    lexer.out
}

struct Lexer<'a> {
    source: SourceId,
    text: &'a str,
    at: usize,
    out: Tokens,
    sink: &'a mut Sink,
}

impl Lexer<'_> {
    /// Reads one token, comment or run of blanks; false at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.token(TokenKind::End, 0);
            return false;
        };
        match first {
            ' ' | '\t' | '\n' | '\r' | '\x0c' => self.at += blanks(rest),
            '/' if rest.starts_with("//") => self.comment(line_length(rest)),
            '/' if rest.starts_with("/*") => self.block_comment(),
            '#' => self.hash_comment(),
            '"' => self.string('"'),
            '\'' => self.string('\''),
            '<' if self.after_policy_name() => self.policy_body(),
            '0'..='9' => self.number(),
            '+' | '-' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            c if is_word(c) => self.name(),
            _ => self.punctuation(),
        }
        true
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn span(&self, length: usize) -> Span {
        Span { source: self.source, start: offset(self.at), end: offset(self.at + length) }
    }

    fn span_at(&self, from: usize, length: usize) -> Span {
        Span { source: self.source, start: offset(self.at + from), end: offset(self.at + from + length) }
    }

    fn report(&mut self, kind: Syntax, length: usize) {
        self.sink.push(Diagnostic::new(kind, self.span(length)));
    }

    fn token(&mut self, kind: TokenKind, length: usize) {
        let at_margin = self.at == 0 || self.text.as_bytes().get(self.at - 1) == Some(&b'\n');
        let comments = self.out.comments.len();
        self.out.tokens.push(Token { kind, span: self.span(length), comments, at_margin });
        self.at += length;
    }

    fn comment(&mut self, length: usize) {
        self.out.comments.push(self.span(length));
        self.at += length;
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        match rest.get(2..).and_then(|inner| inner.find("*/")) {
            Some(end) => self.comment(end + 4),
            None => {
                let length = rest.len();
                self.report(Syntax::UnterminatedComment, 2);
                self.comment(length);
            }
        }
    }

    /// Reads a `#`, which does not begin a comment in XOS, up to the end of the line.
    fn hash_comment(&mut self) {
        self.report(Syntax::HashComment, 1);
        let length = line_length(self.rest());
        self.comment(length);
    }

    /// Reads a word; letters that no name may have count as part of it, so that they are reported once.
    fn name(&mut self) {
        let rest = self.rest();
        let length = word_length(rest);
        let name = &rest[..length];
        let is_foreign = |c: &char| !c.is_ascii() && *c != char::REPLACEMENT_CHARACTER;
        if !name.is_ascii() && name.contains(|c| is_foreign(&c)) {
            let text = name.chars().filter(is_foreign).collect();
            self.report(Syntax::UnexpectedCharacters { text }, length);
        }
        self.token(TokenKind::Word, length);
    }

    /// Reads a string, which ends on its line; each of its characters is looked at once.
    fn string(&mut self, quote: char) {
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|&(_, c)| {
            let ends = c == '\n' || (c == quote && !escaped);
            escaped = c == '\\' && !escaped;
            ends
        });
        let closed = end.is_some_and(|(_, c)| c == quote);
        let length = match end {
            Some((at, _)) if closed => at + 1,
            _ => rest[..end.map_or(rest.len(), |(at, _)| at)].trim_end().len(),
        };
        if !closed {
            self.report(Syntax::UnterminatedString, length);
        } else if quote == '\'' {
            self.report(Syntax::SingleQuotes, length);
        }
        self.token(if closed { TokenKind::Str } else { TokenKind::OpenStr }, length);
    }

    fn number(&mut self) {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let digits = |from: usize| prefix(rest.get(from..).unwrap_or_default(), |c| c.is_ascii_digit());
        let mut length = sign + digits(sign);
        if rest[length..].starts_with('.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        let tail = prefix(&rest[length..], is_word);
        if tail > 0 {
            length += tail;
            self.report(Syntax::MalformedNumber, length);
        }
        self.token(TokenKind::Number, length);
    }

    /// Returns whether the previous tokens are `policy name`, so that `<` begins the text of a policy.
    fn after_policy_name(&self) -> bool {
        let [.., keyword, name] = self.out.tokens.as_slice() else {
            return false;
        };
        name.kind == TokenKind::Word && matches!(self.text.get(keyword.span.range()), Some("policy" | "map" | "reduce"))
    }

    /// Returns whether the previous tokens are `policy name`, and not `map name`.
    fn is_policy(&self) -> bool {
        let keyword = self.out.tokens.iter().nth_back(1);
        keyword.is_some_and(|keyword| self.text.get(keyword.span.range()) == Some("policy"))
    }

    /// Reads the text of a policy, which ends at the first `>` that is not part of `->` (XOS 4.0.4, plyxproto's lexer).
    fn policy_body(&mut self) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let end = (1..bytes.len()).find(|&at| match bytes[at] {
            b'>' => bytes[at - 1] != b'-',
            b'\n' => declares(&bytes[at + 1..]),
            _ => false,
        });
        match end {
            Some(close) if bytes[close] == b'>' && self.is_policy() && continues(&rest[close + 1..]) => {
                let length = close + 1 + intended(&rest[close + 1..]);
                self.sink.push(Diagnostic::new(Syntax::PolicyEndsEarly, self.span_at(close, 1)));
                self.token(TokenKind::BrokenPolicy, length);
            }
            Some(close) if bytes[close] == b'>' => self.token(TokenKind::PolicyBody, close + 1),
            _ => {
                let length = rest[..end.unwrap_or(rest.len())].trim_end().len();
                self.report(Syntax::UnterminatedPolicy, 1);
                self.token(TokenKind::PolicyBody, length);
            }
        }
    }

    fn punctuation(&mut self) {
        use TokenKind as K;
        let rest = self.rest();
        let kind = match rest.as_bytes() {
            [b':', b':', ..] => return self.token(K::DoubleColon, 2),
            [b'-', b'>', ..] => return self.token(K::Arrow, 2),
            [b'{', ..] => K::LBrace,
            [b'}', ..] => K::RBrace,
            [b'[', ..] => K::LBracket,
            [b']', ..] => K::RBracket,
            [b'(', ..] => K::LParen,
            [b')', ..] => K::RParen,
            [b'=', ..] => K::Eq,
            [b';', ..] => K::Semi,
            [b',', ..] => K::Comma,
            [b'.', ..] => K::Dot,
            [b':', ..] => K::Colon,
            [b'/', ..] => K::Slash,
            [b'+', ..] => K::Plus,
            [b'<', ..] => K::Lt,
            [b'>', ..] => K::Gt,
            _ => return self.unexpected(),
        };
        self.token(kind, 1);
    }

    fn unexpected(&mut self) {
        let rest = self.rest();
        let length = prefix(rest, |c| !is_known(c)).max(rest.chars().next().map_or(1, char::len_utf8));
        let text = rest[..length].to_owned();
        self.report(Syntax::UnexpectedCharacters { text }, length);
        self.at += length;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == char::REPLACEMENT_CHARACTER
}

/// Returns whether a character can begin or continue a token, so that a run of unexpected ones ends before it.
fn is_known(c: char) -> bool {
    is_word(c) || c.is_ascii_whitespace() || "/#\"'<>+-{}[]()=;,.:".contains(c)
}

/// Returns the length of the blanks that a text begins with.
fn blanks(text: &str) -> usize {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c');
    text.bytes().take_while(is_blank).count()
}

/// Returns the length of the word that a text begins with.
fn word_length(text: &str) -> usize {
    let ascii = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    match text.as_bytes().get(ascii) {
        Some(byte) if !byte.is_ascii() => ascii + prefix(&text[ascii..], is_word),
        _ => ascii,
    }
}

/// Returns the length of the leading characters that fulfil a condition.
fn prefix(text: &str, such: impl Fn(char) -> bool) -> usize {
    text.find(|c| !such(c)).unwrap_or(text.len())
}

/// Returns the length of the first line without its end.
fn line_length(text: &str) -> usize {
    let length = text.find('\n').unwrap_or(text.len());
    text[..length].trim_end_matches('\r').len()
}

/// Returns whether a policy goes on behind its first `>`: something follows on the line that begins no declaration.
fn continues(rest: &str) -> bool {
    let line = rest[..line_length(rest)].trim_start();
    let ends = [";", "}", "{", "//", "/*", "#"].iter().any(|mark| line.starts_with(mark));
    !line.is_empty() && !ends && !declares(line.as_bytes())
}

/// Returns the length of what was meant to be a policy's text, from behind its first `>` to the last one before the next
/// declaration, or to the end of the line.
fn intended(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let begins = |at: usize| bytes[at].is_ascii_whitespace() && declares(&bytes[at + 1..]);
    let next = (0..bytes.len()).find(|&at| begins(at)).unwrap_or(rest.len());
    let last = rest[..next].rfind('>').map(|last| last + 1);
    last.unwrap_or_else(|| line_length(rest).min(next))
}

/// Returns whether a line declares something: an unclosed policy must not swallow the rest of the file.
fn declares(line: &[u8]) -> bool {
    ["message ", "policy ", "option "].iter().any(|word| line.starts_with(word.as_bytes()))
}

#[cfg(test)]
mod tests;
