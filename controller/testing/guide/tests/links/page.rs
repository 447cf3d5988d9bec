//! The links of a page, and what links to it may name.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A page of documentation.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Where its links lead, in order.
    pub(crate) links: Vec<String>,
    /// The names of its headings, as GitHub and mdBook make them.
    pub(crate) anchors: BTreeSet<String>,
}

impl Page {
    /// Reads a page.
    pub(crate) fn of(text: &str) -> Self {
        let mut page = Self::default();
        let mut heading: Option<String> = None;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push(dest_url.into_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    page.anchors.extend(heading.take().map(|words| anchor(&words)));
                }
                Event::Text(words) | Event::Code(words) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&words);
                    }
                }
                _ => {}
            }
        }
        page
    }
}

/// Returns the name of a heading: its letters in lower case, with dashes for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

#[test]
fn links_and_headings_are_read() {
    let page =
        Page::of("# A `code` heading, with signs\n[one](a.md#b) and ![two](b.png)\n\n| a |\n|---|\n| [c](d) |\n");
    assert_eq!(page.links, ["a.md#b", "b.png", "d"]);
    assert_eq!(page.anchors, ["a-code-heading-with-signs".to_owned()].into());
}
