//! The tables of docs/conditions.md have every condition, reason and Event of the controller, and no others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod source;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Source, Words};
use tables::Tables;

const PAGE: &str = "docs/conditions.md";

/// In the source, and never written: with its last finalizer the object is gone.
const NEVER: &str = "DeleteSucceeded";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..").canonicalize().unwrap()
}

fn page() -> Tables {
    Tables::of(&fs::read_to_string(root().join(PAGE)).unwrap())
}

/// Returns the first cells of a table, without the domain of a condition. None may stand there twice.
fn first_cells(rows: &[Vec<String>]) -> Words {
    rows.iter().map(|row| row[0].rsplit('/').next().unwrap().to_owned()).collect()
}

/// Fails, naming what one of the two has and the other has not.
fn compare(what: &str, in_source: &Words, in_page: &Words) {
    let list = |words: Vec<&String>| words.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    let missing = list(in_source.difference(in_page).collect());
    let unknown = list(in_page.difference(in_source).collect());
    let mut faults = vec![];
    if !missing.is_empty() {
        faults.push(format!("{PAGE} lacks {what} that the controller's source has: {missing}"));
    }
    if !unknown.is_empty() {
        faults.push(format!("{PAGE} has {what} that the controller's source lacks: {unknown}"));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn without_never(mut words: Words) -> Words {
    assert!(words.remove(NEVER), "{NEVER} is not in the source any more: {words:?}");
    words
}

#[test]
fn every_condition_is_documented() {
    let source = Source::read(&root());
    compare("conditions", &source.conditions(), &first_cells(page().under("Conditions")));
}

#[test]
fn every_reason_of_a_condition_is_documented_once() {
    let (source, page) = (Source::read(&root()), page());
    let rows = page.under("Reasons");
    let reasons = first_cells(rows);
    assert_eq!(reasons.len(), rows.len(), "a reason stands twice in {PAGE}");
    compare("reasons of conditions", &without_never(source.reasons()), &reasons);
}

#[test]
fn every_event_is_documented_once_and_with_its_type() {
    let (source, page) = (Source::read(&root()), page());
    let rows = page.under("Events");
    let reasons = first_cells(rows);
    assert_eq!(reasons.len(), rows.len(), "an Event stands twice in {PAGE}");
    compare("Events", &without_never(source.events()), &reasons);
    let made = source.made_events();
    for row in rows {
        let kind = row[1].as_str();
        assert!(["Normal", "Warning"].contains(&kind), "{PAGE}: {} is of no type: {kind}", row[0]);
        let is_right = made.get(&row[0]).is_none_or(|in_source| *in_source == kind);
        assert!(is_right, "{PAGE}: the type of the Event {} is {}, and not {kind}", row[0], made[&row[0]]);
    }
}

#[test]
fn each_row_says_what_it_means_and_what_to_do() {
    let page = page();
    for (heading, may_be_empty) in [("Conditions", Some(4)), ("Reasons", None), ("Events", None)] {
        for row in page.under(heading) {
            let empty = row.iter().enumerate().find(|(at, cell)| cell.is_empty() && Some(*at) != may_be_empty);
            assert!(empty.is_none(), "{PAGE}: {}: the row of {} has an empty cell", heading, row[0]);
        }
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Words>();
    for (source, page, expected) in [
        (words(&["Away", "Held"]), words(&["Held"]), "lacks Events that the controller's source has: Away"),
        (words(&["Held"]), words(&["Away", "Held"]), "has Events that the controller's source lacks: Away"),
        (words(&["Away"]), words(&["Gone"]), "has: Away\ndocs/conditions.md has Events"),
    ] {
        let failed = std::panic::catch_unwind(|| compare("Events", &source, &page)).unwrap_err();
        let message = failed.downcast_ref::<String>().unwrap();
        assert!(message.contains(expected), "{message}");
    }
}
