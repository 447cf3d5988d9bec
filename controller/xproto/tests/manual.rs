//! The manual of the diagnostics: every code has an entry, and every example has what it is an example of.

use xos_xproto::diagnostics::{Explanation, explanations};
use xos_xproto::{Severity, Sources, compile};

/// Bytes that are no text, and limits: no short text has them.
const WITHOUT_EXAMPLE: [&str; 10] = ["X001", "X002", "X016", "X211", "X212", "X214", "X215", "X428", "X608", "X614"];

#[test]
fn every_example_has_what_it_is_an_example_of() {
    for explanation in explanations() {
        let code = explanation.code.as_str();
        let Some(example) = explanation.example() else {
            assert!(WITHOUT_EXAMPLE.contains(&code), "{code} has no example");
            continue;
        };
        let found = diagnostics(&explanation);
        let severity = explanation.level.severity(false);
        assert!(found.iter().any(|(found, how)| found == code && *how == severity), "{code}: {example}{found:?}");
        // A reader has to see which of several it is; of an error that makes others, they may be there.
        assert!(found.len() <= 2, "{code}: {example}{found:?}");
    }
}

#[test]
fn every_code_says_what_to_do_in_sentences() {
    let all = explanations();
    assert!(all.len() > 90, "{}", all.len());
    assert!(all.windows(2).all(|pair| pair[0].code < pair[1].code), "a code is declared twice");
    let is_sentence = |text: &str| text.ends_with('.') && text.len() > 30;
    let bad: Vec<_> = all.iter().filter(|one| !is_sentence(&one.text())).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn the_model_of_the_documentation_has_no_errors() {
    let page = include_str!("../../../docs/models.md");
    let (_, rest) = page.split_once("```proto\n").unwrap();
    let mut sources = Sources::new();
    sources.add("olt.xproto", rest.split("```").next().unwrap());
    let compiled = compile(&sources);
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    assert!(compiled.models.get("OLTDevice").is_some());
}

/// Compiles the example of a code.
fn diagnostics(explanation: &Explanation) -> Vec<(String, Severity)> {
    let mut sources = Sources::new();
    for (name, text) in explanation.example_files() {
        sources.add(name, text);
    }
    let compiled = compile(&sources);
    compiled.diagnostics.iter().map(|one| (one.code().to_string(), one.severity())).collect()
}
