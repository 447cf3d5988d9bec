//! Reads documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use xos_expressions::Properties;
use xos_steps::Steps;
use xos_xproto::{ModelSet, nearest};
use xos_yaml::{File, Fit, Misfit, Node, Place, Value, fit, parse_all};

use crate::compile;
use crate::files::files_below;
use crate::kinds::{Kind, Metadata, has_format};
use crate::problem::{Diagnostic, Problem};

/// A folder of documents: the key of the configuration that names it, and its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// `documents_dir`, `steps_dir` …; [`Folder::OF_SERVICE`] for the folder of a service, which has other files, too.
    pub key: &'static str,
    /// The path.
    pub path: PathBuf,
}

impl Folder {
    /// Stands for a key where the folder is that of a service.
    pub const OF_SERVICE: &'static str = "";

    /// Returns the kind of the documents in it.
    fn kind(&self) -> Option<Kind> {
        FOLDERS.iter().find(|(key, _)| *key == self.key).map(|(_, kind)| *kind)
    }
}

/// The keys of the folders, with the kinds of documents in them.
const FOLDERS: [(&str, Kind); 4] = [
    ("steps_dir", Kind::SyncStep),
    ("model_policies_dir", Kind::ModelPolicy),
    ("pull_steps_dir", Kind::PullStep),
    ("event_steps_dir", Kind::EventStep),
];

/// Documents that fit their schemas.
#[derive(Debug, Default)]
pub struct Documents {
    pub(crate) files: Vec<File>,
    pub(crate) all: Vec<Document>,
    pub(crate) report: Report,
}

/// A document that fits its schema.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What is under `spec`.
    pub(crate) spec: Node,
    pub(crate) place: Place,
}

impl Document {
    /// Returns what is the same for documents that say the same.
    pub(crate) fn revision(&self) -> String {
        self.spec.clone().into_json().to_string()
    }
}

/// The text of a file of documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The path of the file, or another name for the text.
    pub path: PathBuf,
    /// The text, or why it cannot be read.
    pub text: Result<String, String>,
    /// The folder that it is in, if it is in one.
    pub folder: Option<Folder>,
}

/// Problems with their places, in the order in which they were found.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<(Problem, Place)>);

impl Report {
    pub(crate) fn push(&mut self, problem: Problem, place: &Place) {
        self.0.push((problem, place.clone()));
    }
}

/// Reads all documents in folders: the files `*.yaml` and `*.yml`, also in folders below. One that does not exist has
/// none.
///
/// # Errors
/// When a folder cannot be read.
pub fn read(folders: &[Folder]) -> io::Result<Documents> {
    texts(folders).map(|texts| Documents::of_texts(&texts))
}

/// Does the first part of [`read`]: returns the texts of the files.
///
/// # Errors
/// When a folder cannot be read.
pub fn texts(folders: &[Folder]) -> io::Result<Vec<Text>> {
    let mut found = vec![];
    for folder in folders {
        let is_mixed = folder.key == Folder::OF_SERVICE && folder.path.is_dir();
        for path in files(&folder.path)? {
            let text = fs::read_to_string(&path).map_err(|error| error.to_string());
            if !is_mixed || text.as_deref().is_ok_and(says_document) {
                found.push(Text { path, text, folder: Some(folder.clone()) });
            }
        }
    }
    Ok(found)
}

/// Returns whether a file has documents: the first one says that it is of our group.
pub fn is_document(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| says_document(&text))
}

fn says_document(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("apiVersion: xos.opencord.org/"))
}

/// Returns whether a folder, or one in it, has documents.
pub fn has_documents(folder: &Path) -> bool {
    files(folder).is_ok_and(|files| files.iter().any(|path| is_document(path)))
}

/// Returns whether a file has test cases, by its name: `people.test.yaml`.
pub fn is_test(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

/// Returns the files that may have documents.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let mut found = files_below(folder)?;
    found.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml") && !is_test(path));
    Ok(found)
}

