//! Comments right above a declaration are its documentation.

use super::Parser;
use crate::source::Span;

impl Parser<'_, '_> {
    /// Returns the comment block that ends on the line above the current token, or on its line.
    pub(super) fn doc_above(&self) -> Option<String> {
        let token = self.peek();
        let previous = self.at.checked_sub(1).and_then(|at| self.tokens.tokens.get(at));
        let between = previous.map_or(0, |token| token.comments)..token.comments;
        let comments = self.tokens.comments.get(between)?;
        if comments.is_empty() {
            return None;
        }
        // A comment that begins before it follows something else on its line, and is about that.
        let own_lines = previous.map_or(0, |before| self.line_end(before.span, token.span));
        let mut below = token.span;
        let mut block = Vec::new();
        for &comment in comments.iter().rev() {
            if (comment.start as usize) < own_lines || self.newlines(comment, below) > 1 {
                break;
            }
            block.push(comment);
            below = comment;
        }
        let lines: Vec<_> = block.iter().rev().map(|&comment| comment_text(self.slice(comment))).collect();
        let text = lines.join("\n").trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Returns where the line of a token ends, at most up to the next token.
    fn line_end(&self, span: Span, next: Span) -> usize {
        let between = self.text.get(span.end as usize..next.start as usize).unwrap_or_default();
        span.end as usize + between.find('\n').unwrap_or(between.len())
    }

    fn newlines(&self, from: Span, to: Span) -> usize {
        let between = self.text.get(from.end as usize..to.start as usize).unwrap_or_default();
        between.matches('\n').count()
    }
}

/// Returns the text of a comment without the marks of a comment.
fn comment_text(comment: &str) -> String {
    if let Some(line) = comment.strip_prefix("//") {
        return line.trim_start_matches('/').trim().to_owned();
    }
    let inner = comment.strip_prefix("/*").unwrap_or(comment);
    let inner = inner.strip_suffix("*/").unwrap_or(inner).trim_start_matches('*');
    let lines: Vec<_> = inner.lines().map(|line| line.trim().trim_start_matches('*').trim()).collect();
    lines.join("\n").trim().to_owned()
}
