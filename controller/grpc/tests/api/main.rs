//! The original XOS compiler and ours make the same API of the same models.
//!
//! The original is installed from PyPI on first use (see `e2e/oracle`). `XOS_DIFFERENTIAL_SEED` and
//! `XOS_DIFFERENTIAL_SETS` choose other random sets, and how many.

#![expect(clippy::unwrap_used, reason = "a test that cannot run fails")]

mod common;
mod compile;
mod core;
mod oracle;
mod rules;

use std::collections::BTreeMap;
use std::env;

use common::first_difference;
use oracle::{Outcome, ours, theirs};
use xos_random_models::{Set, generate};

/// How often a failing set is made smaller.
const ROUNDS: usize = 60;

#[test]
fn random_model_sets_have_the_same_api() {
    let number = |name: &str, default| env::var(name).map_or(default, |value| value.parse().unwrap());
    let seed: u64 = number("XOS_DIFFERENTIAL_SEED", 4);
    let sets: u64 = number("XOS_DIFFERENTIAL_SETS", 500);
    println!("XOS_DIFFERENTIAL_SEED={seed} XOS_DIFFERENTIAL_SETS={sets}");

    let all: Vec<_> = (0..sets).map(|at| generate::set(seed.wrapping_mul(1_000_000).wrapping_add(at))).collect();
    let differences = differences(&all);
    let Some((at, first)) = differences.iter().enumerate().find_map(|(at, d)| Some((at, d.as_ref()?))) else {
        return;
    };
    let mut kinds = BTreeMap::new();
    differences.iter().flatten().for_each(|difference| *kinds.entry(&difference.kind).or_insert(0) += 1);
    let (set, text) = smallest(&all[at], first);
    let texts: String = set.texts().iter().map(|(name, text)| format!("--- {name}\n{text}\n")).collect();
    panic!("sets differ: {kinds:#?} (seed {seed}); the first, number {at}, made small:\n{texts}\n{text}");
}

#[test]
fn the_models_of_this_repository_have_the_same_api() {
    let sets = oracle::repository();
    assert!(!sets.is_empty());
    for (files, theirs) in sets.iter().zip(theirs(&sets)) {
        let difference = difference(&ours(files), &theirs);
        assert!(difference.is_none(), "{}: {}", files[0].0, difference.unwrap().text);
    }
}

/// Random sets prove something only while they have what models can have.
#[test]
fn random_model_sets_have_everything() {
    let sets: Vec<_> = (0..500).map(generate::set).collect();
    let all: String = sets.iter().flat_map(Set::texts).map(|(_, text)| text).collect();
    let spellings =
        ["manytoone", "onetoone", "manytomany", "/Pairs_of_it", ":+ = ", "+ = ", "option plural", "no_sync"];
    let more =
        ["no_policy", "option name", "content_type = date", "content_type=\"date\"", "->XOSBase:", "::admin", "[]"];
    for spelling in spellings.iter().chain(&more) {
        assert!(all.matches(spelling).count() > 20, "{spelling}");
    }
    let messages = |set: &Set| set.files.iter().flat_map(|file| file.messages.clone()).collect::<Vec<_>>();
    let bases: BTreeMap<_, _> = sets.iter().flat_map(messages).map(|m| (m.name, m.bases.len())).collect();
    assert!(bases.values().any(|&bases| bases > 2), "several bases");
    let is_middle = |set: &Set| {
        let messages = messages(set);
        messages.iter().any(|m| m.members.is_empty() && messages.iter().any(|heir| heir.bases.contains(&m.name)))
    };
    assert!(sets.iter().filter(|set| is_middle(set)).count() > 20, "empty middle classes");
    assert!(sets.iter().filter(|set| set.files.len() > 1).count() > 100, "several files");
    assert!(sets.iter().any(|set| generate::depth(&messages(set)) > 4), "deep inheritance");
}

/// Returns where the compilers differ, for each set.
fn differences(sets: &[Set]) -> Vec<Option<Difference>> {
    let files: Vec<_> = sets.iter().map(Set::texts).collect();
    files.iter().zip(theirs(&files)).map(|(files, theirs)| difference(&ours(files), &theirs)).collect()
}

/// A difference between the compilers.
struct Difference {
    /// What sets with the same difference have in common.
    kind: String,
    text: String,
}

fn difference(ours: &Outcome, theirs: &Outcome) -> Option<Difference> {
    let refused = |by: &str, why: &str| {
        let code = why.split(']').next().unwrap_or_default();
        let words: Vec<_> = code.split_whitespace().take(2).collect();
        Difference { kind: format!("refused by {by}: {}", words.join(" ")), text: format!("refused by {by}: {why}") }
    };
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => {
            let text = first_difference(ours, theirs)?;
            Some(Difference { kind: "another API".to_owned(), text })
        }
        (Err(why), Ok(_)) => Some(refused("us", why)),
        (Ok(_), Err(why)) => Some(refused("the original", why)),
        (Err(ours), Err(theirs)) => Some(refused("both", &format!("{theirs}\n{ours}"))),
    }
}

/// Returns the smallest set, found by leaving things out, for which the compilers differ in the same way.
fn smallest(set: &Set, difference: &Difference) -> (Set, String) {
    let mut smallest = set.clone();
    let mut text = difference.text.clone();
    for _ in 0..ROUNDS {
        let mut candidates = smallest.smaller();
        let found = differences(&candidates)
            .into_iter()
            .enumerate()
            .find_map(|(at, d)| d.filter(|d| d.kind == difference.kind).map(|d| (at, d.text)));
        let Some((at, less)) = found else {
            break;
        };
        smallest = candidates.swap_remove(at);
        text = less;
    }
    (smallest, text)
}
