use std::fs;

use clap::Parser;
use serde_json::Value;

use super::*;
use crate::reference::root;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: TestArgs,
}

/// Runs `test` with these words; returns the exit code and what is printed.
fn tested(words: &[&str]) -> Result<(Exit, String), TestError> {
    let args = Line::parse_from(["test"].iter().chain(words)).args;
    let mut out = vec![];
    let exit = run(&Synchronizer::new("xos"), &args, &mut out)?;
    Ok((exit, String::from_utf8(out).unwrap()))
}

fn people() -> String {
    root().join("config/people").display().to_string()
}

#[test]
fn cases_are_chosen_by_their_names() {
    let (exit, printed) = tested(&[&people(), "--filter", "desk"]).unwrap();
    assert_eq!(exit, Exit::Success);
    assert!(printed.starts_with("ok     ") && printed.ends_with("\n1 case: all passed\n"), "{printed}");
    let (_, printed) = tested(&[&format!("{}/tests", people())]).unwrap();
    assert!(printed.ends_with("3 cases: all passed\n"), "the configuration is found above: {printed}");
}

#[test]
fn a_case_that_does_not_hold_and_one_that_cannot_be_run_are_told_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.test.yaml");
    let case = |name: &str, spec: &str| {
        format!("apiVersion: xos.opencord.org/v1\nkind: TestCase\nmetadata: {{name: {name}}}\nspec: {spec}\n")
    };
    let object = "{only: [team], expect: {objects: [{kind: Team, name: none}]}}";
    fs::write(&file, [case("a", "{only: [team]}"), case("b", object), case("c", "{x: 1}")].join("---\n")).unwrap();
    let config = format!("{}/config.yaml", people());
    let words = [file.to_str().unwrap(), "--config", &config, "--format", "json"];
    let (exit, printed) = tested(&words).unwrap();
    let outcome: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((exit, &outcome["passed"], &outcome["failed"]), (Exit::Failed, &1.into(), &1.into()));
    assert_eq!(outcome["cases"][1]["diagnostics"][0]["code"], "T022");
    assert_eq!(outcome["diagnostics"][0]["code"], "T006");
    let (_, printed) = tested(&words[..3]).unwrap();
    assert!(printed.ends_with("2 cases: 1 passed, 1 failed; 1 mistake in cases that cannot be run\n"), "{printed}");
}

#[test]
fn without_cases_nothing_has_passed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    let config = format!("{}/config.yaml", people());
    let error = |words: &[&str]| {
        let error = tested(words).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{error}");
        error.to_string()
    };
    assert!(error(&[&path]).contains("there is no config.yaml in"));
    assert!(error(&[&path, "--config", &config]).contains("there are no test cases (files *.test.yaml) in"));
    assert_eq!(error(&[&people(), "--filter", "zzz"]), "no test case has `zzz` in its name");
    assert!(error(&["/nowhere"]).contains("cannot read /nowhere"));
}
