//! Cases with objects of Kubernetes.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use xos_cases::{Files, Service};
use xos_documents::Documents;
use xos_xproto::{Sources, compile};

const MODELS: &str = r#"
option app_label = "t";
message Person (XOSBase) {
    required string name = 1 [max_length = 32];
    optional bool wants_web = 2;
    optional string state = 3 [max_length = 64, feedback_state = True];
}
message Service (XOSBase) { required string name = 1 [max_length = 32]; }
"#;

const DOCUMENTS: &str = r#"
apiVersion: xos.opencord.org/v1
kind: SyncStep
metadata: {name: page}
spec:
  model: Person
  kubernetes:
    read:
      defaults: {apiVersion: v1, kind: ConfigMap, name: page-defaults}
      pods: {apiVersion: v1, kind: Pod, selector: "person=${self.metadata.name}"}
      login: {apiVersion: v1, kind: Secret, name: login, optional: true}
    apply:
    - id: page
      object:
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: "${self.metadata.name}-page", labels: {person: "${self.name}"}}
        data: {colour: "${read.defaults.data.colour}", login: "${read.login == null ? null : read.login.data.key}"}
    - id: web
      when: ${self.wants_web == true}
      object:
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: "${self.metadata.name}-web"}
        spec: {replicas: 1, template: {page: "${applied.page.metadata.resourceVersion}"}}
    - id: front
      when: ${self.wants_web == true}
      object: {apiVersion: v1, kind: Service, metadata: {name: "${self.metadata.name}"}, spec: {clusterIP: None}}
    fields: {state: "${size(read.pods)} pods"}
---
apiVersion: xos.opencord.org/v1
kind: PullStep
metadata: {name: nodes}
spec:
  model: Service
  every: 30s
  kubernetes: {apiVersion: v1, kind: Node, selector: role=edge}
  key: [name]
  fields: {name: "${item.metadata.name}"}
"#;

fn told(spec: &str) -> Vec<String> {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let steps = Documents::of(&[("steps.yaml", DOCUMENTS)]).compile(&compiled.models);
    let service = Service {
        name: "t".to_owned(),
        models: Arc::new(compiled.models),
        properties: xos_steps::Properties::none(),
        steps: steps.unwrap_or_else(|found| panic!("{}", found[0].render(false))),
        settings: serde_json::Map::new(),
        options: xos_engine::Options::default(),
    };
    let text = format!("apiVersion: xos.opencord.org/v1\nkind: TestCase\nmetadata: {{name: case}}\nspec:\n{spec}");
    let files = Files::of("a.test.yaml", &text);
    let mut all = files.problems();
    all.extend(files.cases.iter().flat_map(|case| case.run(&service, &files)));
    all.iter().map(|one| format!("{}: {}", one.range.start.line.saturating_sub(4), one.message())).collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn objects_are_made_watched_and_removed() {
    let spec = "
  only: [page]
  given:
  - {kind: Person, metadata: {name: ada}, spec: {name: Ada, wantsWeb: true}}
  expect:
    objects:
    - {kind: Person, name: ada, conditions: {Synced: {message: '*waits for ConfigMap default/page-defaults*'}}}
    - {kind: ConfigMap, name: ada-page, exists: false}
  then:
  - apply: [{apiVersion: v1, kind: ConfigMap, metadata: {name: page-defaults}, data: {colour: red}}]
    expect:
      calls: []
      objects:
      - kind: ConfigMap
        name: ada-page
        data: {colour: red, login: null}
        metadata: {labels: {person: Ada}, ownerReferences: [{apiVersion: t.xos.opencord.org/v1, kind: Person, name: ada, uid: '*'}]}
      - {kind: Deployment, name: ada-web, spec: {replicas: 1}}
      - {apiVersion: v1, kind: Service, name: ada, spec: {clusterIP: None}}
      - kind: Person
        name: ada
        status: {state: 0 pods}
        conditions: {Ready: false, Synced: {message: '*waits for Deployment default/ada-web: its controller has not seen it yet*'}}
  # Its controller acts, and pods come up.
  - apply:
    - kind: Deployment
      metadata: {name: ada-web}
      status: {observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1}
    - {apiVersion: v1, kind: Pod, metadata: {name: a, labels: {person: ada}}}
    - {apiVersion: v1, kind: Pod, metadata: {name: b, labels: {person: bob}}}
    expect:
      objects: [{kind: Person, name: ada, status: {state: 1 pods}, conditions: {Ready: true}}]
  # Somebody else changes what is read, and what was made.
  - apply:
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: page-defaults}, data: {colour: blue}}
    - {apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {key: letmein}}
    delete: [Service.v1/ada]
    expect:
      objects:
      - {kind: ConfigMap, name: ada-page, data: {colour: blue, login: bGV0bWVpbg==}}
      - {apiVersion: v1, kind: Service, name: ada}
      - {kind: Person, name: ada, conditions: {Ready: false}}
  - delete: [Secret/login, Pod/a]
    apply: [{kind: Person, metadata: {name: ada}, spec: {wantsWeb: false}}]
    expect:
      objects:
      - {kind: ConfigMap, name: ada-page, data: {login: null}}
      - {kind: Deployment, name: ada-web, exists: false}
      - {apiVersion: v1, kind: Service, name: ada, exists: false}
      - {kind: Person, name: ada, status: {state: 0 pods}, conditions: {Ready: true}}
  - delete: [Person/ada]
    expect:
      objects:
      - {kind: ConfigMap, name: ada-page, exists: false}
      - {kind: ConfigMap, name: page-defaults}
      - {kind: Person, name: ada, exists: false}
