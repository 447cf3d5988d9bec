//! `docs/reference/documents.md`: the keys of each kind of documents, from their schemas.

use serde_json::Value as Json;
use xos_documents::kinds::{API_VERSION, Kind};
use xos_yaml::{DURATION, choice, expected, words};

use super::{check, code, prose, table};

/// Where the schema says that a key is `format: time-span-or-off`.
const PERIOD: &str = "time-span-or-off";

const HEAD: [&str; 4] = ["key", "value", "default", "meaning"];

/// A key of documents.
struct Key {
    /// The names from `spec` to it; `[]` is an item of a list.
    path: String,
    schema: Json,
    required: bool,
}

/// Returns what can stand in a place: alternatives, none of which is nothing.
fn alternatives(schema: &Json) -> Vec<&Json> {
    match schema["anyOf"].as_array() {
        Some(all) => all.iter().filter(|one| one["type"] != "null").collect(),
        None => vec![schema],
    }
}

/// Returns all keys below a schema, in the order of the schema.
fn keys(schema: &Json, path: &str) -> Vec<Key> {
    let mut all = vec![];
    for one in alternatives(schema) {
        if one["items"].is_object() {
            all.extend(keys(&one["items"], &format!("{path}[]")));
        }
        for (name, below) in one["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let required = one["required"].as_array().is_some_and(|names| names.contains(&Json::from(name.as_str())));
            let below_it = keys(below, &path);
            all.push(Key { path, schema: below.clone(), required });
            all.extend(below_it);
        }
    }
    all
}

/// Returns what a value is, in words.
fn kind(schema: &Json) -> String {
    let kinds: Vec<_> = alternatives(schema).into_iter().map(kind_of_one).collect();
    let mut shown: Vec<String> = vec![];
    for one in kinds {
        if !shown.contains(&one) {
            shown.push(one);
        }
    }
    shown.join(", or ")
}

fn kind_of_one(schema: &Json) -> String {
    let words: Vec<_> = words(schema).collect();
    let format = schema["format"].as_str().unwrap_or_default();
    let is =
        |name: &str| schema["type"] == name || schema["type"].as_array().is_some_and(|all| all.contains(&name.into()));
    match expected(schema) {
        _ if !words.is_empty() => choice(&words),
        _ if format == DURATION => "a duration".to_owned(),
        _ if format == PERIOD => "a duration, or `off`".to_owned(),
        _ if is("array") => format!("a list: each {}", kind(&schema["items"])),
        _ if is("object") && schema["properties"].is_null() && schema["additionalProperties"]["type"] == "string" => {
            "a map of texts".to_owned()
        }
        _ if is("object") && schema["properties"].is_null() => "a map of any values".to_owned(),
        _ if schema["type"].is_null() => "any value".to_owned(),
        other => other.to_string(),
    }
}

impl Key {
    /// Returns its description, that of its alternatives if it has none itself.
    fn description(&self) -> String {
        let own = self.schema["description"].as_str();
        let text = own.or_else(|| alternatives(&self.schema).first().and_then(|one| one["description"].as_str()));
        text.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns its default: that of the schema, or what its description says (`…; 2 s by default.`).
    fn default(&self) -> String {
        match &self.schema["default"] {
            _ if self.required => "required".to_owned(),
            Json::String(text) => code(text),
            Json::Bool(value) => code(&value.to_string()),
            Json::Number(value) => code(&value.to_string()),
            // What is said of a map may be about a key in it.
            _ if self.is_map() && !self.description().contains("; by default") => String::new(),
            _ => told_default(&self.description()).unwrap_or_default(),
        }
    }

    fn is_map(&self) -> bool {
        alternatives(&self.schema).iter().any(|one| one["properties"].is_object())
    }

    fn row(&self) -> [String; 4] {
        [code(&self.path), prose(&kind(&self.schema)), prose(&self.default()), prose(&self.meaning())]
    }

    /// Returns its description, and what its words mean.
    fn meaning(&self) -> String {
        let meant = |one: &&Json| Some(format!(" `{}`: {}", one["const"].as_str()?, one["description"].as_str()?));
        let all: Vec<_> = alternatives(&self.schema)
            .iter()
            .flat_map(|one| one["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default())
            .collect();
        self.description() + &all.iter().filter_map(meant).collect::<String>()
    }
}

/// Returns what a description says of the default: `…; 2 s by default.`, `…; by default <what>.`
fn told_default(description: &str) -> Option<String> {
    let sentence = description.split_inclusive(". ").find(|sentence| sentence.contains("by default"))?;
    let (before, after) = sentence.split_once("by default")?;
    let after = after.trim().trim_matches(['.', ' ']);
    let before = before.rsplit([';', ',']).next()?.trim();
    let after = after.split(", which").next().unwrap_or_default().trim_matches([',', ' ']);
    let told = if before.is_empty() { after } else { before };
    (!told.is_empty()).then(|| told.to_owned())
}

fn spec(kind: Kind) -> &'static Json {
    &kind.schema()["properties"]["spec"]
}

#[test]
fn the_page_is_current() {
    let mut text = format!(
        "# Documents\n\n\
         All keys of the documents of a service that is not compiled. How they work together is told in\n\
         [Services without compiling](../documents.md); `xos check` checks documents.\n\n\
         A document has `apiVersion: {API_VERSION}`, `kind`, `metadata.name` and `spec`. The keys below are those of\n\
         `spec`; `[]` stands for each item of a list. All texts may have expressions in `${{…}}`, where it is not said that\n\
         they may not. A duration is written as `30s` or `1h 30m`. A key that is not known is an error.\n",
    );
    for kind in Kind::ALL {
        let description = spec(kind)["description"].as_str().unwrap_or_default();
        let rows = keys(spec(kind), "").into_iter().map(|key| key.row());
        text += &format!("\n## {}\n\n{}\n\n{}", kind.name(), prose(description), table(HEAD, rows));
    }
    let case = &xos_cases::spec::schema()["properties"]["spec"];
    text += &format!(
        "\n## {}\n\n{} [Testing services of documents](../testing-documents.md) tells how to use it. Without expressions.\n\n{}",
        xos_cases::spec::KIND,
        prose(case["description"].as_str().unwrap_or_default()),
        table(HEAD, keys(case, "").into_iter().map(|key| key.row()))
    );
    check("documents.md", &text);
}

#[test]
fn every_key_has_a_description() {
    let is_sentence = |text: &str| text.len() > 5 && text.ends_with('.');
    let mut count = 0;
    let mut bad = vec![];
    let specs = Kind::ALL.map(|kind| (kind.name(), spec(kind)));
    let case = (xos_cases::spec::KIND, &xos_cases::spec::schema()["properties"]["spec"]);
    for (kind, spec) in specs.into_iter().chain([case]) {
        assert!(is_sentence(spec["description"].as_str().unwrap_or_default()), "{kind}");
        for key in keys(spec, "") {
            count += 1;
            if !is_sentence(&key.description()) {
                bad.push(format!("{kind} {}", key.path));
            }
        }
    }
    assert!(count > 100, "{count}");
    assert!(bad.is_empty(), "these keys have no description that is a sentence: {bad:?}");
}

#[test]
fn a_description_tells_the_default() {
    for (description, default) in [
        ("How long it may take; 30 s by default. Then it is killed.", Some("30 s")),
        (
            "The namespace; by default the first that is watched, or `default`.",
            Some("the first that is watched, or `default`"),
        ),
        ("What becomes of it; `delete` by default, which the brakes may hold.", Some("`delete`")),
        ("A list.", None),
    ] {
        assert_eq!(told_default(description).as_deref(), default, "{description}");
    }
}
