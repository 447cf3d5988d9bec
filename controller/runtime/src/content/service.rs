//! From a content to models and steps that fit each other: a pure function.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use xos_documents::Documents;
use xos_engine::Registry;
use xos_kinds::{Finding, Id, Written, reasons};
use xos_model::graph::{ExtraDependency, Graph};
use xos_properties::Convenience;
use xos_steps::{Properties, Steps};
use xos_xproto::{ALL_OF_CORE, Compiled, ModelSet, Sources, compile, render, to_json};

use super::{Content, ContentError, ModelFile, Origin};
use crate::models::ModelsError;
use crate::synchronizer::Synchronizer;

/// Models and steps that fit each other.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) registry: Arc<Registry>,
    pub(crate) steps: Steps,
    pub(crate) dependencies: Vec<ExtraDependency>,
    /// Where each model is declared. Those that come with the compiler are nowhere.
    pub(crate) declared: BTreeMap<String, Origin>,
    /// What the models are warned of.
    pub(crate) warnings: Vec<String>,
}

/// Something that is wrong with a content.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// What is to be mended.
    pub(crate) origin: Origin,
    pub(crate) reason: &'static str,
    pub(crate) finding: Finding,
}

impl Fault {
    fn new(origin: Origin, reason: &'static str, finding: Finding) -> Self {
        Self { origin, reason, finding }
    }
}

/// Why a content cannot be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) faults: Vec<Fault>,
    /// The same, for who has no objects in the cluster.
    pub(crate) error: ContentError,
}

/// Makes models and steps of a content. The steps of the program come first.
pub(crate) fn service(synchronizer: &Synchronizer, name: &str, content: &Content) -> Result<Service, Unusable> {
    if content.files.is_empty() && !content.may_be_empty {
        return Err(Unusable { faults: vec![], error: ContentError::NoModels });
    }
    let parsed = content.parsed();
    let named = Named { uses: uses(synchronizer, content, &parsed), convenience: convenience(content) };
    let (models, declared, warnings) = models(content, &named)?;
    let (models, properties) = properties(content, named.convenience, &models)?;
    let steps = synchronizer.steps.clone().steps(documents(content, parsed, &models, &properties)?);
    let registry = Registry::new(name, &models, &steps).map_err(|error| misfit(content, error))?;
    let registry = Arc::new(registry.with_properties(properties));
    let dependencies = dependencies(content, &models)?;
    Ok(Service { registry, steps, dependencies, declared, warnings })
}

/// What is used with files of models: models of XOS's core, and properties, which columns may name.
struct Named {
    uses: BTreeSet<String>,
    convenience: Convenience,
}

/// Returns the models of XOS's core that are used, beside those that files of models name.
fn uses(synchronizer: &Synchronizer, content: &Content, parsed: &Documents) -> BTreeSet<String> {
    let mut uses = content.uses.clone();
    uses.extend(synchronizer.steps.names_of_models());
    uses.extend(parsed.names_of_models());
    for of_model in &content.dependencies {
        uses.insert(of_model.model.clone());
        uses.extend(of_model.edges.iter().filter_map(|edge| edge.first().cloned()));
    }
    let is_all = |set: &String| set == ALL_OF_CORE && !content.sets.contains_key(set);
    uses.extend(content.sets.values().flatten().filter(|set| is_all(set)).cloned());
    uses
}

type Models = (ModelSet, BTreeMap<String, Origin>, Vec<String>);

