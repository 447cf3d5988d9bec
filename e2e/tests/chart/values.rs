//! values.yaml, its schema and the README agree, and a misspelt key is refused by name.

use std::fs;

use serde_json::{Value, json};
use xos_harness::helm::{Helm, chart};

/// Keys of the configuration that have values of their own.
const OWN: [&str; 11] = [
    "name",
    "namespaces",
    "definitions",
    "monitoring_address",
    "models_dir",
    "documents_dir",
    "cluster_documents",
    "logging",
    "settings",
    "leader_election",
    "lease",
];

fn values() -> Value {
    serde_saphyr::from_str(&fs::read_to_string(chart().join("values.yaml")).unwrap()).unwrap()
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap()
}

/// The schema of `config` is that of the configuration, without what has values of its own.
#[test]
fn the_schema_knows_the_configuration() {
    let mut config = xos_runtime::config::schema();
    let members = config.as_object_mut().unwrap();
    for key in ["$schema", "title", "required"] {
        members.remove(key);
    }
    config["properties"].as_object_mut().unwrap().retain(|key, _| !OWN.contains(&key.as_str()));
    let mut wanted = schema();
    wanted["properties"]["config"] = config;
    let text = format!("{wanted:#}\n");
    let path = chart().join("values.schema.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "run `make chart`");
}

#[test]
fn the_schema_has_exactly_the_keys_of_the_values() {
    let mut compiler = boon::Compiler::new();
    let mut schemas = boon::Schemas::new();
    compiler.add_resource("schema.json", schema()).unwrap();
    let compiled = compiler.compile("schema.json", &mut schemas).unwrap();
    schemas.validate(&values(), compiled).unwrap_or_else(|error| panic!("{error}"));
    same("", &values(), &schema());
}

fn same(path: &str, value: &Value, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    assert_eq!(schema["additionalProperties"], json!(false), "{path} takes any key");
    // What is free, and objects of Kubernetes.
    if path == ".config" || path.ends_with(".resources") {
        return;
    }
    let Some(members) = value.as_object() else { panic!("{path} is no map in values.yaml") };
    // `global` is helm's own.
    let mut known: Vec<_> = properties.keys().filter(|key| *key != "global").collect();
    let mut there: Vec<_> = members.keys().collect();
    known.sort();
    there.sort();
    assert_eq!(known, there, "at {path:?}");
    for (key, value) in members {
        same(&format!("{path}.{key}"), value, &properties[key]);
    }
}

#[tokio::test]
async fn a_misspelt_key_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let helm = Helm::alone(home.path()).await.unwrap();
    let chart = chart();
    let wrong = [
        ("replcas=2", "replcas"),
        ("config.concurency=3", "concurency"),
        ("config.event_bus.atempts=3", "atempts"),
        ("monitoring.serviceMonitor.enable=true", "enable"),
        ("uninstall.policy=Keep", "uninstall/policy"),
        ("leaderElection.duration=soon", "leaderElection/duration"),
        ("config.name=other", "name"),
        (
            r"modelSets.a.xprotos.x\.xproto=t,modelSets.b.xprotos.x\.xproto=t",
            "modelSets.b.xprotos: there is a file x.xproto in modelSets.a, too",
        ),
    ];
    for (set, named) in wrong {
        let refused = helm.run(&["template", "demo", chart.to_str().unwrap(), "--set", set]).await.unwrap();
        assert!(!refused.status.success() && refused.stderr.contains(named), "{set}: {}", refused.all());
    }
}

/// Every value has a comment, of which the README's table is made.
#[test]
fn the_readme_has_every_value() {
    let path = chart().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- values: made by `make chart` -->\n", "<!-- end -->\n");
    let (head, rest) = readme.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let wanted = format!("{head}{begin}{}{end}{tail}", table());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted, "run `make chart`");
}

/// Returns the table of values: key, default, comment.
fn table() -> String {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let values = values();
    let mut rows = String::from("| key | default | |\n|---|---|---|\n");
    let mut path: Vec<String> = vec![];
    let mut comment: Option<String> = None;
    let mut documented = vec![];
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if let Some(begun) = line.strip_prefix("# -- ") {
            comment = Some(begun.replace('|', "\\|"));
            continue;
        }
        if let Some(more) = line.strip_prefix("# ") {
            comment = comment.map(|text| format!("{text} {}", more.replace('|', "\\|")));
            continue;
        }
        let Some((key, _)) = line.split_once(':').filter(|(key, _)| key.chars().all(char::is_alphanumeric)) else {
            continue;
        };
        path.truncate(indent / 2);
        // Below a value that has its comment.
        let is_part = documented.iter().any(|one: &Vec<String>| path.starts_with(one));
        path.push(key.to_owned());
        if is_part {
            continue;
        }
        if let Some(text) = comment.take() {
            let value = path.iter().fold(&values, |value, key| &value[key.as_str()]);
            let shown = if *value == json!("") { String::new() } else { format!("`{value}`") };
            rows.push_str(&format!("| `{}` | {shown} | {text} |\n", path.join(".")));
            documented.push(path.clone());
        }
    }
    assert_eq!(leaves(&values, &mut vec![], &documented), Vec::<String>::new(), "these have no comment");
    rows
}

/// Returns the values that have no comment, nor are a part of one that has.
fn leaves(value: &Value, path: &mut Vec<String>, documented: &[Vec<String>]) -> Vec<String> {
    if documented.iter().any(|one| one == path) {
        return vec![];
    }
    let Some(members) = value.as_object().filter(|members| !members.is_empty()) else { return vec![path.join(".")] };
    let mut found = vec![];
    for (key, value) in members {
        path.push(key.clone());
        found.extend(leaves(value, path, documented));
        path.pop();
    }
    found
}
