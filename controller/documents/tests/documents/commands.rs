//! Commands.

use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;
use xos_model::Object;
use xos_testing::World;

use super::{document, person, ready, world};

/// Returns a world whose step runs a script of the shell, and the folder of the script.
fn shell(script: &str, more: &str) -> (World, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script");
    std::fs::write(&file, script).unwrap();
    let spec = format!(
        "model: Person
exec:
  command: [/bin/sh, {}, \"${{self.name}}\"]
  input: {{name: \"${{self.name}}\", age: \"${{self.age}}\"}}
  env: {{WHO: \"${{self.metadata.namespace}}\"}}
  fields: {{directory_id: \"${{result.value.id}}\", state: \"${{result.text.trim()}}\"}}
{more}",
        file.display()
    );
    (world(&[document("SyncStep", "people", &spec)], json!({})), folder)
}

#[tokio::test]
async fn a_command_has_json_on_both_sides_and_no_environment_but_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    let script = r#"read all; test -z "$HOME" && echo "{\"id\": \"$1-$WHO\", \"got\": $all}""#;
    let delete = format!("  delete: {{command: [/usr/bin/touch, {}]}}", gone.display());
    let (mut world, _script) = shell(script, &delete);
    world.apply(&person("ada", json!({"age": 36}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada"), ("SyncSucceeded".to_owned(), "OK".to_owned()));
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!(ada.text("directory_id"), Some("ada-default"));
    assert_eq!(ada.text("state"), Some(r#"{"id": "ada-default", "got": {"age":36,"name":"ada"}}"#));
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert!(gone.exists() && world.object::<Object>("ada").is_err());
}

#[tokio::test]
async fn a_failure_is_told_in_the_commands_words() {
    for (script, reason, expected) in [
        ("echo no such thing >&2; exit 3", "SyncFailed", "/bin/sh ended with exit status: 3: no such thing"),
        ("echo later >&2; exit 75", "Deferred", "later"),
        ("kill -9 $$", "SyncFailed", "/bin/sh ended with signal: 9"),
        ("echo text", "SyncFailed", "`result.value.id`: "),
    ] {
        let (mut world, _script) = shell(script, "  delete: nothing");
        world.apply(&person("ada", json!({}))).unwrap();
        world.settle().await;
        let told = ready(&world, "ada");
        assert!(told.0 == reason && told.1.contains(expected), "{script}: {told:?}");
    }
}

/// Returns whether the process whose number is in a file runs. One that was killed may be left as a zombie (Z).
fn is_running(pid: &std::path::Path) -> bool {
    let pid = std::fs::read_to_string(pid).unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with('Z'))
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_all_that_it_has_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("late");
    let pid = folder.path().join("pid");
    let script = format!("(sleep 2; touch {}) & echo $! > {}; sleep 60", file.display(), pid.display());
    let (mut world, _script) = shell(&script, "  timeout: 200ms\n  delete: nothing");
    world.apply(&person("ada", json!({}))).unwrap();
    let start = Instant::now();
    world.settle().await;
    let (_, message) = ready(&world, "ada");
    assert!(message.contains("/bin/sh was killed: it took longer than 200ms"), "{message}");
    assert!(start.elapsed().as_secs() < 20);
    while is_running(&pid) {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(!file.exists(), "what it started goes on");
}

#[tokio::test]
async fn a_list_comes_from_a_command() {
    let spec = "
model: Person
exec: {command: [/bin/echo, '[{\"id\": \"ada\"}, {\"id\": \"bob\"}]']}
items: ${result.value}
key: [name]
fields: {name: \"${item.id}\"}
";
    let mut world = world(&[document("PullStep", "list", spec)], json!({}));
    world.settle().await;
    assert_eq!(world.api().objects().len(), 2);
}
