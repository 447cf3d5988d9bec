//! The example's pull step: a person who is added to the directory becomes an object that is not synchronized, until
//! the person is removed.

use serde_json::json;
use xos_harness::{eventually, example::SOON};

use crate::with_example;

#[tokio::test]
async fn somebody_at_the_desk_is_an_object_while_there() {
    with_example("pull", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.people.ready("ada").await.unwrap();
        let john = json!({"first_name": "John", "last_name": "Doe", "full_name": "John Doe"});
        example.directory.sign_in("desk.1", &john).await.unwrap();
        let found = eventually(SOON, "John", async || {
            let all = example.people.all().await.map_err(|error| error.to_string())?;
            all.into_iter().find(|one| one["spec"]["firstName"] == "John").ok_or("not yet".to_owned())
        })
        .await
        .unwrap();
        assert_eq!((&found["spec"]["noSync"], &found["spec"]["xosManaged"]), (&json!(true), &json!(false)));
        let name = found["metadata"]["name"].as_str().unwrap();

        // A person who is removed from the directory is deleted; others stay.
        example.directory.sign_out("desk.1").await.unwrap();
        example.people.gone(name).await.unwrap();
        assert!(example.people.find("ada").await.unwrap().is_some(), "who was not found there stays");
        assert_eq!(example.full_names().await.unwrap(), ["Ada Lovelace"]);
    })
    .await;
}
