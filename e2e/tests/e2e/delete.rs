//! An object is deleted after its entry in the backend.

use crate::with_example;

#[tokio::test]
async fn a_deleted_object_goes_after_its_entry() {
    with_example("delete", async |example| {
        example.apply("ada", "Ada", "Lovelace").await.unwrap();
        example.apply("grace", "Grace", "Hopper").await.unwrap();
        let object = example.people.ready("ada").await.unwrap();
        example.people.ready("grace").await.unwrap();
        let finalizers = object["metadata"]["finalizers"].as_array().unwrap();
        assert_eq!(finalizers.len(), 1, "{finalizers:?}");

        example.delete("ada").await.unwrap();
        example.people.gone("ada").await.unwrap();
        assert_eq!(example.full_names().await.unwrap(), ["Grace Hopper"]);
        assert_eq!(example.final_writes().await.unwrap(), (2, 1));
    })
    .await;
}
