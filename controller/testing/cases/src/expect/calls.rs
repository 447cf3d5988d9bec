//! Requests, commands, and calls of step servers.

use serde_json::Value as Json;
use xos_steps::{OutsideCommand, OutsideRequest};
use xos_yaml::{Node, Value};

use crate::answers::{command, is_call, is_command, is_request};
use crate::compare::{Differences, Of, compare};
use crate::outside::Asked;
use crate::problem::CaseProblem;

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(nodes) => nodes,
        _ => &[],
    }
}

fn words(node: &Node) -> Vec<String> {
    let texts = items(node).iter().filter_map(|item| match &item.value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    });
    texts.collect()
}

/// Returns an expected call on one line.
fn line(expected: &Node) -> String {
    match (expected.text("http").or_else(|| expected.text("grpc")), expected.at("exec")) {
        (Some((words, _)), _) => words.to_owned(),
        (None, Some(exec)) => command(&words(exec)),
        (None, None) => "nothing".to_owned(),
    }
}

/// Returns whether it is the expected request or command, whatever is sent with it.
fn is_it(expected: &Node, asked: &Asked) -> bool {
    match asked {
        Asked::Request(request) => {
            expected.text("http").is_some_and(|(pattern, _)| is_request(pattern, &request.method, &request.url))
        }
        Asked::Command(asked) => expected.at("exec").is_some_and(|exec| is_command(&words(exec), &asked.words)),
        Asked::Call(call) => expected.text("grpc").is_some_and(|(pattern, _)| is_call(pattern, call)),
    }
}

/// Returns what is not as expected of what is sent with a call.
fn differences(expected: &Node, asked: &Asked) -> Differences {
    let mut all = vec![];
    match asked {
        Asked::Request(request) => of_request(expected, request, &mut all),
        Asked::Command(command) => of_command(expected, command, &mut all),
        Asked::Call(call) => of_input(expected, call.input.as_ref(), &mut all),
    }
    all
}

fn of_request(expected: &Node, request: &OutsideRequest, all: &mut Differences) {
    if let Some(body) = expected.at("body") {
        let found = match request.body.as_slice() {
            [] => Json::Null,
            bytes => serde_json::from_slice(bytes)
                .unwrap_or_else(|_| Json::String(String::from_utf8_lossy(bytes).into_owned())),
        };
        compare(body, &found, "body", Of::Whole, all);
    }
    named(
        expected,
        "headers",
        |name| request.headers.iter().find(|(there, _)| there.eq_ignore_ascii_case(name)).map(|(_, value)| value),
        all,
    );
}

fn of_input(expected: &Node, found: Option<&Json>, all: &mut Differences) {
    if let Some(input) = expected.at("input") {
        compare(input, found.unwrap_or(&Json::Null), "input", Of::Whole, all);
    }
}

fn of_command(expected: &Node, command: &OutsideCommand, all: &mut Differences) {
    of_input(expected, command.input.as_ref(), all);
    let find = |name: &str| command.environment.iter().find(|(there, _)| there == name).map(|(_, value)| value);
    named(expected, "env", find, all);
}

/// Compares texts that have names.
fn named<'a>(expected: &Node, key: &str, find: impl Fn(&str) -> Option<&'a String>, all: &mut Differences) {
    let Some(Node { value: Value::Map(entries), .. }) = expected.at(key) else { return };
    for entry in entries {
        let what = format!("{key}.{}", entry.key);
        match find(&entry.key) {
            Some(found) => compare(&entry.node, &Json::String(found.clone()), &what, Of::Whole, all),
            None => {
                let missing = CaseProblem::NotThere { what: format!("`{what}`"), suggestion: None };
                all.push((missing, entry.place.clone()));
            }
        }
    }
}

/// Returns what was asked, for a message.
fn told(asked: &[Asked]) -> String {
    match asked {
        [] => "nothing was asked for".to_owned(),
        all => {
            let lines = all.iter().enumerate().map(|(at, asked)| format!("\n{}. {}", at + 1, asked.line()));
            format!("asked for, in this order:{}", lines.collect::<String>())
        }
    }
}

/// Notes what is not as expected: these calls in this order, and no others.
pub(super) fn in_order(expected: &Node, asked: &[Asked], all: &mut Differences) {
    let nodes = items(expected);
    let mut matched = vec![None; asked.len()];
    for (at, of) in pairs(nodes, asked) {
        matched[of] = Some(at);
    }
    report(expected, asked, &matched, all);
}

/// Notes what is not as expected: these calls in any order, and no others.
pub(super) fn in_any_order(expected: &Node, asked: &[Asked], all: &mut Differences) {
    let nodes = items(expected);
    let mut matched: Vec<Option<usize>> = vec![None; asked.len()];
    // Those that are just as expected first: others may be like them but for what is sent.
    for is_exact in [true, false] {
        for (at, node) in nodes.iter().enumerate() {
            if matched.contains(&Some(at)) {
                continue;
            }
            let fits = |one: &Asked| is_it(node, one) && (!is_exact || differences(node, one).is_empty());
            let free = asked.iter().enumerate().find(|(of, one)| matched[*of].is_none() && fits(one));
            if let Some((of, _)) = free {
                matched[of] = Some(at);
            }
        }
    }
    report(expected, asked, &matched, all);
}

/// Notes what differs, what is missing, and what is more; `matched` has for each call the expected one.
fn report(expected: &Node, asked: &[Asked], matched: &[Option<usize>], all: &mut Differences) {
    for (at, node) in items(expected).iter().enumerate() {
        match matched.iter().position(|one| *one == Some(at)) {
            Some(of) => all.extend(differences(node, &asked[of])),
            None => {
                let missing = CaseProblem::NotCalled { call: line(node), made: told(asked) };
                all.push((missing, node.place.clone()));
            }
        }
    }
    for (one, _) in asked.iter().zip(matched).filter(|(_, matched)| matched.is_none()) {
        let more = CaseProblem::Called { call: one.line(), made: told(asked) };
        all.push((more, expected.place.clone()));
    }
}

/// Returns which of the calls are which of the expected ones, in order: the longest common subsequence.
fn pairs(expected: &[Node], asked: &[Asked]) -> Vec<(usize, usize)> {
    let (rows, columns) = (expected.len(), asked.len());
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            longest[row][column] = if is_it(&expected[row], &asked[column]) {
                longest[row + 1][column + 1] + 1
            } else {
                longest[row + 1][column].max(longest[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = vec![];
    while row < rows && column < columns {
        if is_it(&expected[row], &asked[column]) {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if longest[row + 1][column] >= longest[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}
