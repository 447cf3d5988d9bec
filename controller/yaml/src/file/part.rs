//! Places of parts of texts.

use std::ops::Range;

use super::{File, Place};

/// Returns the place of a part of a text that a file has: exactly where the text stands in the file as it is, else that of
/// the same words, else that of the whole text.
pub fn part_of(whole: &Place, files: &[File], text: &str, part: &Range<usize>) -> Place {
    let Place::File { file, bytes } = whole else { return whole.clone() };
    let written = files.get(*file).and_then(|file| file.text.get(bytes.start..)).unwrap_or_default();
    let here = |start: usize| Place::File { file: *file, bytes: start..start + part.len() };
    // Quotes may stand before it; a text in a block is written with indentation.
    let near = written.get(..written.len().min(text.len() + 8)).unwrap_or(written);
    if let Some(at) = near.find(text) {
        return here(bytes.start + at + part.start);
    }
    let words = text.get(part.clone()).unwrap_or_default();
    let longest = text.len() * 2 + 200;
    match written.find(words).filter(|at| !words.trim().is_empty() && *at < longest) {
        Some(at) => here(bytes.start + at),
        None => whole.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_where_it_stands() {
        let place = |text: &str, whole: Range<usize>, value: &str, part: &str| {
            let files = [File { path: "a.yaml".into(), text: text.to_owned(), secrets: vec![] }];
            let start = value.find(part).unwrap();
            let whole = Place::File { file: 0, bytes: whole };
            match part_of(&whole, &files, value, &(start..start + part.len())) {
                Place::File { bytes, .. } => text[bytes].to_owned(),
                other => format!("{other:?}"),
            }
        };
        assert_eq!(place("a: ${self.b} c", 3..14, "${self.b} c", ".b"), ".b");
        assert_eq!(place("a: \"${self.b} c\"", 3..16, "${self.b} c", "self.b"), "self.b");
        assert_eq!(place("a: >\n  ${one}\n  ${self.b}\n", 3..4, "${one} ${self.b}\n", "self.b"), "self.b");
        assert_eq!(place("a: \"\\x24{self.b}\"", 3..16, "${self.b}", "$"), "\"\\x24{self.b}");
    }
}
