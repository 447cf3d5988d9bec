//! The API server refuses what the model forbids. Its message names the field.

use serde_json::{Value, json};
use xos_harness::{example::Example, kubectl::Output};

use crate::with_example;

#[tokio::test]
async fn bad_objects_are_refused_with_the_reason() {
    with_example("rejected", async |example| {
        let missing = apply(example, json!({"firstName": "Ada"})).await;
        assert_refused(&missing, &["spec.lastName", "Required"]);

        let blank = apply(example, json!({"firstName": "", "lastName": "Lovelace"})).await;
        assert_refused(&blank, &["spec.firstName"]);

        let long = apply(example, json!({"firstName": "A".repeat(33), "lastName": "Lovelace"})).await;
        assert_refused(&long, &["spec.firstName", "32"]);

        let unknown = apply(example, json!({"firstName": "Ada", "lastName": "Lovelace", "middleName": "K."})).await;
        assert_refused(&unknown, &["unknown field", "spec.middleName"]);

        assert!(example.people.all().await.unwrap().is_empty());
        assert_eq!(example.final_writes().await.unwrap(), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn the_longest_name_is_accepted() {
    with_example("longest", async |example| {
        let first = "é".repeat(32);
        let accepted = apply(example, json!({"firstName": first, "lastName": "Lovelace"})).await;
        assert!(accepted.status.success(), "{}", accepted.all());
        example.people.ready("somebody").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), [format!("{first} Lovelace")]);
    })
    .await;
}

async fn apply(example: &Example<'_>, spec: Value) -> Output {
    let manifest = json!({
        "apiVersion": "example.xos.opencord.org/v1",
        "kind": "MyModel",
        "metadata": {"name": "somebody"},
        "spec": spec,
    });
    example.namespace.feed(&["apply", "--validate=strict", "-f", "-"], &manifest.to_string()).await.unwrap()
}

fn assert_refused(output: &Output, words: &[&str]) {
    assert!(!output.status.success(), "{}", output.all());
    for word in words {
        assert!(output.stderr.contains(word), "no `{word}` in: {}", output.stderr);
    }
}