";
    assert_eq!(told(spec), NOTHING);
}

#[test]
fn what_the_api_server_refuses_is_refused() {
    let spec = "
  only: [page]
  given:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: page-defaults}, data: {colour: red}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: bob-page}}
  - {kind: Person, metadata: {name: ada}, spec: {name: Ada Lovelace}}
  - {kind: Person, metadata: {name: bob}, spec: {name: Bob}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: No Name}}
  expect:
    objects:
    - {kind: Person, name: ada, conditions: {Synced: {message: '*metadata.labels: Invalid value: \"Ada Lovelace\"*'}}}
    - {kind: Person, name: bob, conditions: {Synced: {message: '*ConfigMap default/bob-page is there already*'}}}
";
    let told = told(spec);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("8: the API server would refuse this: ConfigMap \"No Name\" is invalid"), "{told:?}");
}

#[test]
fn lists_of_objects_are_pulled() {
    let spec = "
  only: [nodes]
  given:
  - {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {role: edge}}}
  - {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {role: core}}}
  expect: {objects: [{kind: Service, name: n1}, {kind: Service, name: n2, exists: false}]}
  then:
  - delete: [Node/n1]
    pass: 30s
    expect:
      pulls: [{step: nodes, outcome: succeeded}]
      objects: [{kind: Service, name: n1, exists: false}]
";
    assert_eq!(told(spec), NOTHING);
}

#[test]
fn wrong_names_of_objects_are_told() {
    for (spec, expected) in [
        (
            "  given: [{apiVersion: v1, kind: ConfigMapp, metadata: {name: a}}]",
            "1: there is no model `ConfigMapp`, and no step that makes or reads such objects",
        ),
        ("  given: []\n  then: [{delete: [ConfigMap/a]}]", "2: there is no ConfigMap a now"),
        ("  expect: {objects: [{kind: Pod, name: a}]}", "1: there is no Pod a"),
        (
            "  expect: {saves: [{created: Pod/a}]}",
            "1: `an object` cannot be `Pod/a`: expected that of a model: what steps make of others is in `objects`",
        ),
        (
            "  given: [{apiVersion: v1, kind: Node, metadata: {name: n}}]\n  expect: {objects: [{kind: Node, name: n, metadata: {name: m}}]}",
            "2: `metadata.name` should be `m`, and is `n`",
        ),
    ] {
        assert_eq!(told(spec), [expected], "{spec}");
    }
}
