//! The manual: what every code means, with an example and the remedy.
//!
//! It is the documentation of the variants itself, read from the sources of this folder: there is no second place that
//! could say something else.

/// What a code means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The code, like `X012`.
    pub code: String,
    /// Whether it is only a warning.
    pub is_warning: bool,
    /// What it means and what to do, in one paragraph.
    pub text: String,
    /// A text that has it, if a short one does.
    pub example: Option<String>,
}

const SOURCES: [&str; 8] = [
    include_str!("syntax.rs"),
    include_str!("unsupported.rs"),
    include_str!("model.rs"),
    include_str!("field.rs"),
    include_str!("option.rs"),
    include_str!("choices.rs"),
    include_str!("link.rs"),
    include_str!("policy.rs"),
];

/// What all codes mean, by number.
#[must_use]
pub fn explanations() -> Vec<Explanation> {
    let mut all: Vec<_> = SOURCES.iter().flat_map(|source| read(source)).collect();
    all.sort_by(|one, other| one.code.cmp(&other.code));
    all
}

/// The explanations in the documentation of a source: a comment that begins with a code in backquotes.
#[must_use]
pub fn read(source: &str) -> Vec<Explanation> {
    let mut all = Vec::new();
    let mut lines =
        source.lines().map(|line| line.trim().strip_prefix("///").map(|doc| doc.strip_prefix(' ').unwrap_or(doc)));
    while let Some(line) = lines.next() {
        let Some(mut explanation) = line.and_then(begin) else {
            continue;
        };
        // To the end of the comment.
        for doc in lines.by_ref().map_while(|line| line) {
            append(&mut explanation, doc);
        }
        finish(&mut explanation);
        all.push(explanation);
    }
    all
}

/// `` `X012`: text `` or `` `X012` (warning): text ``
fn begin(doc: &str) -> Option<Explanation> {
    let (code, rest) = doc.strip_prefix('`')?.split_once('`')?;
    let is_code = code.len() == 4
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.chars().skip(1).all(|c| c.is_ascii_digit());
    let (is_warning, text) = match rest.strip_prefix(" (warning): ") {
        Some(text) => (true, text),
        None => (false, rest.strip_prefix(": ")?),
    };
    is_code.then(|| Explanation { code: code.to_owned(), is_warning, text: text.to_owned(), example: None })
}

/// Adds a line: to the text above the example, or to the example.
fn append(explanation: &mut Explanation, doc: &str) {
    match &mut explanation.example {
        None if doc.starts_with("```") => explanation.example = Some(String::new()),
        None => {
            explanation.text.push(' ');
            explanation.text.push_str(doc);
        }
        Some(_) if doc.starts_with("```") => {}
        Some(example) => {
            example.push_str(doc);
            example.push('\n');
        }
    }
}

fn finish(explanation: &mut Explanation) {
    explanation.text = explanation.text.trim_end().to_owned();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_that_begin_with_a_code_are_read() {
        let source = "/// Not one.\nA,\n    /// `X012` (warning): One.\n    /// Two.\n    ///\n    /// ```proto\n    /// a\n    ///   b\n    /// ```\n    #[error]\n/// `X1`: no\n/// `x123`: no\n/// `Y001`: Last.\n";
        let all = read(source);
        let expected = Explanation {
            code: "X012".to_owned(),
            is_warning: true,
            text: "One. Two.".to_owned(),
            example: Some("a\n  b\n".to_owned()),
        };
        assert_eq!(all[0], expected);
        // A comment that begins without a code is skipped line by line.
        assert_eq!((all.len(), all[1].code.as_str(), all[1].text.as_str()), (2, "Y001", "Last."));
    }
}
