//! Reads the files of test cases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use xos_documents::{files_below, is_test};
use xos_yaml::{DURATION, File, Fit, Misfit, Node, Place, fit, parse_all};

use crate::problem::{CaseProblem, Diagnostic};
use crate::run::list;
use crate::spec::{CaseSpec, schema};

/// Files of test cases: the cases that can be run, and what is wrong with others.
#[derive(Debug, Default)]
pub struct Files {
    pub(crate) files: Vec<File>,
    /// The cases, in the order of the files.
    pub cases: Vec<Case>,
    problems: Vec<(CaseProblem, Place)>,
}

/// A test case.
#[derive(Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The index of its file.
    pub(crate) file: usize,
    /// What is under `spec`.
    pub(crate) node: Node,
    pub(crate) spec: CaseSpec,
    /// The objects of `givenFiles`.
    pub(crate) given: Vec<Node>,
    /// The place of its name.
    pub(crate) place: Place,
}

impl Files {
    /// Reads the test cases of paths: files, and the files `*.test.yaml` in folders and in the folders below them.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn read(paths: &[PathBuf]) -> io::Result<Self> {
        let mut files = Self::default();
        for path in paths {
            let all = if path.is_dir() {
                files_below(path)?.into_iter().filter(|path| is_test(path)).collect()
            } else {
                vec![path.clone()]
            };
            for path in all {
                files.add(&path, fs::read_to_string(&path));
            }
        }
        Ok(files)
    }

    /// Reads the test cases of a text.
    pub fn of(name: &str, text: &str) -> Self {
        let mut files = Self::default();
        files.add(Path::new(name), Ok(text.to_owned()));
        files
    }

    /// Returns what is wrong with cases that cannot be run.
    pub fn problems(&self) -> Vec<Diagnostic> {
        self.problems.iter().map(|(problem, place)| Diagnostic::new(problem.clone(), place, &self.files)).collect()
    }

    /// Returns the path of the file of a case.
    pub fn path(&self, case: &Case) -> &Path {
        self.files.get(case.file).map_or(Path::new(""), |file| &file.path)
    }

    /// Returns a problem with its place for people.
    pub(crate) fn diagnostic(&self, (problem, place): (CaseProblem, Place)) -> Diagnostic {
        Diagnostic::new(problem, &place, &self.files)
    }

    fn add(&mut self, path: &Path, text: io::Result<String>) {
        let number = self.files.len();
        let (text, problem) = match text {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(CaseProblem::Unreadable { reason: error.to_string() })),
        };
        let mut file = File { path: path.to_owned(), text, secrets: vec![] };
        self.problems.extend(problem.map(|problem| (problem, Place::File { file: number, bytes: 0..0 })));
        let parsed = parse_all(&mut file, number);
        self.files.push(file);
        match parsed {
            Ok(nodes) => {
                let mut names = BTreeSet::new();
                for node in nodes {
                    self.case(node, number, &mut names);
                }
            }
            Err(error) => self.problems.push((CaseProblem::InvalidYaml { message: error.message }, error.place)),
        }
    }

    fn case(&mut self, node: Node, file: usize, names: &mut BTreeSet<String>) {
        let how = Fit { schema: schema(), has_format, missing_in: None, tells_missing: true, keeps_null: true };
        let (node, misfits) = fit(node, &how);
        if !misfits.is_empty() {
            self.problems.extend(misfits.into_iter().map(|(misfit, place)| (problem(misfit), place)));
            return;
        }
        let (Some((name, place)), Some(body)) = (node.text("metadata.name"), node.at("spec")) else { return };
        if !names.insert(name.to_owned()) {
            self.problems.push((CaseProblem::Twice { name: name.to_owned() }, place.clone()));
            return;
        }
        let (name, place, node) = (name.to_owned(), place.clone(), body.clone());
        match serde_json::from_value::<CaseSpec>(body.clone().into_json()) {
            Ok(spec) => {
                let before = self.problems.len();
                let given = self.given(file, &spec, &node);
                if self.problems.len() == before {
                    self.cases.push(Case { name, file, node, spec, given, place });
                }
            }
            Err(error) => self.problems.push((CaseProblem::InvalidYaml { message: error.to_string() }, place)),
        }
    }

    /// Reads the files of objects that a case names.
    fn given(&mut self, file: usize, spec: &CaseSpec, node: &Node) -> Vec<Node> {
        let mut given = vec![];
        for (name, item) in spec.given_files.iter().zip(list(node, "givenFiles")) {
            let path = self.files[file].resolve(name);
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => {
                    let reason = format!("{}: {error}", path.display());
                    self.problems.push((CaseProblem::Unreadable { reason }, item.place.clone()));
                    continue;
                }
            };
            let number = self.files.len();
            let mut file = File { path, text, secrets: vec![] };
            let parsed = parse_all(&mut file, number);
            self.files.push(file);
            match parsed {
                Ok(nodes) => given.extend(nodes),
                Err(error) => self.problems.push((CaseProblem::InvalidYaml { message: error.message }, error.place)),
            }
        }
        given
    }
}

fn has_format(text: &str, format: &str) -> bool {
    format != DURATION || duration(text).is_some()
}

/// Reads a duration such as `30s` or `1h 30m`.
pub(crate) fn duration(text: &str) -> Option<std::time::Duration> {
    text.parse::<jiff::SignedDuration>().ok().and_then(|duration| duration.try_into().ok())
}

fn problem(misfit: Misfit) -> CaseProblem {
    let quoted = |key: String| if key.is_empty() { "a test case".to_owned() } else { format!("`{key}`") };
    match misfit {
        Misfit::WrongType { key, expected, found } => CaseProblem::WrongType { key: quoted(key), expected, found },
        Misfit::InvalidValue { key, value, expected, suggestion } => {
            CaseProblem::InvalidValue { key, value, expected, suggestion }
        }
        Misfit::Missing { key } => CaseProblem::Missing { key },
        Misfit::UnknownKey { key, suggestion } => CaseProblem::UnknownKey { key, suggestion },
    }
}
