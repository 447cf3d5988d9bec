//! Sync steps.

use std::time::Duration;

use serde_json::json;
use xos_model::Object;

use super::backend::Backend;
use super::{document, person, ready, world};

fn step(more: &str) -> String {
    let spec = "
model: Person
http:
  url: ${settings.url}/people/${self.metadata.name}
  body:
    name: ${self.name}
    label: \"${self.title == null ? self.name : self.title + ' ' + self.name}\"
    age: ${self.age}
    tags: [person, \"${self.metadata.namespace}\"]
  fields:
    directory_id: ${response.body.id}
";
    document("SyncStep", "people", &format!("{}\n{more}", spec.trim_end()))
}

#[tokio::test]
async fn an_object_is_put_and_the_answer_goes_into_its_fields() {
    let (backend, url) = Backend::start().await;
    backend.answers(201, json!({"id": 7}));
    let mut world = world(&[step("")], json!({"url": url}));
    world.apply(&person("ada", json!({"age": 36, "title": "Dr"}))).unwrap();
    world.settle().await;
    let seen = backend.take();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(seen[0].line, "PUT /people/ada");
    let body = json!({"name": "ada", "label": "Dr ada", "age": 36, "tags": ["person", "default"]});
    assert_eq!(seen[0].body, body);
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!(ada.text("directory_id"), Some("7"), "a number becomes the text that the field is");
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    world.pass(Duration::from_secs(60)).await;
    assert_eq!(backend.lines(), [""; 0]);
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert_eq!(backend.lines(), ["DELETE /people/ada"], "as it was put there");
    assert!(world.object::<Object>("ada").is_err());
}

#[tokio::test]
async fn an_answer_that_is_an_error_is_told_in_the_backends_words_and_tried_again() {
    let (backend, url) = Backend::start().await;
    backend.answers(422, json!({"error": "no such country"}));
    backend.answers(200, json!({"id": "x"}));
    let mut world = world(&[step("")], json!({"url": url}));
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "SyncFailed");
    assert!(
        message.contains("/people/ada answered 422 Unprocessable Entity: {\"error\":\"no such country\"}"),
        "{message}"
    );
    world.pass(Duration::from_secs(3)).await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
}

#[tokio::test]
async fn what_a_backend_has_forgotten_is_deleted_all_the_same() {
    let (backend, url) = Backend::start().await;
    let mut world = world(&[step("")], json!({"url": url}));
    backend.answers(200, json!({"id": 1}));
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    backend.answers(404, json!("no such person"));
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert!(world.object::<Object>("ada").is_err());
}

#[tokio::test]
async fn answers_mean_what_the_document_says() {
    let (backend, url) = Backend::start().await;
    let answers = "  answers:
    - {status: [409], when: \"${response.body.state == 'same'}\", then: succeeded}
    - {status: [409], then: deferred, message: \"${self.name} is busy: ${response.body.why}\"}
    - {status: [423], then: innocuous}
    - {status: [599], then: unavailable}
    - {status: [200], when: \"${has(response.body.error)}\", then: failed, message: \"${response.body.error}\"}
";
    let text = step(answers).replace("    directory_id: ${response.body.id}", "    state: ${string(response.status)}");
    let mut world = world(&[text], json!({"url": url}));
    for (status, body, expected) in [
        (409, json!({"state": "same"}), ("SyncSucceeded", "")),
        (409, json!({"state": "other", "why": "locked"}), ("Deferred", "p is busy: locked")),
        (423, json!({}), ("Innocuous", "answered 423 Locked: {}")),
        (200, json!({"error": "no"}), ("SyncFailed", "no")),
    ] {
        backend.answers(status, body);
        world.apply(&person("p", json!({}))).unwrap();
        world.settle().await;
        let (reason, message) = ready(&world, "p");
        assert_eq!(reason, expected.0, "{status}: {message}");
        assert!(message.contains(expected.1), "{message}");
        world.delete::<Object>("p").unwrap();
        world.settle().await;
        backend.take();
    }
}

#[tokio::test]
async fn a_step_waits_until_the_backend_is_done() {
    let (backend, url) = Backend::start().await;
    let wait = "  wait:
    url: ${settings.url}/jobs/${self.metadata.name}
    until: ${response.body.state == 'active'}
    every: 10ms
    for: 10s
    fields: {state: \"${response.body.state}\"}
";
    let mut world = world(&[step(wait)], json!({"url": url}));
    backend.answers(202, json!({"id": 1}));
    for state in ["building", "building", "active"] {
        backend.answers(200, json!({"state": state}));
    }
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let expected = ["PUT /people/ada", "GET /jobs/ada", "GET /jobs/ada", "GET /jobs/ada"];
    assert_eq!(backend.lines(), expected);
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!((ada.text("state"), ada.text("directory_id")), (Some("active"), Some("1")));
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_a_deferral_that_says_what_is_waited_for() {
    let (backend, url) = Backend::start().await;
    backend.always(200, json!({"state": "building", "id": 1}));
    let wait = "  wait: {until: \"${response.body.state == 'active'}\", every: 10ms, for: 30ms}\n";
    let mut world = world(&[step(wait)], json!({"url": url}));
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "Deferred");
    assert!(message.ends_with("not yet response.body.state == 'active' after 30ms"), "{message}");
    assert_eq!(world.object::<Object>("ada").unwrap().text("directory_id"), Some("1"), "what is known is kept");
}

#[tokio::test]
async fn others_are_left_alone_and_a_password_is_told_nowhere() {
    let (backend, url) = Backend::start().await;
    let spec = "
model: Person
when: ${self.title != 'guest'}
http:
  method: POST
  url: ${settings.url}/people
  query: {kind: a b}
  auth:
    basic: {username: \"${self.name}\", password: \"${self.password}\"}
  delete: nothing
";
    let mut world = world(&[document("SyncStep", "people", spec)], json!({"url": url}));
    backend.always(500, json!("no letmein today"));
    world.apply(&person("ada", json!({"password": "letmein"}))).unwrap();
    world.apply(&person("bob", json!({"title": "guest"}))).unwrap();
    world.settle().await;
    let seen = backend.take();
    assert!(seen.iter().all(|one| one.line == "POST /people?kind=a+b"), "{seen:?}");
    assert_eq!(seen[0].authorization.as_deref(), Some("Basic YWRhOmxldG1laW4="));
    let (_, message) = ready(&world, "ada");
    assert!(message.contains("no *** today") && !message.contains("letmein"), "{message}");
    world.delete::<Object>("ada").unwrap();
    world.settle().await;
    assert!(world.object::<Object>("ada").is_err());
    assert_eq!(backend.lines(), [""; 0]);
}

#[tokio::test]
async fn a_value_that_is_missing_is_a_failure_that_names_the_expression() {
    let (backend, url) = Backend::start().await;
    let text = step("").replace("tags: [person,", "tags: [\"Dear ${self.title}\",");
    let mut world = world(&[text], json!({"url": url}));
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!((reason.as_str(), backend.lines().len()), ("SyncFailed", 0));
    assert!(message.contains("`self.title`: it has no value (null), and a text needs one"), "{message}");
}
