//! From the trees of a set of files to its models, in passes over the whole set.

mod bases;
mod choices;
mod core;
mod defaults;
mod fields;
mod inherit;
mod links;
mod models;
mod names;
mod options;
mod policies;
mod validators;

pub use core::{ALL as ALL_OF_CORE, names as core_names};
pub(crate) use fields::invalid;
use inherit::Flat;
use names::Declaration;

use std::collections::{BTreeSet, HashSet};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, Severity};
use crate::model::{Compiled, Model, ModelSet, Name, XOS_BASE};
use crate::parse::parse;
use crate::rules;
use crate::source::{SourceId, Sources};
use crate::tree::File;

/// How a set of files is compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether XOS's own rules on the types and options of fields and links (xosgenx, validator.py) are errors, as with
    /// its `--strict-validation`, and not warnings: `X308`, `X311`, `X402`, `X410`, `X419`, `X420` and `X429`.
    ///
    /// Rules that XOS's own documents or files contradict are left out: they do not allow `onetoone`, limits of floats,
    /// choices of numbers or the `verbose_name` of a field, and require `null = True` beside `blank = True`.
    pub strict: bool,
}

/// Compiles a set of files.
///
/// It reports all errors in one go. The models are those that could be resolved, also when there are errors.
#[must_use]
pub fn compile(sources: &Sources) -> Compiled {
    compile_with(sources, Options::default())
}

/// Compiles a set of files with options; otherwise like [`compile`].
#[must_use]
pub fn compile_with(sources: &Sources, options: Options) -> Compiled {
    let mut sink = Sink::new(options.strict);
    let (mut files, mut named) = files(sources, &mut sink);
    let core = cores(&files);
    let policies = policies::collect(&mut files, &mut sink);
    // 1. Names: the message of each name, and the options that it inherits from its file.
    let (mut declarations, places) = names::collect(files, &mut sink);
    // 2. Bases: who inherits from whom, and an order in which each message comes after its bases.
    let graph = bases::link(&declarations, &places, &mut sink);
    // 3. Fields and links: what each message declares itself, and what it inherits.
    let flat = inherit::flatten(&mut declarations, &places, &graph, &mut sink);
    // 4. Models, the links seen from their peers, and the rules on all that.
    let mut models = models(declarations, flat, &mut sink);
    links::connect(&mut models, &places);
    let models = ModelSet::new(models, policies.known);
    named.extend(rules::policies::read_by_own(&models));
    let models = models.refer(named.iter().map(String::as_str));
    rules::models::check(&models, sources, &mut sink);
    rules::links::check_models(&models, &mut sink);
    // 5. Policies: every name in them, seen from the models that use them.
    rules::policies::check(&models, &policies.broken, &mut sink);
    let mut diagnostics = sink.finish();
    let before = diagnostics.len();
    if !options.strict {
        let is_warning = |one: &Diagnostic| one.severity() == Severity::Warning;
        diagnostics.retain(|one| !(is_warning(one) && core.contains(&one.primary.source)));
    }
    Compiled { models, silenced: before - diagnostics.len(), diagnostics }
}

/// Returns the files that are XOS's own core: they declare its base, and the models that services build on.
fn cores(files: &[File<'_>]) -> HashSet<SourceId> {
    let declares = |file: &File<'_>, name: &str| file.messages.iter().any(|message| message.name.text == name);
    let cores =
        files.iter().filter(|file| [XOS_BASE, "Service", "Site", "User"].iter().all(|name| declares(file, name)));
    cores.filter_map(|file| Some(file.messages.first()?.name.span.source)).collect()
}

fn models(declarations: Vec<Declaration<'_>>, flat: Vec<Flat>, sink: &mut Sink) -> Vec<Model> {
    let presences: Vec<_> = declarations.iter().map(|declaration| declaration.presence).collect();
    let owners: Vec<_> =
        declarations.iter().map(|declaration| models::owner_of(&declaration.options).map(str::to_owned)).collect();
    let names: Vec<_> = declarations.iter().map(|declaration| Name::from(declaration.message.name.text)).collect();
    let all = declarations.into_iter().zip(flat);
    all.map(|(declaration, flat)| {
        let presence = models::inherited(&presences, &flat.ancestry);
        let owner = models::inherited_owner(&owners, &flat.ancestry);
        models::model(declaration, flat, presence, owner, &names, sink)
    })
    .collect()
}

/// Returns the trees of all files, with the built-in messages that they use and do not declare, and the names of those
/// of the core that they name.
fn files<'a>(sources: &'a Sources, sink: &mut Sink) -> (Vec<File<'a>>, BTreeSet<String>) {
    let mut files: Vec<_> = sources.iter().skip(1).map(|(id, source)| parse(id, source, sink)).collect();
    let own_base = files.iter().flat_map(|file| &file.messages).any(|message| message.name.text == XOS_BASE);
    let built_in = sources.get(SourceId::BUILT_IN).filter(|_| !own_base);
    if let Some(source) = built_in {
        files.insert(0, parse(SourceId::BUILT_IN, source, sink));
    }
    let named = core::add(&mut files, sources, sink).into_iter().map(str::to_owned).collect();
    (files, named)
}

#[cfg(test)]
mod tests;
