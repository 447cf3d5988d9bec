//! `docs/reference/configuration.md`: all keys, from the schema.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use xos_yaml::{DURATION, File, Node, Place, Value, choice, expected, expected_number, words};

use super::disk::merged;
use super::environment::variable;
use super::report::Report;
use super::schema::schema;
use crate::logging::VARIABLE;
use crate::reference::{block, check, code, prose, table};

/// What the description of a key without effect says.
const NO_EFFECT: &str = "Has no effect";

/// A key.
struct Key<'a> {
    /// The names from the root to it.
    path: String,
    schema: &'a Json,
    /// Its default, if it has one.
    default: &'a Json,
}

impl<'a> Key<'a> {
    /// Returns the keys of a map; their defaults may stand at the map.
    fn all_of(map: &'a Json, path: &str, defaults: &'a Json) -> Vec<Self> {
        let properties = map["properties"].as_object();
        let keys = properties.into_iter().flatten().map(|(name, schema)| {
            let own = &schema["default"];
            let default = if own.is_null() { &defaults[name] } else { own };
            Self { path: if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, schema, default }
        });
        keys.collect()
    }

    /// Returns the keys in it, and those in these.
    fn below(&self) -> Vec<Self> {
        let mut keys = Self::all_of(self.schema, &self.path, self.default);
        let free = &self.schema["additionalProperties"];
        keys.extend(Self::all_of(free, &format!("{}.<name>", self.path), &Json::Null));
        with_those_below(keys)
    }

