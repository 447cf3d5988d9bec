//! Reads objects, and fits each to the schema of its model.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use xos_crds::names::Names;
use xos_model::names::DOMAIN;
use xos_model::secret::HIDDEN;
use xos_xproto::{Literal, Member, Model, ModelSet, Section, camel_case, nearest};
use xos_yaml::{File, Fit, Misfit, Node, Place, Value, fit, parse_all};

use super::problem::ObjectProblem;
use super::schema;
use crate::models::PathError;

/// What kubectl takes for true or false.
const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];

/// The objects of files, and what is wrong with each of them.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    pub(super) files: Vec<File>,
    pub(super) all: Vec<Given<'a>>,
    /// The objects of other APIs, which are left alone.
    pub(super) others: usize,
    pub(super) problems: Vec<(ObjectProblem, Place)>,
    pub(super) unreadable: Vec<PathError>,
    schemas: HashMap<String, Json>,
}

/// An object of a model.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) model: &'a Model,
    pub(super) namespace: String,
    pub(super) name: String,
    /// The object as far as it fits the schema.
    pub(super) node: Node,
    /// Whether all of it does.
    pub(super) fits: bool,
    /// Its place.
    pub(super) place: Place,
}

impl<'a> Objects<'a> {
    /// Reads files. What is not an object of a model is left alone.
    pub(super) fn read(models: &'a ModelSet, paths: &[PathBuf]) -> Self {
        let mut objects = Self::default();
        for path in paths {
            match fs::read_to_string(path) {
                Ok(text) => objects.read_text(models, path, text),
                Err(error) => objects.unreadable.push(PathError::unreadable(path, &error)),
            }
        }
        objects
    }

    fn read_text(&mut self, models: &'a ModelSet, path: &Path, text: String) {
        let number = self.files.len();
        let mut file = File { path: path.to_owned(), text, secrets: vec![] };
        let read = parse_all(&mut file, number);
        self.files.push(file);
        match read {
            Ok(nodes) => nodes.into_iter().for_each(|node| self.take(models, node)),
            Err(error) => self.tell(ObjectProblem::InvalidYaml { message: error.message }, &error.place),
        }
    }

    fn tell(&mut self, problem: ObjectProblem, place: &Place) {
        self.problems.push((problem, place.clone()));
    }

    /// Takes a document: an object, or a list of objects as `kubectl get -o yaml` prints it.
    fn take(&mut self, models: &'a ModelSet, node: Node) {
        let is_list = node.text("kind").is_some_and(|(kind, _)| kind == "List");
        if let (true, Some(Node { value: Value::List(items), .. })) = (is_list, node.at("items")) {
            return items.clone().into_iter().for_each(|item| self.take(models, item));
        }
        let Some((kind, kind_place)) = node.text("kind").map(|(kind, place)| (kind.to_owned(), place.clone())) else {
            return self.tell(ObjectProblem::NoObject { key: "kind" }, &node.place);
        };
        let Some((version, place)) = node.text("apiVersion").map(|(text, place)| (text.to_owned(), place.clone()))
        else {
            return self.tell(ObjectProblem::NoObject { key: "apiVersion" }, &kind_place);
        };
        let is_ours = version.split('/').next().is_some_and(|group| group.ends_with(&format!(".{DOMAIN}")));
        let known = models.get(&kind);
        match known {
            Some(model) if model.is_abstract && is_ours => {
                let heirs: Vec<_> = models.of_class(&kind).map(|model| model.name.as_str()).collect();
                let heirs = heirs.join(", ");
                self.tell(ObjectProblem::AbstractKind { kind, heirs }, &kind_place);
            }
            Some(model) => {
                let expected = Names::of(model).api_version();
                if version == expected {
                    self.fit(models, model, node, &kind_place);
                } else if is_ours || nearest(&version, [&expected]).is_some() {
                    self.tell(ObjectProblem::WrongApiVersion { kind, found: version, expected }, &place);
                } else {
                    self.others += 1;
                }
            }
            None if is_ours => {
                let suggestion = nearest(&kind, models.concrete().map(|model| &model.name));
                self.tell(ObjectProblem::UnknownKind { kind, suggestion }, &kind_place);
            }
            None => self.others += 1,
        }
    }

    fn fit(&mut self, models: &ModelSet, model: &'a Model, node: Node, kind_place: &Place) {
        let before = self.problems.len();
        let schema = self.schemas.entry(model.name.clone()).or_insert_with(|| schema::of(models, model)).clone();
        self.hide_secrets(model, &node);
        let mut found = vec![];
        missing(&node, &schema["properties"]["spec"], kind_place, &mut found);
        let how = Fit {
            schema: &schema,
            has_format: schema::has_format,
            missing_in: Some(kind_place),
            tells_missing: true,
            keeps_null: false,
        };
        let place = node.at("metadata.name").map_or_else(|| kind_place.clone(), |name| name.place.clone());
        let text = |path: &str| node.text(path).map(|(text, _)| text.to_owned());
        let namespace = text("metadata.namespace").unwrap_or_else(|| "default".to_owned());
        let name = text("metadata.name").unwrap_or_default();
        let is_named = ["name", "generateName"].iter().any(|key| node.at(&format!("metadata.{key}")).is_some());
        // What else metadata is, is told as such.
        let has_metadata = matches!(node.at("metadata"), Some(Node { value: Value::Map(all), .. }) if !all.is_empty());
        let (node, misfits) = fit(node, &how);
        let mut meant = vec![];
        for (misfit, place) in misfits {
            if let Misfit::UnknownKey { suggestion: Some(suggestion), .. } = &misfit {
                meant.push(suggestion.clone());
            }
            let problem = problem(model, misfit);
            // What is missing in `spec` is told below.
            if !matches!(&problem, ObjectProblem::Missing { key } if key.starts_with("spec")) {
                self.tell(problem, &place);
            }
        }
        // A field that is misspelt is told once.
        let is_meant = |key: &String| meant.iter().any(|one| one == key || one == "spec");
        for (key, place) in found.into_iter().filter(|(key, _)| !is_meant(key)) {
            self.tell(ObjectProblem::Missing { key }, &place);
        }
        if has_metadata && !is_named && !meant.iter().any(|key| key == "metadata.name") {
            self.tell(ObjectProblem::Missing { key: "metadata.name".to_owned() }, kind_place);
        }
        self.words(&node, &schema, "");
        self.sources(model, &node, &place);
        let fits = self.problems.len() == before;
        self.all.push(Given { model, namespace, name, node, fits, place });
    }