fn models(content: &Content, named: &Named) -> Result<Models, Unusable> {
    let all: Vec<_> = content.files.iter().collect();
    let (sources, compiled) = compiled(&all, named);
    let text = |one| render(one, &sources, false);
    if compiled.has_errors() {
        let shown: Vec<_> = compiled.diagnostics.iter().map(text).collect();
        let error = ModelsError::Invalid(shown.join("\n\n")).into();
        return Err(Unusable { faults: faults(&all, &sources, &compiled), error });
    }
    let hidden: Vec<_> = content.sets.keys().flat_map(|set| unseen(content, set, named)).collect();
    if let Some(first) = hidden.first() {
        let error = ContentError::Object(format!("{:?}: {}", first.origin, first.finding.line()));
        return Err(Unusable { faults: hidden, error });
    }
    let declared = compiled.models.iter().filter_map(|model| {
        let path = sources.get(model.span.source)?.path();
        let file = content.files.iter().find(|file| file.name == path)?;
        (!model.is_built_in()).then(|| (model.name.clone(), file.origin.clone()))
    });
    let declared = declared.collect();
    let warnings = compiled.diagnostics.iter().map(text).collect();
    Ok((compiled.models, declared, warnings))
}

/// Compiles files of models.
fn compiled(files: &[&ModelFile], named: &Named) -> (Sources, Compiled) {
    let mut sources = Sources::new();
    sources.add_uses(&named.uses);
    for file in files {
        sources.add(file.name.as_str(), file.text.to_vec());
    }
    named.convenience.announce(&mut sources);
    let compiled = compile(&sources);
    (sources, compiled)
}

fn convenience(content: &Content) -> Convenience {
    let mut convenience = Convenience::default();
    for file in &content.properties {
        let text = String::from_utf8(file.text.to_vec());
        convenience.read(file.name.clone().into(), text.map_err(io::Error::other));
    }
    convenience
}

/// Returns the models with their properties, and these.
fn properties(
    content: &Content,
    convenience: Convenience,
    models: &ModelSet,
) -> Result<(ModelSet, Arc<Properties>), Unusable> {
    let compiled = convenience.compile(models).map_err(|found| {
        let fault = |one: &xos_properties::Diagnostic| {
            let file = content.properties.iter().find(|file| file.name == one.file);
            let origin = file.map_or(Origin::Here, |file| file.origin.clone());
            let finding = Finding::of(&one.to_json(), &folder(&origin));
            Fault::new(origin, reasons::PROPERTIES_INVALID, finding)
        };
        let shown: Vec<_> = found.iter().map(|one| one.render(false)).collect();
        let error = ModelsError::Invalid(shown.join("\n\n")).into();
        Unusable { faults: found.iter().map(fault).collect(), error }
    })?;
    let (models, properties) = compiled;
    Ok((models, Arc::new(properties)))
}

/// Returns the folder in which the files of an object are, in the names of files.
pub(super) fn folder(origin: &Origin) -> String {
    match origin {
        Origin::Here => String::new(),
        Origin::Object(id) => format!("{}/{}/", id.kind.name(), id.name),
    }
}

fn faults(files: &[&ModelFile], sources: &Sources, compiled: &Compiled) -> Vec<Fault> {
    let each = compiled.diagnostics.iter().map(|one| {
        let diagnostic = to_json(one, sources);
        let file = files.iter().find(|file| file.name == diagnostic.file);
        let origin = file.map_or(Origin::Here, |file| file.origin.clone());
        let finding = Finding::of(&diagnostic, &folder(&origin));
        Fault::new(origin, reasons::MODELS_INVALID, finding)
    });
    each.collect()
}