    fn description(&self) -> String {
        let text = self.schema["description"].as_str().unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn has_effect(&self) -> bool {
        !self.description().contains(NO_EFFECT)
    }

    /// Returns what its value is, in words.
    fn kind(&self) -> String {
        let words: Vec<_> = words(self.schema).collect();
        let text = |name: &str| self.schema[name].as_str().unwrap_or_default();
        match expected(self.schema) {
            _ if !words.is_empty() => choice(&words),
            _ if text("format") == DURATION => "a duration".to_owned(),
            _ if text("format") == "password" => "a secret".to_owned(),
            _ if !text("patternErrorMessage").is_empty() => text("patternErrorMessage").to_owned(),
            super::Expected::WholeNumber | super::Expected::Number => {
                let mut schema = self.schema.clone();
                // That it is kept in 32 bits says nothing to a reader.
                if schema["maximum"] == u32::MAX {
                    schema["maximum"] = Json::Null;
                }
                expected_number(&schema)
            }
            other => other.to_string(),
        }
    }

    /// Returns its default, and what its description says without that.
    fn default_and_meaning(&self) -> (String, String) {
        const DEFAULT: &str = "Default: ";
        let words = self.schema["oneOf"].as_array().into_iter().flatten();
        let meant =
            words.filter_map(|word| Some(format!(" `{}`: {}", word["const"].as_str()?, word["description"].as_str()?)));
        let mut description = self.description();
        let told = description.find(DEFAULT).map(|at| {
            let (before, told) = (description[..at].to_owned(), description[at + DEFAULT.len()..].to_owned());
            let (told, after) = told.split_once(". ").unwrap_or((told.trim_end_matches('.'), ""));
            description = format!("{before}{after}").trim_end().to_owned();
            told.to_owned()
        });
        let default = match self.default {
            Json::String(text) => code(text),
            Json::Bool(_) | Json::Number(_) => code(&self.default.to_string()),
            _ => told.map(|told| prose(&told)).unwrap_or_default(),
        };
        (default, prose(&(description + &meant.collect::<String>())))
    }

    fn row(&self) -> [String; 4] {
        let (default, meaning) = self.default_and_meaning();
        [code(&self.path), prose(&self.kind()), default, meaning]
    }
}

/// Returns keys, each with those below it.
fn with_those_below(keys: Vec<Key<'_>>) -> Vec<Key<'_>> {
    let mut all = vec![];
    for key in keys {
        let below = key.below();
        all.push(key);
        all.extend(below);
    }
    all
}

const HEAD: [&str; 4] = ["key", "value", "default", "meaning"];

fn all(schema: &Json) -> Vec<Key<'_>> {
    with_those_below(Key::all_of(schema, "", &Json::Null))
}

/// Returns the tables of the keys: first those at the top, then those of each map.
fn keys(schema: &Json) -> String {
    let top = Key::all_of(schema, "", &Json::Null);
    let top: Vec<_> = top.iter().filter(|key| key.has_effect()).collect();
    let is_map = |key: &Key<'_>| key.schema["properties"].is_object();
    let rows = top.iter().map(|key| {
        let mut row = key.row();
        let required = schema["required"].as_array().is_some_and(|names| names.contains(&Json::from(key.path.clone())));
        if required {
            row[2] = "none: it has to be set".to_owned();
        }
        if is_map(key) {
            row[0] = format!("[{}](#{})", row[0], key.path);
        }
        row
    });
    let mut text = format!("## Keys\n\n{}", table(HEAD, rows));
    for map in top.iter().filter(|key| is_map(key)) {
        let below = map.below();
        let rows = below.iter().filter(|key| key.has_effect()).map(Key::row);
        text += &format!("\n### {}\n\n{}\n\n{}", code(&map.path), map.default_and_meaning().1, table(HEAD, rows));
    }
    text
}

/// Returns the table of the keys that are accepted and ignored.
fn ignored(schema: &Json) -> String {
    let all = all(schema);
    let rows = all.iter().filter(|key| !key.has_effect()).map(|key| {
        let meaning = key.description();
        let meaning = meaning.split_once(NO_EFFECT).map_or("", |(before, _)| before.trim_end());
        [code(&key.path), prose(meaning)]
    });
    table(["key", "meaning in XOS"], rows)
}

/// Files, and a variable, as an example of what wins.
const FILES: [(&str, &str); 2] = [
    ("config.yaml", "name: example\nbackoff: {initial: 1s, max: 5m}\nnamespaces: [east, west]\n"),
    ("production.yaml", "backoff: {max: 10m}\nnamespaces: [north]\n"),
];
const VARIABLES: [(&str, &str); 2] =
    [("XOS_BACKOFF__INITIAL", "2s"), ("XOS_SETTINGS__DIRECTORY_URL", "http://directory")];

/// Returns the example: the files, and what is read of them.
fn example() -> String {
    let mut files = FILES.map(|(name, text)| File { path: name.into(), text: text.to_owned(), secrets: vec![] });
    let variables: BTreeMap<_, _> = VARIABLES.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut report = Report::default();
    let tree = merged(&mut files, &variables, &mut report);
    assert!(report.is_empty(), "{report:?}");
    let mut rows = vec![];
    leaves(&tree, "", &mut rows);
    let shown = FILES.map(|(name, text)| block("yaml", &format!("# {name}\n{text}"))).join("\n");
    let set: String = VARIABLES.iter().map(|(name, value)| format!("export {name}={value}\n")).collect();
    let run = FILES.map(|(name, _)| format!(" --config {name}")).concat();
    let shown = format!("{shown}\n{}", block("sh", &format!("{set}xos run{run}")));
    format!("{shown}\n{}", table(["key", "what is read", "from"], rows))
}

fn leaves(node: &Node, path: &str, rows: &mut Vec<[String; 3]>) {
    if let Value::Map(entries) = &node.value {
        for entry in entries {
            let path = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            leaves(&entry.node, &path, rows);
        }
        return;
    }
    let from = match &node.place {
        Place::File { file, .. } => FILES[*file].0.to_owned(),
        Place::Variable(name) => name.clone(),
        Place::Nowhere => String::new(),
    };
    let value = node.clone().into_json();
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.push([code(path), code(&value), code(&from)]);
}

/// Returns the table of variables.
fn variables() -> String {
    let of_keys = ["name", "event_bus.endpoint", "settings.directory_url"];
    let rows = of_keys.map(|key| [code(&variable(key)), format!("sets {}", code(key))]);
    let others = [
        (VARIABLE, "wins over `logging.level`"),
        ("OTEL_…", "win over `tracing`: see [Traces](../monitoring.md#traces)"),
        ("KUBECONFIG", "the cluster, as for kubectl"),
    ];
    table(["variable", ""], rows.into_iter().chain(others.map(|(name, what)| [code(name), what.to_owned()])))
}

#[test]
fn the_page_is_current() {
    let schema = schema();
    let durations = schema["properties"]["step_timeout"]["patternErrorMessage"].as_str().unwrap();
    let durations = durations.strip_prefix("a duration such as ").unwrap();
    let text = format!(
        "# Configuration\n\n\
         All keys of a configuration file. `xos config schema` prints them as a JSON schema for editors, and\n\
         `xos check` checks a file. The names are XOS's where XOS has such a key.\n\n\
         - A duration is written as {durations}.\n\
         - A secret is a text, or `@` and the path of a file that holds it.\n\
         - A path is relative to the file that contains it; one in a variable, to the folder of the\n\
         \u{20} process.\n\
         - A key without a value counts as not set. A key that is not known is a warning.\n\n\
         {keys}\n\
         ## Files and variables\n\n\
         `--config` may be given several times. Of the files, each one wins over those before it, and environment\n\
         variables win over all. Maps are merged; any other value replaces the one before.\n\n\
         {example}\n\
         The variable of a key is `XOS_` and the key in upper case, with `__` for each dot. A list is written with\n\
         commas. Variables that Kubernetes sets for services whose names begin with `xos-` are left out.\n\n\
         {variables}\n\
         ## Keys of XOS that have no effect\n\n\
         They are accepted, so that a file of XOS can be used. `xos run` names those at the top that are set.\n\n\
         {ignored}",
        keys = keys(&schema),
        example = example(),
        variables = variables(),
        ignored = ignored(&schema),
    );
    check("configuration.md", &text);
}

#[test]
fn every_key_has_a_description() {
    let schema = schema();
    let all = all(&schema);
    assert!(all.len() > 70, "{}", all.len());
    let is_sentence = |text: &str| text.len() > 5 && text.ends_with('.');
    let bad: Vec<_> = all.iter().filter(|key| !is_sentence(&key.description())).map(|key| &key.path).collect();
    assert!(bad.is_empty(), "these keys have no description that is a sentence: {bad:?}");
}
