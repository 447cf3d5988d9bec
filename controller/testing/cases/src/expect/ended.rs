//! How messages, and runs of pull steps, ended.

use serde_json::Value as Json;
use xos_testing::World;
use xos_yaml::{Node, Value};

use crate::compare::{Differences, Of, compare};
use crate::problem::CaseProblem;
use crate::run::{list, word};
use crate::spec::OutcomeWord;

fn named(word: OutcomeWord) -> &'static str {
    match word {
        OutcomeWord::Succeeded => "succeeded",
        OutcomeWord::Failed => "failed",
        OutcomeWord::Deferred => "deferred",
        OutcomeWord::Innocuous => "innocuous",
        OutcomeWord::Unavailable => "unavailable",
        OutcomeWord::Parked => "parked",
    }
}

/// Compares the outcomes of the messages that were sent.
pub(super) fn events(expected: &Node, ended: &[(String, OutcomeWord, Option<String>)], differences: &mut Differences) {
    let found = ended.iter().map(|(step, outcome, message)| found(step, *outcome, message.as_deref()));
    let found: Vec<_> = found.collect();
    let nodes = match &expected.value {
        Value::List(nodes) => nodes.as_slice(),
        _ => &[],
    };
    for (at, node) in nodes.iter().enumerate() {
        let what = format!("events[{at}]");
        match found.get(at) {
            Some(found) => compare(node, found, &what, Of::Part, differences),
            None => {
                let missing = CaseProblem::NotThere { what: format!("`{what}`"), suggestion: None };
                differences.push((missing, node.place.clone()));
            }
        }
    }
    for (at, more) in found.iter().enumerate().skip(nodes.len()) {
        let (what, found) = (format!("`events[{at}]`"), format!("`{more}`"));
        differences.push((CaseProblem::TooMuch { what, found }, expected.place.clone()));
    }
}

fn found(step: &str, outcome: OutcomeWord, message: Option<&str>) -> Json {
    serde_json::json!({"step": step, "outcome": named(outcome), "message": message})
}

/// Compares the outcomes of the last runs of pull steps.
pub(super) fn pulls(expect: &Node, world: &World, differences: &mut Differences) {
    for (at, node) in list(expect, "pulls").iter().enumerate() {
        let Some((step, place)) = node.text("step") else { continue };
        match world.pulled(step) {
            Some(outcome) => {
                let found = found(step, word(outcome), outcome.message());
                compare(node, &found, &format!("pulls[{at}]"), Of::Part, differences);
            }
            None => {
                let what = format!("a run of the pull step `{step}`");
                differences.push((CaseProblem::NotThere { what, suggestion: None }, place.clone()));
            }
        }
    }
}
