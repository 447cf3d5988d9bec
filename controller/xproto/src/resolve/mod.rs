//! From the trees of a set of files to its models, in passes over the whole set.

mod bases;
mod defaults;
mod fields;
mod inherit;
pub(crate) mod limits;
mod models;
mod names;
mod options;

pub(crate) use fields::invalid;
pub(crate) use names::Declaration;

use crate::diagnostics::sink::Sink;
use crate::model::{Compiled, ModelSet};
use crate::parse::parse;
use crate::rules;
use crate::source::{SourceId, Sources};
use crate::tree::File;

/// Compiles a set of files.
///
/// It reports everything that it finds in one go. The models hold what could be resolved, also when there are errors.
#[must_use]
pub fn compile(sources: &Sources) -> Compiled {
    let mut sink = Sink::default();
    let files = files(sources, &mut sink);
    // 1. Names: which message is meant by a name, and which options it inherits from its file.
    let declarations = names::collect(files, &mut sink);
    // 2. Bases: who inherits from whom, and the order in which bases come before their heirs.
    let graph = bases::link(&declarations, &mut sink);
    // 3. Fields: what each message declares itself.
    let own: Vec<_> = declarations.iter().map(|declaration| fields::own(declaration, &mut sink)).collect();
    // 4. Inheritance: all fields and ancestors of each model.
    let flat = inherit::flatten(&declarations, &graph, own, &mut sink);
    // 5. Models, and the rules on them.
    let models: Vec<_> = declarations
        .into_iter()
        .zip(flat)
        .map(|(declaration, flat)| models::model(declaration, flat, &mut sink))
        .collect();
    rules::models::check(&models, &mut sink);
    Compiled { models: ModelSet::new(models), diagnostics: sink.finish() }
}

/// The trees of all files; the built-in one only if no other declares its message.
fn files(sources: &Sources, sink: &mut Sink) -> Vec<File> {
    let mut files: Vec<_> = sources.iter().skip(1).map(|(id, source)| parse(id, source, sink)).collect();
    let own_base = files.iter().flat_map(|file| &file.messages).any(|message| message.name.text == "XOSBase");
    let built_in = sources.get(SourceId::BUILT_IN).filter(|_| !own_base);
    if let Some(source) = built_in {
        files.insert(0, parse(SourceId::BUILT_IN, source, sink));
    }
    files
}

#[cfg(test)]
mod tests;
