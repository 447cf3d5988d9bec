//! The configuration that the chart makes is one that the program takes.

use serde_json::{Value, json};

use crate::{find, rendered};

pub(crate) async fn config(arguments: &[&str]) -> Value {
    let all = rendered(arguments).await;
    let text = find(&all, "ConfigMap", "demo-xos-controller")["data"]["config.yaml"].as_str().unwrap().to_owned();
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("schema.json", xos_runtime::config::schema()).unwrap();
    let schema = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(&config, schema).unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}"));
    config
}

#[tokio::test]
async fn as_it_stands_it_is_the_examples() {
    let config = config(&[]).await;
    assert_eq!((&config["name"], &config["namespaces"]), (&json!("example"), &json!([])));
    assert_eq!(config["event_bus"], json!({"kind": "none"}));
    let url = "http://demo-xos-controller-directory.demo-ns.svc:8080";
    assert_eq!(config["settings"], json!({"directory_url": url}));
    assert_eq!(config["monitoring_address"], "0.0.0.0:9100");
    assert_eq!(config["finalizers_at_creation"], true);
    assert!(config["models_dir"].is_null() && config["definitions"].is_null());
}

#[tokio::test]
async fn kafka_has_its_secrets_from_files() {
    let config = config(&[
        "--set",
        "kafka.endpoint=a:9092\\,b:9092,kafka.tls.enabled=true,kafka.tls.caKey=ca.crt,kafka.tls.privateKeyKey=k",
        "--set",
        "kafka.sasl.mechanism=SCRAM-SHA-512,kafka.sasl.username=xos,credentials.existingSecret=mine",
    ])
    .await;
    let expected = json!({
        "kind": "kafka", "endpoint": "a:9092,b:9092",
        "tls": {"enabled": true, "ca": "/etc/xos/credentials/ca.crt", "key": "/etc/xos/credentials/k"},
        "sasl": {"mechanism": "SCRAM-SHA-512", "username": "xos", "password": "@/etc/xos/credentials/kafka-password"},
    });
    assert_eq!(config["event_bus"], expected);
}

#[tokio::test]
async fn other_keys_are_merged_over_it() {
    let config = config(&[
        "--set",
        "config.concurrency=4,config.backoff.max=1m,config.event_bus.gui_events=true,kafka.endpoint=k",
        "--set-json",
        r#"settings={"directory_url": "http://mine", "deep": {"a": [1]}}"#,
        "--set-json",
        r#"modelSets={"a": {"xprotos": {"a.xproto": "message A (XOSBase) {}"}, "uses": ["core", "b"]},
            "b": {"xprotos": {"b.xproto": "message B (XOSBase) {}"}, "uses": ["core"]}}"#,
        "--set",
        "rbac.scope=Namespaced,logging.level=debug,logging.format=text",
    ])
    .await;
    assert_eq!((&config["concurrency"], &config["backoff"]), (&json!(4), &json!({"max": "1m"})));
    assert_eq!(config["event_bus"], json!({"kind": "kafka", "endpoint": "k", "gui_events": true}));
    assert_eq!(config["settings"], json!({"directory_url": "http://mine", "deep": {"a": [1]}}));
    assert_eq!((&config["models_dir"], &config["definitions"]), (&json!("/etc/xos/models"), &json!("provided")));
    assert_eq!((&config["uses"], &config["dependency_graph"]), (&json!(["core"]), &json!(null)));
    assert_eq!(
        (&config["namespaces"], &config["logging"]),
        (&json!(["demo-ns"]), &json!({"level": "debug", "format": "text"}))
    );
}

/// Models and credentials are files in the container, for the Job before an uninstallation too.
#[tokio::test]
async fn models_documents_and_credentials_are_mounted() {
    let all = rendered(&[
        "--set-json",
        r#"modelSets={"a": {"xprotos": {"a.xproto": "message A (XOSBase) {}"}, "properties": {"A": {"b": "1"}},
                "dependencyGraph": {"A": [["B", "", ""]]}},
            "b": {"xprotos": {"b.xproto": "message B (XOSBase) {}"}, "properties": "B: {c: '2'}\n"}}"#,
        "--set-json",
        r#"steps={"a.yaml": "kind: SyncStep\nspec: {}\n"}"#,
        "--set",
        "credentials.data.kafka-password=secret",
    ])
    .await;
    for (kind, end) in [("Deployment", "-xos-controller"), ("Job", "-uninstall")] {
        let pod = &find(&all, kind, end)["spec"]["template"]["spec"];
        let mounts: Vec<_> =
            pod["containers"][0]["volumeMounts"].as_array().unwrap().iter().map(|one| &one["mountPath"]).collect();
        let expected = ["/etc/xos/config", "/etc/xos/models", "/etc/xos/documents", "/etc/xos/credentials"];
        assert_eq!(mounts, expected, "{kind}");
        let models = pod["volumes"].as_array().unwrap().iter().find(|one| one["name"] == "models").unwrap();
        assert_eq!(models["configMap"]["items"][1], json!({"key": "convenience.a.yaml", "path": "convenience/a.yaml"}));
        assert_eq!(models["configMap"]["items"].as_array().unwrap().len(), 5, "{models:#}");
    }
    let data = &find(&all, "ConfigMap", "demo-xos-controller")["data"];
    let text = |key: &str| data[key].as_str().unwrap().trim_end().to_owned();
    assert_eq!(text("models.a.xproto"), "message A (XOSBase) {}");
    assert_eq!(text("convenience.a.yaml"), "A:\n  b: \"1\"");
    assert_eq!(text("convenience.b.yaml"), "B: {c: '2'}");
    assert_eq!(text("dependencies.json"), r#"{"A":[["B","",""]]}"#);
    assert!(text("config.yaml").contains("dependency_graph: /etc/xos/models/dependencies.json"), "{data:#}");
    assert_eq!(data["documents.a.yaml"], "kind: SyncStep\nspec: {}\n");
    assert!(data["config.yaml"].as_str().unwrap().contains("documents_dir: /etc/xos/documents"), "{data:#}");
    assert_eq!(find(&all, "Secret", "-credentials")["data"]["kafka-password"], "c2VjcmV0");
}
