//! All kinds of the core and of the example are established, and kubectl can explain and list them.

use std::{cell::Cell, fs};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use xos_harness::{
    eventually,
    example::SOON,
    models::{Kinds, from_text},
    namespace::{self, TestNamespace},
    paths,
};

use crate::causes;

#[tokio::test]
async fn each_kind_is_established_explained_and_listed() {
    namespace::with("kinds", async |namespace| {
        let mut definitions = vec![];
        for file in ["core.xproto", "example/mymodel.xproto"] {
            let text = fs::read_to_string(paths::repository().join("config").join(file)).unwrap();
            let kinds = Kinds::install(namespace.client(), namespace.name(), from_text(&text).unwrap()).await;
            let kinds = kinds.unwrap_or_else(|error| panic!("{file}: {}", causes(&error)));
            definitions.extend(xos_crds::definitions(kinds.models()));
        }
        assert_eq!(definitions.len(), 36, "34 of the core's 35 models have objects, and the example's two");
        let cache = discovered(namespace, &definitions).await;
        for definition in &definitions {
            look_at(namespace, definition, &cache).await;
        }
    })
    .await
    .unwrap();
}

/// Waits until kubectl's cache of kinds is complete: kubectl keeps it for hours, and the API server lists a kind only a
/// moment after it is established.
async fn discovered(namespace: &TestNamespace, definitions: &[CustomResourceDefinition]) -> String {
    let tries = Cell::new(0);
    let all_told = async || {
        tries.set(tries.get() + 1);
        let cache = namespace.folder().join(format!("kubectl-{}", tries.get()));
        let cache = format!("--cache-dir={}", cache.display());
        let told = namespace.kubectl(&["api-resources", &cache, "-o", "name"]).await.map_err(|error| causes(&error))?;
        let missing =
            definitions.iter().map(kube::ResourceExt::name_any).find(|name| !told.lines().any(|line| line == name));
        missing.map_or(Ok(cache), |name| Err(format!("{name} is missing")))
    };
    eventually(SOON, "all kinds to be told of", all_told).await.unwrap()
}

async fn look_at(namespace: &TestNamespace, definition: &CustomResourceDefinition, cache: &str) {
    let name = definition.name_any();
    let (kind, group) = name.split_once('.').unwrap();
    let group = format!("--api-version={group}/v1");
    // The schema is published a moment after the kind.
    let explain = async || {
        let explained = namespace.kubectl(&["explain", cache, &format!("{kind}.spec"), &group]).await;
        explained.map_err(|error| causes(&error))
    };
    let explained = eventually(SOON, format!("{name} to be explained"), explain).await.unwrap();
    let version = serde_json::to_value(&definition.spec.versions[0]).unwrap();
    let spec = &version["schema"]["openAPIV3Schema"]["properties"]["spec"];
    for (field, schema) in spec["properties"].as_object().unwrap() {
        assert!(explained.contains(&format!("  {field}\t")), "{name}: no {field} in:\n{explained}");
        let required = spec["required"].as_array().is_some_and(|all| all.iter().any(|one| one == field));
        let line = explained.lines().find(|line| line.trim_start().starts_with(&format!("{field}\t"))).unwrap();
        assert_eq!(line.contains("-required-"), required, "{name}: {line}");
        let words = schema["description"].as_str().and_then(|text| text.split_whitespace().next());
        assert!(words.is_none_or(|word| explained.contains(word)), "{name}: {field} is not explained");
    }
    let listed = namespace.kubectl(&["get", cache, &name, "-o", "wide"]).await.unwrap();
    assert!(listed.is_empty(), "nobody made one: {listed}");
}
