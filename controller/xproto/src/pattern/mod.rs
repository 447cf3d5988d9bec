//! Option `pattern`: regular expressions, as far as the API server and we read them the same.
//!
//! The API server compiles `pattern` with Go's package `regexp` (RE2's syntax). What that package does not have, or reads
//! differently, is refused here, so that a definition is never refused at `xos run` because of it.

mod sample;

use regex::Regex;
use regex_syntax::ast::{
    self, Assertion, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSetItem, ClassUnicodeKind, Flag, Flags,
    FlagsItemKind, HexLiteralKind, Literal, LiteralKind, RepetitionKind, RepetitionRange, Visitor,
};

/// The greatest count of a repetition, also of nested ones together (Go, `regexp/syntax`).
const MOST_REPEATED: u32 = 1000;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is no regular expression.
    #[error("{0}")]
    Syntax(String),
    /// It has a part that the API server does not know, or reads as something else.
    #[error("the API server does not know {0}")]
    NotRe2(&'static str),
    /// It repeats more than the API server allows.
    #[error("it repeats more than {MOST_REPEATED} times")]
    Repeats,
}

/// A regular expression that a text must match somewhere; `^` and `$` tie it to the ends.
///
/// ```
/// use xos_xproto::pattern::Pattern;
///
/// let three_digits = Pattern::new("^[0-9]{3}$")?;
/// assert!(three_digits.matches("123") && !three_digits.matches("1234"));
/// assert!(Pattern::new("(?=a)").is_err(), "RE2 has no look-ahead");
/// # Ok::<(), xos_xproto::pattern::PatternError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// When the API server would not accept it, or would read it differently.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let syntax = |error: ast::Error| PatternError::Syntax(error.kind().to_string());
        let tree = ast::parse::Parser::new().parse(text).map_err(syntax)?;
        let translated = ast::visit(&tree, Translator { classes: Vec::new(), repeats: vec![1] })?;
        let regex = Regex::new(&replaced(text, &translated));
        regex.map(Self).map_err(|_| PatternError::Syntax("it is too large, or names an unknown class".to_owned()))
    }

    /// Returns whether the text has a part that matches.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// A part of the text, in bytes, and what to write in its place.
type Replacement = (std::ops::Range<usize>, &'static str);

/// Returns the text with its replacements, which are in order.
fn replaced(text: &str, replacements: &[Replacement]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, new) in replacements {
        out += text.get(at..range.start).unwrap_or_default();
        out += new;
        at = range.end;
    }
    out + text.get(at..).unwrap_or_default()
}

/// Refuses what Go does not have, and finds the classes that mean ASCII in Go and Unicode in Rust.
struct Translator {
    classes: Vec<Replacement>,
    /// The product of the counts around this place, innermost last.
    repeats: Vec<u32>,
}

impl Translator {
    fn literal(literal: &Literal) -> Result<(), PatternError> {
        match literal.kind {
            LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
            | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
                Err(PatternError::NotRe2("`\\u`; write `\\x{…}`"))
            }
            _ => Ok(()),
        }
    }

    fn flags(flags: &Flags) -> Result<(), PatternError> {
        let is_foreign = |flag: &FlagsItemKind| {
            matches!(flag, FlagsItemKind::Flag(Flag::Unicode | Flag::CRLF | Flag::IgnoreWhitespace))
        };
        match flags.items.iter().any(|item| is_foreign(&item.kind)) {
            true => Err(PatternError::NotRe2("the flags `u`, `R` and `x`")),
            false => Ok(()),
        }
    }

    fn perl(&mut self, class: &ClassPerl) {
        let ascii = match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => "[0-9]",
            (ClassPerlKind::Digit, true) => "[^0-9]",
            (ClassPerlKind::Space, false) => r"[\t\n\f\r ]",
            (ClassPerlKind::Space, true) => r"[^\t\n\f\r ]",
            (ClassPerlKind::Word, false) => "[0-9A-Za-z_]",
            (ClassPerlKind::Word, true) => "[^0-9A-Za-z_]",
        };
        self.classes.push((class.span.start.offset..class.span.end.offset, ascii));
    }

    fn unicode(kind: &ClassUnicodeKind) -> Result<(), PatternError> {
        let is_known = match kind {
            ClassUnicodeKind::OneLetter(_) => true,
            ClassUnicodeKind::Named(name) => name.starts_with(|c: char| c.is_ascii_uppercase()),
            ClassUnicodeKind::NamedValue { .. } => false,
        };
        if is_known { Ok(()) } else { Err(PatternError::NotRe2("such a `\\p{…}`; write a script or category")) }
    }

    fn assertion(assertion: &Assertion) -> Result<(), PatternError> {
        use AssertionKind::{EndLine, EndText, NotWordBoundary, StartLine, StartText, WordBoundary};
        match assertion.kind {
            StartLine | EndLine | StartText | EndText | WordBoundary | NotWordBoundary => Ok(()),
            _ => Err(PatternError::NotRe2("ends and beginnings of words other than `\\b`")),
        }
    }
}

