//! The controller installs its kinds.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    runtime::{conditions, wait::await_condition},
};
use xos_harness::{eventually, example::SOON};

use crate::with_example;

const NAME: &str = "mymodels.example.xos.opencord.org";

#[tokio::test]
async fn the_kind_is_installed_and_explained() {
    with_example("crd", async |example| {
        let crds: Api<CustomResourceDefinition> = Api::all(example.namespace.client());
        let established = await_condition(crds.clone(), NAME, conditions::is_crd_established());
        tokio::time::timeout(SOON, established).await.unwrap().unwrap();
        let crd = crds.get(NAME).await.unwrap();
        assert_eq!(crd.spec.names.kind, "MyModel");
        let categories = crd.spec.names.categories.unwrap_or_default();
        assert!(categories.contains(&"xos".to_owned()), "{categories:?}");
        // The schema is published a moment after the kind.
        let explain = async || {
            let explained = example.namespace.kubectl(&["explain", "mymodel.spec"]).await;
            explained.map_err(|error| error.to_string())
        };
        let text = eventually(SOON, "mymodel to be explained", explain).await.unwrap();
        assert!(text.contains("firstName") && text.contains("lastName"), "{text}");
        assert!(text.contains("-required-"), "{text}");
    })
    .await;
}
