//! Writes the pages of `docs/reference/`, and compares them. Each page is made by a test of the module that it is about:
//! `cli::reference`, `commands::explain::reference`, `config::reference`, `monitoring::reference`; those of the language
//! and of documents, whose crates know nothing of pages, by tests here.

mod documents;
mod xproto;

use std::fs;
use std::path::{Path, PathBuf};

use regex::{Captures, Regex};

/// Begins each page.
const MARK: &str = "<!-- made by `make reference` -->\n";

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a page with the committed one, or writes it where `UPDATE_EXPECT` is set.
pub(crate) fn check(name: &str, text: &str) {
    let path = root().join("docs/reference").join(name);
    let text = format!("{MARK}\n{text}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().find(|line| !committed.lines().any(|there| there == *line)).unwrap_or_default();
    assert!(committed == text, "docs/reference/{name} is not current: run `make reference`\n{differs}");
}

/// Returns a table in Markdown.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| {
        let cells = cells.map(|cell| if cell.is_empty() { cell } else { format!("{} ", cell.replace('|', "\\|")) });
        format!("| {}|\n", cells.join("| "))
    };
    let rows: String = rows.into_iter().map(line).collect();
    format!("{}|{}\n{rows}", line(head.map(str::to_owned)), "---|".repeat(N))
}

/// Returns words as code.
pub(crate) fn code(words: &str) -> String {
    if words.contains('`') { format!("`` {words} ``") } else { format!("`{words}`") }
}

/// Returns a block of code.
pub(crate) fn block(language: &str, text: &str) -> String {
    format!("```{language}\n{}\n```\n", text.trim_end())
}

/// Returns a text without markup, but for code, as Markdown on one line. Options of commands become code.
pub(crate) fn prose(text: &str) -> String {
    let option = Regex::new(r"(^|[\s(])(--?[a-z][a-z-]*)").unwrap();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let outside = |part: &str| {
        let part = part.replace('<', "&lt;").replace('*', "\\*");
        option.replace_all(&part, |found: &Captures<'_>| format!("{}`{}`", &found[1], &found[2])).into_owned()
    };
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { outside(part) } else { format!("`{part}`") }).collect()
}

#[test]
fn texts_become_markdown() {
    assert_eq!(prose("with --yes (-n <N>), a -\n  and `a * --b`"), "with `--yes` (`-n` &lt;N>), a - and `a * --b`");
    assert_eq!((code("a|b").as_str(), code("a`b").as_str()), ("`a|b`", "`` a`b ``"));
    let rows = [["`a|b`".to_owned(), String::new()]];
    assert_eq!(table(["x", ""], rows), "| x | |\n|---|---|\n| `a\\|b` | |\n");
}
