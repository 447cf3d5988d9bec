//! The links of the documentation lead somewhere, and the book has every page.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use page::Page;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

/// Returns the names of the Markdown files of a folder of the repository, from its root.
fn pages_of(folder: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return vec![] };
    let names = entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()));
    names.filter(|name| name.extension().is_some_and(|ending| ending == "md")).collect()
}

fn all_pages() -> BTreeMap<PathBuf, Page> {
    let folders = ["", "docs", "docs/reference", "charts/xos-controller"];
    let names = folders.into_iter().flat_map(pages_of);
    names.map(|name| (name.clone(), Page::of(&fs::read_to_string(root().join(&name)).unwrap()))).collect()
}

/// Returns a path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// Returns what is wrong with a link of a page; nothing if it leads somewhere, or out of the repository.
fn fault(pages: &BTreeMap<PathBuf, Page>, from: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = match file {
        "" => from.to_owned(),
        file => normal(&from.parent().unwrap().join(file)),
    };
    if !root().join(&target).exists() {
        return Some(format!("{}: {link}: there is no {}", from.display(), target.display()));
    }
    let anchor = anchor?;
    let Some(page) = pages.get(&target) else {
        return Some(format!("{}: {link}: {} has no headings", from.display(), target.display()));
    };
    (!page.anchors.contains(anchor)).then(|| format!("{}: {link}: there is no such heading", from.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = all_pages();
    assert!(pages.len() > 10 && pages.values().map(|page| page.links.len()).sum::<usize>() > 50);
    let links = pages.iter().flat_map(|(name, page)| page.links.iter().map(move |link| (name, link)));
    let faults: Vec<_> = links.filter_map(|(name, link)| fault(&pages, name, link)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_broken_link_is_found() {
    let pages = all_pages();
    let from = Path::new("docs/errors.md");
    for broken in ["nowhere.md", "deletion.md#no-such-heading", "#no-such-heading", "../nowhere"] {
        assert!(fault(&pages, from, broken).is_some(), "{broken}");
    }
    for sound in ["deletion.md", "../README.md", "../config", "https://example.org/x"] {
        assert_eq!(fault(&pages, from, sound), None);
    }
}

#[test]
fn the_book_has_every_page_once() {
    let summary = Page::of(&fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap());
    let listed: BTreeSet<_> = summary.links.iter().map(|link| Path::new("docs").join(link)).collect();
    assert_eq!(listed.len(), summary.links.len(), "a page stands twice in docs/SUMMARY.md");
    let pages = ["docs", "docs/reference"].into_iter().flat_map(pages_of);
    let there: BTreeSet<_> = pages.filter(|name| !name.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, there);
}