fn greatest(kind: &RepetitionKind) -> u32 {
    match kind {
        RepetitionKind::Range(RepetitionRange::Exactly(n) | RepetitionRange::AtLeast(n)) => *n,
        RepetitionKind::Range(RepetitionRange::Bounded(_, n)) => *n,
        _ => 1,
    }
}

impl Visitor for Translator {
    type Output = Vec<Replacement>;
    type Err = PatternError;

    fn finish(self) -> Result<Self::Output, PatternError> {
        Ok(self.classes)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), PatternError> {
        match ast {
            Ast::Flags(flags) => Self::flags(&flags.flags),
            Ast::Group(group) => group.flags().map_or(Ok(()), Self::flags),
            Ast::Literal(literal) => Self::literal(literal),
            Ast::ClassPerl(class) => {
                self.perl(class);
                Ok(())
            }
            Ast::ClassUnicode(class) => Self::unicode(&class.kind),
            Ast::Assertion(assertion) => Self::assertion(assertion),
            Ast::Repetition(repetition) => {
                let around = self.repeats.last().copied().unwrap_or(1);
                let all = around.saturating_mul(greatest(&repetition.op.kind).max(1));
                self.repeats.push(all);
                if all > MOST_REPEATED { Err(PatternError::Repeats) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn visit_post(&mut self, ast: &Ast) -> Result<(), PatternError> {
        if matches!(ast, Ast::Repetition(_)) {
            self.repeats.pop();
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), PatternError> {
        match item {
            ClassSetItem::Literal(literal) => Self::literal(literal),
            ClassSetItem::Range(range) => Self::literal(&range.start).and_then(|()| Self::literal(&range.end)),
            ClassSetItem::Perl(class) => {
                self.perl(class);
                Ok(())
            }
            ClassSetItem::Unicode(class) => Self::unicode(&class.kind),
            ClassSetItem::Bracketed(_) => Err(PatternError::NotRe2("`[` in a class; write `\\[`")),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), PatternError> {
        Err(PatternError::NotRe2("`&&`, `--` and `~~` in a class"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, text, matches) in [
            ("^[0-9]{3}$", "123", true),
            ("^[0-9]{3}$", "1234", false),
            (r"^\d+$", "\u{663}", false),
            (r"^[\d_]+$", "1_2", true),
            (r"^\D$", "\u{663}", true),
            (r"^\w\s\S\W$", "a b-", true),
            ("b", "abc", true),
            (r"(?i)^v\x{30}$", "V0", true),
            (r"^\p{Greek}\pL$", "αβ", true),
            (r"\bcafe\b", "a cafe.", true),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn what_go_does_not_have_is_refused() {
        for (pattern, why) in [
            ("[0-9", "unclosed character class"),
            ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
            (r"(a)\1", "backreferences are not supported"),
            (r"\u0041", "the API server does not know `\\u`; write `\\x{…}`"),
            ("(?x) a", "the API server does not know the flags `u`, `R` and `x`"),
            ("[a-z&&[^b]]", "the API server does not know `&&`, `--` and `~~` in a class"),
            ("[a[b]]", "the API server does not know `[` in a class; write `\\[`"),
            (r"\b{start}a", "the API server does not know ends and beginnings of words other than `\\b`"),
            (r"\p{sc=Greek}", "the API server does not know such a `\\p{…}`; write a script or category"),
            ("a{1001}", "it repeats more than 1000 times"),
            ("(a{100}){100}", "it repeats more than 1000 times"),
            (r"\p{Nothing}", "it is too large, or names an unknown class"),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap_err().to_string(), why, "{pattern}");
        }
    }
}
