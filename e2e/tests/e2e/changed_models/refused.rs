//! A set of models that would break stored objects is refused as a whole. The message names the objects, and they are
//! not changed.

use serde_json::json;

use super::{assert_says, ended, with_service};

const OLD: &str = "required string name = 1 [max_length = 32]; optional string nick = 2 [max_length = 9];";

#[tokio::test]
async fn a_change_that_breaks_objects_is_refused_and_nothing_is_touched() {
    with_service("changed-refused", async |service| {
        service.install("old", OLD).await;
        let before = service.create("ada", &json!({"name": "Ada", "nick": "A"})).await;
        service.create("grace", &json!({"name": "Grace"})).await;
        let version = service.version().await;

        let person = "message Person (XOSBase) { required string name = 1 [max_length = 4]; required int32 age = 3; }";
        let other = "message Other (XOSBase) { required string name = 1 [max_length = 4]; }";
        let models = service.models_with(&format!("{other} {person}"));
        let (code, said) = ended(service.run_folder("new", &models)).await;

        let here = service.namespace.name();
        assert_eq!(code, Some(1), "{said}");
        assert_says(
            &said,
            &[
                "error: the models do not fit what is stored in the cluster; no definition was applied",
                &format!("\npeople.{}\n", service.group),
                "spec.name: maxLength 32 → 4\n",
                &format!("1 object does not comply: {here}/grace\n"),
                "spec.nick: removed (was string)\n",
                &format!("1 object has it: {here}/ada\n"),
                "spec.age: added (required integer)\n",
                &format!("2 objects lack it: {here}/ada, {here}/grace\n"),
                "help: take it out of these objects first",
            ],
        );
        assert_eq!(service.version().await, version, "the definition");
        assert_eq!(service.person("ada").await, before);
        let other = service.definitions().get_opt(&format!("others.{}", service.group)).await.unwrap();
        assert!(other.is_none(), "the other model of the set");
    })
    .await;
}
