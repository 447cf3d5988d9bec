use std::env;
use std::path::{Path, PathBuf};

use boon::{Compiler, Schemas};

use super::super::tests::read;
use super::*;
use xos_yaml::{File, parse};

/// Files that fit, and files that do not, each with what is wrong.
const FILES: &[(&str, &str)] = &[
    ("name: a", ""),
    ("name: a\nwrappers: [x]\nblueprints: {y: 1}\nlogging: {version: 1, handlers: {}}", ""),
    ("name: a\nevent_bus:\naccessor:\nsettings:\nconcurrency:\nlogging:", ""),
    ("name: a\nsettings: {any: [1, {thing: ~}]}", ""),
    ("name: a\nconcurrency: 4.0", ""),
    ("name: a\nbackoff: {initial: 500ms, max: 1h 30m, jitter: 0.5}", ""),
    ("name: a\nbackoff: {initial: 1.5s, max: 2 hours 5 mins, jitter: 1}", ""),
    ("name: a\nshutdown_grace: 0s", ""),
    ("name: a\naccessor: {kind: kubernetes, password: '@pw'}", ""),
    ("name: a\nevent_bus: {kind: kafka, endpoint: 'a, b', attempts: 3, gui_events: true}", ""),
    ("name: a\nevent_bus: {endpoint: [a, b:1], tls: {}, sasl: {mechanism: SCRAM-SHA-256}}", ""),
    ("name: a\nevent_bus: {librdkafka: {a: 1, b: x, c: true}, retry: {initial: 1s}}", ""),
    ("name: a\nmonitoring_address: '[::1]:9100'", ""),
    ("name: a\nmonitoring_address: 255.0.10.1:65535", ""),
    ("name: a\ntracing: {otlp_endpoint: 'http://collector:4318', sample_ratio: 0.25}", ""),
    ("name: a\ntracing: {otlp_endpoint: ~, sample_ratio: 1}", ""),
    ("name: a\ndesired_state: unload", ""),
    ("name: a\ndefinitions: provided\nevent_bus: {kind: none}", ""),
    ("name: a\ndefinitions: mine", "an unknown word"),
    ("{}", "no name"),
    ("name: ~", "no name"),
    ("name: ''", "an empty name"),
    ("name: 5", "a number as name"),
    ("name: a\nother: 1", "an unknown key"),
    ("name: a\nlogging: {levle: x}", "an unknown key of a map"),
    ("name: a\nevent_bus: {tls: {verify: 'no'}}", "a text as flag"),
    ("name: a\nconcurrency: 0", "less than the least"),
    ("name: a\nconcurrency: -1", "less than the least"),
    ("name: a\nconcurrency: 1.5", "a fraction"),
    ("name: a\nconcurrency: '4'", "a text as number"),
    ("name: a\nevent_bus: {attempts: 4294967296}", "more than the most"),
    ("name: a\nbackoff: {jitter: 1.1}", "more than the most"),
    ("name: a\nbackoff: {jitter: -0.1}", "less than the least"),
    ("name: a\nstep_timeout: 5", "a number as duration"),
    ("name: a\nstep_timeout: ''", "no duration"),
    ("name: a\nstep_timeout: 0s", "a duration of 0"),
    ("name: a\nstep_timeout: -5s", "a negative duration"),
    ("name: a\nstep_timeout: 5 parsecs", "an unknown unit"),
    ("name: a\nstep_timeout: 5s 1h", "units in the wrong order"),
    ("name: a\ndesired_state: gone", "another word"),
    ("name: a\naccessor: {kind: grpcapi}", "what this version has not"),
    ("name: a\naccessor: {password: [x]}", "a list as secret"),
    ("name: a\nnamespaces: x", "a text as list"),
    ("name: a\nnamespaces: [x, 1]", "a number in a list of texts"),
    ("name: a\nnamespaces: [x, ~]", "nothing in a list of texts"),
    ("name: a\nevent_bus: {endpoint: {a: 1}}", "a map as endpoint"),
    ("name: a\nevent_bus: {librdkafka: {a: [1]}}", "a list as property"),
    ("name: a\ntracing: {otlp_endpoint: 'collector:4318'}", "no URL"),
    ("name: a\ntracing: {sample_ratio: 1.5}", "more than the most"),
    ("name: a\nmonitoring_address: localhost:80", "a host name"),
    ("name: a\nmonitoring_address: 256.0.0.1:80", "not an address"),
    ("name: a\nmonitoring_address: 10.0.0.1:65536", "not a port"),
    ("- name", "a list"),
];

fn json(text: &str) -> Value {
    let mut file = File { path: PathBuf::new(), text: text.to_owned(), secrets: vec![] };
    parse(&mut file, 0).unwrap().into_json()
}

#[test]
fn the_reader_accepts_what_a_validator_of_json_schema_accepts() {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.add_resource("config.schema.json", schema()).unwrap();
    let index = compiler.compile("config.schema.json", &mut schemas).unwrap();
    for &(text, wrong) in FILES {
        let validated = schemas.validate(&json(text), index).map_err(|error| error.to_string());
        assert_eq!(validated.is_ok(), wrong.is_empty(), "the validator, {wrong}: {text}: {validated:?}");
        let (_, noticed) = read(&[text], &[]);
        assert_eq!(noticed.is_empty(), wrong.is_empty(), "the reader, {wrong}: {text}: {noticed:?}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `UPDATE_EXPECT=1 cargo test -p xos-runtime` rewrites it.
#[test]
fn the_committed_schema_is_current() {
    let path = root().join("config/config.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "{} differs (UPDATE_EXPECT=1 rewrites)", path.display());
}

/// The rows of the table in README's section on the configuration: key, default.
fn readme_rows() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("\n## Configuration\n").nth(1).unwrap().split("\n## ").next().unwrap().to_owned();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(cells);
    let mut all = Vec::new();
    for row in rows {
        let keys: Vec<_> = row[1].split(", ").map(|key| key.trim_matches('`').to_owned()).collect();
        let default = row[2].trim_matches('`');
        // Two keys in one row have their defaults in the same order.
        let defaults: Vec<_> = if keys.len() == 1 { vec![default] } else { default.split(", ").collect() };
        assert_eq!(keys.len(), defaults.len(), "{row:?}");
        all.extend(keys.into_iter().zip(defaults.into_iter().map(str::to_owned)));
    }
    all
}

#[test]
fn the_defaults_in_the_readme_are_those_of_the_schema() {
    let schema = schema();
    let rows = readme_rows();
    for (key, default) in &rows {
        let property = &schema["properties"][key];
        assert!(property.is_object(), "README has a key that does not exist: {key}");
        match &property["default"] {
            Value::Null => {
                let no_value = ["", "all", "the models compiled in", "true in a pod, else false"];
                assert!(no_value.contains(&default.as_str()), "{key} has no default: {default}");
            }
            expected => assert_eq!(&json(default), expected, "{key}"),
        }
    }
    for (key, property) in schema["properties"].as_object().unwrap() {
        let is_listed = rows.iter().any(|(listed, _)| listed == key);
        let no_effect = property["description"].as_str().unwrap().contains("in this version");
        let told_elsewhere = ["accessor", "backoff_disabled", "desired_state"].contains(&key.as_str());
        assert!(
            is_listed || no_effect || told_elsewhere || property["default"].is_null(),
            "README lacks {key}, which has a default"
        );
    }
}