/// Returns what is wrong with a set where it sees only what is here and what it uses.
fn unseen(content: &Content, set: &str, named: &Named) -> Vec<Fault> {
    let own = Origin::Object(Id::model_set(set));
    let mut seen = BTreeSet::from([set]);
    let mut next = vec![set];
    let mut found = vec![];
    while let Some(one) = next.pop() {
        for (at, used) in content.sets.get(one).into_iter().flatten().enumerate() {
            match content.sets.get_key_value(used) {
                Some((used, _)) if seen.insert(used) => next.push(used),
                Some(_) => {}
                None if used == ALL_OF_CORE => {}
                // The others tell it themselves.
                None if one != set => {}
                None => {
                    let message = format!("there is no ModelSet `{used}` that is accepted");
                    let place = format!("spec.uses[{at}]");
                    found.push(Fault::new(
                        own.clone(),
                        reasons::USES_UNKNOWN_SET,
                        Finding::error(Some(&place), message),
                    ));
                }
            }
        }
    }
    let is_visible = |file: &&ModelFile| match &file.origin {
        Origin::Here => true,
        Origin::Object(id) => seen.contains(id.name.as_str()),
    };
    let files: Vec<_> = content.files.iter().filter(is_visible).collect();
    if files.len() < content.files.len() {
        let (sources, compiled) = compiled(&files, named);
        let all = faults(&files, &sources, &compiled);
        let errors = all.into_iter().filter(|fault| fault.origin == own && fault.finding.is_error());
        found.extend(errors.map(|mut fault| {
            let hint = "a set sees only the models of the sets in its `uses`";
            fault.finding.help = Some(fault.finding.help.map_or(hint.to_owned(), |help| format!("{help}; {hint}")));
            fault
        }));
    }
    found
}

fn documents(
    content: &Content,
    parsed: Documents,
    models: &ModelSet,
    properties: &Arc<Properties>,
) -> Result<Steps, Unusable> {
    parsed.compile_with(models, properties).map_err(|found| {
        let fault = |one: &xos_documents::Diagnostic| {
            let text = content.documents.iter().find(|document| document.text.path == Path::new(&one.file));
            match text {
                Some(document) if document.origin != Origin::Here => {
                    let text = document.text.text.clone().unwrap_or_default();
                    let finding = Written { file: one.file.clone(), text }.finding(&one.to_json());
                    Fault::new(document.origin.clone(), reasons::DOCUMENT_INVALID, finding)
                }
                _ => Fault::new(Origin::Here, reasons::DOCUMENT_INVALID, Finding::of(&one.to_json(), "")),
            }
        };
        let faults = found.iter().map(fault).collect();
        let shown: Vec<_> = found.iter().map(|one| one.render(false)).collect();
        Unusable { faults, error: ContentError::Documents(shown.join("\n\n")) }
    })
}

/// Returns which of the documents does not fit: they come after the steps of the program.
fn misfit(content: &Content, error: xos_engine::RegistryError) -> Unusable {
    let message = error.to_string();
    let names = |document: &&super::DocumentText| match &document.origin {
        Origin::Object(id) => message.split([' ', ',', ':']).any(|word| word == id.name),
        Origin::Here => false,
    };
    let origin = content.documents.iter().rev().find(names).map_or(Origin::Here, |found| found.origin.clone());
    let faults = vec![Fault::new(origin, reasons::DOCUMENT_INVALID, Finding::error(None, message.clone()))];
    Unusable { faults, error: error.into() }
}

fn dependencies(content: &Content, models: &ModelSet) -> Result<Vec<ExtraDependency>, Unusable> {
    let mut found = vec![];
    let mut faults = vec![];
    let mut first = None;
    for of_model in &content.dependencies {
        for (at, edge) in of_model.edges.iter().enumerate() {
            let place = format!("spec.dependencyGraph.{}[{at}]", of_model.model);
            let mut refuse = |message: String| {
                let finding = Finding::error(Some(&place), message);
                faults.push(Fault::new(of_model.origin.clone(), reasons::DEPENDENCIES_INVALID, finding));
            };
            let [on, port, _] = edge.as_slice() else {
                refuse("an edge is `[model, port, peer's port]`".to_owned());
                continue;
            };
            let edge = ExtraDependency { model: of_model.model.clone(), on: on.clone(), port: port.clone() };
            match Graph::new(models, std::slice::from_ref(&edge)) {
                Ok(_) => found.push(edge),
                Err(error) => {
                    refuse(error.to_string());
                    first.get_or_insert(error);
                }
            }
        }
    }
    if faults.is_empty() {
        return Ok(found);
    }
    let error = match (first, faults.first()) {
        (Some(error), _) => error.into(),
        (None, fault) => ContentError::Object(fault.map(|one| one.finding.line()).unwrap_or_default()),
    };
    Err(Unusable { faults, error })
}
