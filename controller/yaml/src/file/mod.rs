//! Files, and places in them.

mod part;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use part::part_of;

/// The place of a key or a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bytes of a file; `file` is its index in the list of files.
    File {
        /// The index of the file.
        file: usize,
        /// The bytes.
        bytes: Range<usize>,
    },
    /// An environment variable.
    Variable(String),
    /// No place: a key is missing, and there is no file.
    Nowhere,
}

/// A file.
#[derive(Debug)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The parts of the text that must not be shown.
    pub secrets: Vec<Range<usize>>,
}

impl File {
    /// Returns a path relative to this file.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// Returns the line and the column of a byte, counted from 1, the column in characters.
    pub fn line_column(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Returns the byte at a line and column.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = match line {
            0 | 1 => 0,
            _ => self.text.match_indices('\n').nth(line - 2).map_or(self.text.len(), |(at, _)| at + 1),
        };
        let rest = &self.text[start..];
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
    }

    /// Returns the line that contains a byte, and where it starts. Secrets are masked.
    pub fn line(&self, at: usize) -> (usize, String) {
        let at = at.min(self.text.len());
        let start = self.text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let hidden = |byte: usize| self.secrets.iter().any(|secret| secret.contains(&byte));
        // As many bytes as before, so that places stay right.
        let masked = |(at, c): (usize, char)| if hidden(start + at) { "*".repeat(c.len_utf8()) } else { c.to_string() };
        (start, self.text[start..end].char_indices().map(masked).collect())
    }
}

#[cfg(test)]
mod tests;
