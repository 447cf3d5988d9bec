//! A controller that crashes at any of its outward calls, before the call or before its answer, comes to the same end
//! as one that never does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod fuse;
mod mortal;
mod steps;
mod story;
mod world;

use std::collections::BTreeMap;

use fuse::{Crash, When};
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use world::{End, run};

/// How many pairs of crashes are tried.
const PAIRS: usize = 100;

fn seed() -> u64 {
    let seed = std::env::var("XOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("XOS_SEED={seed}");
    seed
}

#[track_caller]
fn check(end: &End, reference: &BTreeMap<String, Value>, plan: &[Crash], seed: u64) {
    let context = format!("crashes {plan:?}, XOS_SEED={seed}");
    for key in reference.keys().chain(end.picture.keys()) {
        let got = end.picture.get(key);
        let expected = reference.get(key);
        assert!(got == expected, "{context}: {key}\n got      {got:?}\n expected {expected:?}");
    }
    for (key, times) in &end.begun {
        let most = 1 + end.crashes + usize::from(story::TAKEN_BACK.iter().any(|object| key.starts_with(object)));
        assert!(*times <= most, "{context}: {key} was begun {times} times");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_crash_all_comes_to_its_end() {
    let end = run(story::story(), &[], 0).await;
    story::check(&end);
    for seed in 1..20 {
        let other = run(story::story(), &[], seed).await;
        check(&other, &end.picture, &[], seed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_any_call_changes_nothing_in_the_end() {
    every_crash(When::Before).await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_any_call_changes_nothing_in_the_end() {
    every_crash(When::After).await;
}

/// Crashes at the first call, the second … until the story ends without a crash.
async fn every_crash(when: When) {
    let seed = seed();
    let reference = run(story::story(), &[], seed).await;
    let mut number = 0;
    loop {
        number += 1;
        let plan = [(number, when)];
        let end = run(story::story(), &plan, seed).await;
        check(&end, &reference.picture, &plan, seed);
        if end.crashes == 0 {
            break;
        }
    }
    eprintln!("{} crashes", number - 1);
    assert!(number > 100, "the story has too few calls: {number}");
}

#[tokio::test(start_paused = true)]
async fn two_crashes_neither() {
    let seed = seed();
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    let reference = run(story::story(), &[], seed).await;
    for _ in 0..PAIRS {
        let mut crash = |from: usize| {
            let when = if random.random::<bool>() { When::Before } else { When::After };
            (from + random.random_range(1..=reference.calls), when)
        };
        let first = crash(0);
        // Half of them soon after the first.
        let second = if random_bool(first.0) { (first.0 + 1 + first.0 % 7, When::After) } else { crash(first.0) };
        let plan = [first, second];
        check(&run(story::story(), &plan, seed).await, &reference.picture, &plan, seed);
    }
}

fn random_bool(number: usize) -> bool {
    number.is_multiple_of(2)
}
