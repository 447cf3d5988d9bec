use std::fs;

use clap::Parser;
use tempfile::TempDir;

use super::*;
use crate::reference::root;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: PlanArgs,
}

const ADA: &str = "apiVersion: people.xos.opencord.org/v1
kind: Person
metadata: {name: ada}
spec: {firstName: Ada, lastName: Lovelace}
";

/// As kubectl prints it: it was applied with a department, and is ready.
const STORED: &str = r#"apiVersion: v1
kind: List
items:
- apiVersion: people.xos.opencord.org/v1
  kind: Person
  metadata:
    name: ada
    namespace: default
    uid: "1"
    generation: 1
    creationTimestamp: "2026-01-01T00:00:00Z"
    annotations:
      kubectl.kubernetes.io/last-applied-configuration: '{"spec":{"firstName":"Ada","lastName":"L","department":"x"}}'
  spec: {firstName: Ada, lastName: L, department: engines, team: {name: engines}}
- apiVersion: people.xos.opencord.org/v1
  kind: Person
  metadata: {name: bob, namespace: default, uid: "2", managedFields: [{manager: kubectl, operation: Apply}]}
  spec: {firstName: Bob, lastName: B}
- apiVersion: people.xos.opencord.org/v1
  kind: Person
  metadata: {name: desk, namespace: default, uid: "3"}
  spec: {firstName: D, lastName: D}
- apiVersion: people.xos.opencord.org/v1
  kind: Team
  metadata: {name: engines, namespace: default, uid: "4"}
  spec: {name: engines}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: other}}
"#;

/// Runs `plan` with these words on a folder with these files; returns the exit code and what is printed.
fn planned(files: &[(&str, &str)], words: &[&str]) -> Result<(Exit, String), PlanCommandError> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let config = root().join("config/people/config.yaml").display().to_string();
    let path = |word: &&str| match files.iter().any(|(name, _)| name == word) {
        true => folder.path().join(word).display().to_string(),
        false => (*word).to_owned(),
    };
    let line = ["plan", "--config", &config].map(str::to_owned).into_iter().chain(words.iter().map(path));
    let mut out = vec![];
    let exit = run(&Synchronizer::new("xos"), &Line::parse_from(line).args, &mut out)?;
    Ok((exit, String::from_utf8(out).unwrap()))
}

#[test]
fn fields_that_are_not_applied_any_more_are_unset_and_objects_pruned() {
    let files = [("ada.yaml", ADA), ("now.yaml", STORED)];
    let (exit, text) = planned(&files, &["ada.yaml", "--objects", "now.yaml"]).unwrap();
    assert_eq!(exit, Exit::Failed);
    assert!(text.contains("lastName: \"L\" -> \"Lovelace\"\n"), "{text}");
    assert!(text.contains("department: \"engines\" -> nothing\n"), "{text}");
    assert!(text.contains("; 1 call of a step") && text.contains(" 0 deleted,"), "{text}");
    let (_, text) = planned(&files, &["ada.yaml", "--objects", "now.yaml", "--prune"]).unwrap();
    assert!(text.contains("delete     Person default/bob\n") && text.contains("1 deleted"), "{text}");
}

#[test]
fn programs_get_json_and_deletions_are_planned_alone() {
    let words = ["--delete", "teams/engines", "--objects", "now.yaml", "--format", "json"];
    let (exit, text) = planned(&[("now.yaml", STORED)], &words).unwrap();
    let plan: Json = serde_json::from_str(&text).unwrap();
    assert_eq!(exit, Exit::Failed);
    let objects: Vec<_> =
        plan["objects"].as_array().unwrap().iter().map(|one| (text_of(one, "object"), text_of(one, "what"))).collect();
    let expected = [("Person default/ada", "delete"), ("Team default/engines", "delete")];
    assert_eq!(objects, expected.map(|(object, what)| (object.to_owned(), what.to_owned())), "{plan:#}");
    assert_eq!(plan["objects"][0]["because"][0]["goesWith"][0], "Team default/engines");
}

fn text_of(value: &Json, key: &str) -> String {
    text(value, key).to_owned()
}

#[test]
fn what_is_as_it_is_applied_needs_nothing() {
    let bob = "apiVersion: people.xos.opencord.org/v1
kind: Person
metadata: {name: bob}
spec: {firstName: Bob, lastName: B}
";
    let (exit, text) =
        planned(&[("bob.yaml", bob), ("now.yaml", STORED)], &["bob.yaml", "--objects", "now.yaml"]).unwrap();
    assert_eq!((exit, text.lines().last()), (Exit::Success, Some("Nothing would be done.")), "{text}");
}

#[test]
fn what_cannot_be_planned_is_an_error() {
    let files =
        [("bad.yaml", "apiVersion: people.xos.opencord.org/v1\nkind: Person\nmetadata: {name: a}\nspec: {x: 1}\n")];
    let now = [("now.yaml", STORED)];
    for (files, words, expected) in [
        (&files[..], &["bad.yaml", "--objects", "bad.yaml"][..], "the objects have errors:\nerror[V"),
        (&now[..], &["--delete", "team", "--objects", "now.yaml"], "`team` is no KIND/NAME"),
        (&now[..], &["--delete", "tem/x", "--objects", "now.yaml"], "there is no model `tem`; did you mean `Team`?"),
        (&now[..], &["--delete", "team/x", "--objects", "now.yaml"], "there is no Team default/x"),
        (&now[..], &["--delete", "team/x", "--objects", "/none"], "cannot read /none: No such file"),
    ] {
        let error = planned(files, words).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