    /// Keeps the values of secret fields out of what is printed.
    fn hide_secrets(&mut self, model: &Model, node: &Node) {
        for field in model.fields_in(Section::Spec).filter(|field| field.secret) {
            let value = node.at("spec").and_then(|spec| spec.at(&field.camel_name()));
            if let Some(Node { place: Place::File { file, bytes }, .. }) = value
                && let Some(file) = self.files.get_mut(*file)
            {
                file.secrets.push(bytes.clone());
            }
        }
    }

    /// Tells of texts that kubectl reads as true or false.
    fn words(&mut self, node: &Node, schema: &Json, key: &str) {
        match &node.value {
            Value::Text(text) if schema["type"] == "string" && WORDS.contains(&text.to_lowercase().as_str()) => {
                let Place::File { file, bytes } = &node.place else { return };
                let source = self.files.get(*file).map(|file| file.text.as_str()).unwrap_or_default();
                let is_quoted = source.get(..bytes.start).is_some_and(|before| before.ends_with(['"', '\'']));
                if source.get(bytes.clone()).map(str::trim_end) == Some(text) && !is_quoted {
                    let problem = ObjectProblem::NotAText { key: key.to_owned(), word: text.clone() };
                    self.tell(problem, &node.place);
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    let known = schema["properties"].get(&entry.key).unwrap_or(&schema["additionalProperties"]);
                    self.words(&entry.node, known, &joined(key, &entry.key));
                }
            }
            Value::List(nodes) => nodes.iter().for_each(|node| self.words(node, &schema["items"], key)),
            _ => {}
        }
    }

    /// Tells of secret fields with a value and a reference, or neither.
    fn sources(&mut self, model: &Model, node: &Node, place: &Place) {
        for (field, source) in model.secret_sources() {
            let (value, reference) = (field.camel_name(), camel_case(&source));
            let at = |key: &str| node.at("spec").and_then(|spec| spec.at(key));
            let must = field.required && matches!(field.default, None | Some(Literal::Null));
            match (at(&value), at(&reference)) {
                (Some(_), Some(second)) => {
                    let message = format!("give `spec.{value}` or `spec.{reference}`, not both");
                    self.tell(ObjectProblem::Source { message }, &second.place.clone());
                }
                (None, None) if must => {
                    let message = format!("give `spec.{value}` or `spec.{reference}`");
                    self.tell(ObjectProblem::Source { message }, place);
                }
                _ => {}
            }
        }
    }
}

fn joined(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_owned() } else { format!("{parent}.{key}") }
}

/// Finds the required members of `spec` and of the maps in it that are not there.
fn missing(node: &Node, schema: &Json, kind_place: &Place, found: &mut Vec<(String, Place)>) {
    match node.at("spec") {
        Some(spec) if spec.value != Value::Null => missing_in(spec, schema, "spec", found),
        _ => found.extend(required(schema).map(|name| (format!("spec.{name}"), kind_place.clone()))),
    }
}

fn required(schema: &Json) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str)
}

fn missing_in(node: &Node, schema: &Json, key: &str, found: &mut Vec<(String, Place)>) {
    match &node.value {
        Value::Map(entries) => {
            let is_there = |name: &&str| entries.iter().any(|e| e.key == **name && e.node.value != Value::Null);
            let missing = required(schema).filter(|name| !is_there(name));
            found.extend(missing.map(|name| (format!("{key}.{name}"), node.place.clone())));
            for entry in entries {
                missing_in(&entry.node, &schema["properties"][&entry.key], &format!("{key}.{}", entry.key), found);
            }
        }
        Value::List(nodes) => {
            for (at, node) in nodes.iter().enumerate() {
                missing_in(node, &schema["items"], &format!("{key}[{at}]"), found);
            }
        }
        _ => {}
    }
}

fn problem(model: &Model, misfit: Misfit) -> ObjectProblem {
    let member = |key: &str| model.members().find(|member| key.strip_prefix("spec.") == Some(&member.camel_name()));
    match misfit {
        Misfit::WrongType { key, expected, found } => {
            let key = if key.is_empty() { model.name.clone() } else { key };
            ObjectProblem::WrongType { key, expected, found }
        }
        Misfit::InvalidValue { key, value, expected, suggestion } => {
            let is_secret = matches!(member(&key), Some(Member::Field(field)) if field.secret);
            let value = if is_secret { HIDDEN.to_owned() } else { value };
            ObjectProblem::InvalidValue { key, value, expected, suggestion }
        }
        Misfit::Missing { key } => ObjectProblem::Missing { key },
        Misfit::UnknownKey { key, .. } if member(&key).is_some_and(|member| member.section() == Section::Status) => {
            ObjectProblem::NotInSpec { key, model: model.name.clone() }
        }
        Misfit::UnknownKey { key, suggestion } => ObjectProblem::UnknownField { key, suggestion },
    }
}
