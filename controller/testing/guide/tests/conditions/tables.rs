//! The tables of a page.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

type Rows = Vec<Vec<String>>;

/// The rows of the tables of a page, without the heads, by the heading above.
#[derive(Debug, Default)]
pub(crate) struct Tables(BTreeMap<String, Rows>);

impl Tables {
    /// Reads a page.
    pub(crate) fn of(text: &str) -> Self {
        let mut tables = Self::default();
        let mut heading = String::new();
        let mut is_heading = false;
        let mut row: Option<Vec<String>> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => {
                    heading.clear();
                    is_heading = true;
                }
                Event::End(TagEnd::Heading(_)) => is_heading = false,
                Event::Start(Tag::TableRow) => row = Some(vec![]),
                Event::End(TagEnd::TableRow) => {
                    tables.0.entry(heading.clone()).or_default().extend(row.take());
                }
                Event::Start(Tag::TableCell) => {
                    if let Some(row) = &mut row {
                        row.push(String::new());
                    }
                }
                Event::Text(words) | Event::Code(words) => {
                    if is_heading {
                        heading.push_str(&words);
                    } else if let Some(cell) = row.as_mut().and_then(|row| row.last_mut()) {
                        cell.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        tables
    }

    /// Returns the rows under a heading.
    pub(crate) fn under(&self, heading: &str) -> &[Vec<String>] {
        self.0.get(heading).unwrap_or_else(|| panic!("there is no table under the heading {heading}"))
    }
}

#[test]
fn tables_are_read() {
    let tables = Tables::of("# A\n\n| a | b |\n|---|---|\n| `c` | d [e](f) |\n\n## `B`\n\n| g |\n|---|\n| |\n");
    assert_eq!(tables.under("A"), [["c".to_owned(), "d e".to_owned()]]);
    assert_eq!(tables.under("B"), [[String::new()]]);
}
