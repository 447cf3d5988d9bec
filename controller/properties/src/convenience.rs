//! Reads and checks files of properties.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use xos_expressions::Properties;
use xos_expressions::properties::{Declared, PropertyFault, PropertyProblem, compile};
use xos_xproto::{ModelSet, Sources};
use xos_yaml::{Entry, File, Node, Place, Value, parse_all, part_of};

use crate::files::has_properties;
use crate::problem::{Diagnostic, Problem};

/// Files of properties, beside a set of models.
#[derive(Debug, Default)]
pub struct Convenience {
    files: Vec<File>,
    declared: Vec<Declared>,
    places: Vec<Places>,
    problems: Vec<(Problem, Place)>,
}

/// Where a property is declared.
#[derive(Debug)]
struct Places {
    model: Place,
    name: Place,
    text: Place,
}

impl Convenience {
    /// Adds a file with this text.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        self.read(path.into(), Ok(text.into()));
    }

    /// Adds a file as it was read.
    pub fn read(&mut self, path: PathBuf, text: io::Result<String>) {
        let is_ours = has_properties(&path.to_string_lossy());
        let number = self.files.len();
        let place = Place::File { file: number, bytes: 0..0 };
        let (text, unreadable) = match text {
            Ok(text) => (text, None),
            Err(error) => (String::new(), Some(Problem::Unreadable { reason: error.to_string() })),
        };
        let problem = if is_ours { unreadable } else { Some(Problem::NotYaml) };
        let mut file = File { path, text, secrets: vec![] };
        match problem {
            Some(problem) => self.problems.push((problem, place)),
            None => match parse_all(&mut file, number) {
                Ok(nodes) => nodes.into_iter().for_each(|node| self.models(node)),
                Err(error) => self.problems.push((Problem::InvalidYaml { message: error.message }, error.place)),
            },
        }
        self.files.push(file);
    }

    fn models(&mut self, node: Node) {
        for Entry { key: model, place, node } in self.entries("a file of properties", "a map of models", node) {
            let what = format!("`{model}`");
            for Entry { key: name, place: at, node } in self.entries(&what, "a map of expressions by name", node) {
                let Value::Text(text) = node.value else {
                    let (what, found) = (format!("`{name}`"), node.value.kind());
                    self.problems.push((Problem::WrongType { what, expected: "a text", found }, node.place));
                    continue;
                };
                self.declared.push(Declared { model: model.clone(), name, text });
                self.places.push(Places { model: place.clone(), name: at, text: node.place });
            }
        }
    }

    fn entries(&mut self, what: &str, expected: &'static str, node: Node) -> Vec<Entry> {
        match node.value {
            Value::Map(entries) => entries,
            Value::Null => vec![],
            other => {
                let problem = Problem::WrongType { what: what.to_owned(), expected, found: other.kind() };
                self.problems.push((problem, node.place));
                vec![]
            }
        }
    }

    /// Returns the number of files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Returns whether there is nothing in it, be it right or wrong.
    pub fn is_empty(&self) -> bool {
        self.declared.is_empty() && self.problems.is_empty()
    }

    /// Lets models name the properties as columns. Those of the core's models that have properties are used.
    pub fn announce(&self, sources: &mut Sources) {
        for one in &self.declared {
            sources.announce_property(&one.model, &one.name);
            sources.add_uses([&one.model]);
        }
    }

    /// Checks the properties against the models. Returns the models with their properties, and these.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn compile(mut self, models: &ModelSet) -> Result<(ModelSet, Properties), Vec<Diagnostic>> {
        self.find_twins();
        let compiled = compile(models, &self.declared);
        if let Err(faults) = &compiled {
            for fault in faults {
                self.tell(fault);
            }
        }
        match compiled {
            Ok(compiled) if self.problems.is_empty() => Ok(compiled),
            _ => Err(self.diagnostics()),
        }
    }

    /// Takes out what is declared before.
    fn find_twins(&mut self) {
        let mut first: BTreeMap<(String, String), Place> = BTreeMap::new();
        let mut kept = (vec![], vec![]);
        let all = std::mem::take(&mut self.declared).into_iter().zip(std::mem::take(&mut self.places));
        for (one, places) in all {
            match first.get(&(one.model.clone(), one.name.clone())) {
                Some(there) => {
                    let problem = Problem::Twice { model: one.model, name: one.name, first: self.told(there) };
                    self.problems.push((problem, places.name));
                }
                None => {
                    first.insert((one.model.clone(), one.name.clone()), places.name.clone());
                    kept.0.push(one);
                    kept.1.push(places);
                }
            }
        }
        (self.declared, self.places) = kept;
    }

    fn told(&self, place: &Place) -> String {
        let Place::File { file, bytes } = place else { return String::new() };
        let told = |file: &File| format!("{}:{}", file.path.display(), file.line_column(bytes.start).0);
        self.files.get(*file).map(told).unwrap_or_default()
    }

    fn tell(&mut self, fault: &PropertyFault) {
        let (Some(one), Some(places)) = (self.declared.get(fault.of), self.places.get(fault.of)) else { return };
        let name = one.name.clone();
        let problem = match fault.problem.clone() {
            PropertyProblem::UnknownModel(suggestion) => Problem::UnknownModel { model: one.model.clone(), suggestion },
            PropertyProblem::BadName => Problem::BadName { name },
            PropertyProblem::NameTaken(taken) => Problem::NameTaken { name, taken },
            PropertyProblem::Expression(fault) => Problem::Expression { message: fault.message, mend: fault.help },
            PropertyProblem::Unsuitable(of) => Problem::Unsuitable { of },
            PropertyProblem::OtherType { of, base, wanted } => Problem::OtherType { of, base, wanted },
            PropertyProblem::Circle(way) => {
                let way: Vec<_> = way.iter().map(|name| format!("`{name}`")).collect();
                Problem::Circle { way: way.join(" needs ") }
            }
        };
        let place = match (&fault.at, &problem) {
            (Some(at), _) => part_of(&places.text, &self.files, &one.text, at),
            (None, Problem::UnknownModel { .. }) => places.model.clone(),
            (None, _) => places.name.clone(),
        };
        let found = (problem, place);
        // Several properties may be of one model that is not there.
        if !self.problems.contains(&found) {
            self.problems.push(found);
        }
    }

    fn diagnostics(self) -> Vec<Diagnostic> {
        let Self { files, problems, .. } = self;
        let at = |place: &Place| match place {
            Place::File { file, bytes } => (*file, bytes.start),
            Place::Variable(_) | Place::Nowhere => (0, 0),
        };
        let mut found = problems;
        found.sort_by_key(|(_, place)| at(place));
        found.into_iter().map(|(problem, place)| Diagnostic::new(problem, &place, &files)).collect()
    }
}