impl Documents {
    /// Reads documents from texts: (name, text).
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let mut documents = Self::default();
        for (name, text) in texts {
            documents.read_text(File { path: name.into(), text: (*text).to_owned(), secrets: vec![] }, None);
        }
        documents.check_names();
        documents
    }

    /// Reads documents from the texts of files.
    pub fn of_texts(texts: &[Text]) -> Self {
        let mut documents = Self::default();
        texts.iter().for_each(|text| documents.add(text));
        documents.check_names();
        documents
    }

    /// Returns the number of files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Returns whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.report.0.is_empty()
    }

    /// Returns the names of the models that the documents name. Those that they read by links are known when they are
    /// compiled: [`Steps::models`].
    pub fn names_of_models(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.all.iter().for_each(|document| add_names(&document.spec, &mut names));
        names
    }

    /// Checks the documents against models without properties, and makes steps of them.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn compile(self, models: &ModelSet) -> Result<Steps, Vec<Diagnostic>> {
        self.compile_with(models, &Properties::none())
    }

    /// Checks the documents against the models and their properties, and makes steps of them.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn compile_with(mut self, models: &ModelSet, properties: &Arc<Properties>) -> Result<Steps, Vec<Diagnostic>> {
        let steps = compile::steps(&mut self, models, properties);
        let Self { files, report, .. } = self;
        if report.0.is_empty() {
            return Ok(steps);
        }
        let mut found: Vec<_> =
            report.0.into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, &files)).collect();
        found.sort_by_key(|one| {
            let file = files.iter().position(|file| file.path.display().to_string() == one.file);
            (file, one.range.start.line, one.range.start.column)
        });
        Err(found)
    }

    fn add(&mut self, Text { path, text, folder }: &Text) {
        let path = path.clone();
        match text.clone() {
            Ok(text) => self.read_text(File { path, text, secrets: vec![] }, folder.as_ref()),
            Err(reason) => {
                let place = Place::File { file: self.files.len(), bytes: 0..0 };
                self.files.push(File { path, text: String::new(), secrets: vec![] });
                self.report.push(Problem::Unreadable { reason }, &place);
            }
        }
    }

    fn read_text(&mut self, mut file: File, folder: Option<&Folder>) {
        match parse_all(&mut file, self.files.len()) {
            Ok(nodes) => {
                for node in nodes {
                    let document = self.document(node, folder);
                    self.all.extend(document);
                }
            }
            Err(error) => self.report.push(Problem::InvalidYaml { message: error.message }, &error.place),
        }
        self.files.push(file);
    }

    fn document(&mut self, node: Node, folder: Option<&Folder>) -> Option<Document> {
        let (named, kind_place) = match node.text("kind") {
            Some((text, place)) => (text.to_owned(), place.clone()),
            None => (String::new(), node.place.clone()),
        };
        let Some(kind) = Kind::named(&named) else {
            let suggestion = nearest(&named, Kind::ALL.map(Kind::name));
            self.report.push(Problem::UnknownKind { found: named, suggestion }, &kind_place);
            return None;
        };
        if let Some(folder) = folder
            && folder.kind().is_some_and(|of| of != kind)
            && let Some((right, _)) = FOLDERS.iter().find(|(_, of)| *of == kind)
        {
            self.report.push(Problem::WrongFolder { kind: kind.name(), folder: folder.key, right }, &kind_place);
        }
        let place = node.place.clone();
        let how = Fit { schema: kind.schema(), has_format, missing_in: None, tells_missing: true, keeps_null: true };
        let (node, misfits) = fit(node, &how);
        let fits = misfits.is_empty();
        for (misfit, place) in misfits {
            self.report.push(problem(misfit), &place);
        }
        if !fits {
            return None;
        }
        let metadata: Metadata = serde_json::from_value(node.at("metadata")?.clone().into_json()).ok()?;
        Some(Document { kind, name: metadata.name, spec: node.at("spec")?.clone(), place })
    }

    fn check_names(&mut self) {
        let mut known: BTreeMap<(Kind, &str), &Place> = BTreeMap::new();
        for document in &self.all {
            let Document { kind, name, place, .. } = document;
            match known.get(&(*kind, name.as_str())) {
                None => drop(known.insert((*kind, name), place)),
                Some(first) => {
                    let first = self.told(first);
                    let problem = Problem::Twice { kind: kind.name(), name: name.clone(), first };
                    self.report.push(problem, place);
                }
            }
        }
    }

    /// Returns a place as `file:line`.
    pub(crate) fn told(&self, place: &Place) -> String {
        let Place::File { file, bytes } = place else { return String::new() };
        self.files
            .get(*file)
            .map_or_else(String::new, |file| format!("{}:{}", file.path.display(), file.line_column(bytes.start).0))
    }
}

/// Adds what is said under the keys that name models.
fn add_names(node: &Node, names: &mut BTreeSet<String>) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                match (&entry.node.value, entry.key.as_str()) {
                    (Value::Text(name), "model") => drop(names.insert(name.clone())),
                    (Value::List(items), "externalDependencies") => {
                        names.extend(items.iter().filter_map(|item| match &item.value {
                            Value::Text(name) => Some(name.clone()),
                            _ => None,
                        }));
                    }
                    _ => add_names(&entry.node, names),
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| add_names(item, names)),
        _ => {}
    }
}

fn problem(misfit: Misfit) -> Problem {
    let quoted = |key: String| if key.is_empty() { "a document".to_owned() } else { format!("`{key}`") };
    match misfit {
        Misfit::WrongType { key, expected, found } => Problem::WrongType { key: quoted(key), expected, found },
        Misfit::InvalidValue { key, value, expected, suggestion } => {
            Problem::InvalidValue { key, value, expected, suggestion }
        }
        Misfit::Missing { key } => Problem::Missing { key },
        Misfit::UnknownKey { key, suggestion } => Problem::UnknownKey { key, suggestion },
    }
}

/// Returns the entries of a map.
pub(crate) fn entries(node: &Node) -> &[xos_yaml::Entry] {
    match &node.value {
        Value::Map(entries) => entries,
        _ => &[],
    }
}
