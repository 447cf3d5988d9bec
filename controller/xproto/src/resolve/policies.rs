//! The policies of the set by name.

use std::collections::{HashMap, HashSet};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError};
use crate::model::Policy;
use crate::tree::File;

/// The policies of a set.
#[derive(Debug, Default)]
pub(super) struct Policies {
    /// Those that could be read, in the order of their declaration; of two with one name only the first.
    pub(super) known: Vec<Policy>,
    /// The names of those that could not be read.
    pub(super) broken: HashSet<String>,
}

/// Takes the policies out of the files.
pub(super) fn collect(files: &mut [File<'_>], sink: &mut Sink) -> Policies {
    let mut policies = Policies::default();
    let mut names = HashMap::new();
    for policy in files.iter_mut().flat_map(|file| file.policies.drain(..)) {
        let name = policy.name;
        if let Some(&first) = names.get(name.text) {
            let twice = PolicyError::DuplicatePolicy { name: name.text.to_owned() };
            sink.push(Diagnostic::new(twice, name.span).with(first, "first declared here"));
            continue;
        }
        names.insert(name.text, name.span);
        match policy.expr {
            Some(expr) => {
                policies.known.push(Policy { name: name.text.to_owned(), doc: policy.doc, expr, span: name.span });
            }
            None => {
                policies.broken.insert(name.text.to_owned());
            }
        }
    }
    policies
}
