//! Which options hold.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::RawOption;
use crate::source::{SourceId, Span};
use crate::tree::File;

/// The options without those given twice; the first one is used, as in XOS 4.0.4.
pub(crate) fn first_of_each(options: &[RawOption], sink: &mut Sink) -> Vec<RawOption> {
    // A few are compared faster than they are hashed, and real lists are short.
    const FEW: usize = 16;
    let index: Option<HashMap<&str, &RawOption>> =
        (options.len() > FEW).then(|| options.iter().rev().map(|option| (option.name.as_str(), option)).collect());
    let first = |name: &str| match &index {
        Some(index) => index.get(name).copied(),
        None => options.iter().find(|option| option.name == name),
    };
    let mut kept = Vec::with_capacity(options.len());
    for option in options {
        match first(&option.name).filter(|first| first.span != option.span) {
            Some(first) => {
                let twice = OptionError::Duplicate { name: option.name.clone() };
                sink.push(Diagnostic::new(twice, option.span).with(first.span, "this one is used"));
            }
            None => kept.push(option.clone()),
        }
    }
    kept
}

/// The options that every message of a file inherits.
pub(crate) fn of_file(file: &File, sink: &mut Sink) -> Vec<RawOption> {
    let options = first_of_each(&file.options, sink);
    let first_message = file.messages.first().map(|message| message.name.span);
    for option in &options {
        if first_message.is_some_and(|message| message.start < option.span.start) {
            let below = OptionError::FileOptionBelow { name: option.name.clone() };
            sink.push(Diagnostic::new(below, option.span));
        }
    }
    options
}

/// `X422`: an option of an earlier file, which XOS 4.0.4 would take for one of this file.
pub(crate) fn leaking(file: &File, options: &[RawOption], earlier: &mut BTreeMap<String, Span>, sink: &mut Sink) {
    // The built-in file is no file of the set.
    let Some(first) = file.messages.first().filter(|first| first.name.span.source != SourceId::BUILT_IN) else {
        return;
    };
    let sets = |name: &str| options.iter().chain(&first.options).any(|option| option.name == name);
    // A group that is missing is an error already.
    for (name, span) in earlier.iter().filter(|(name, _)| *name != "app_label" && !sets(name)) {
        let leaking = OptionError::LeakingFileOption { name: name.clone() };
        sink.push(Diagnostic::new(leaking, first.name.span).with(*span, "set here"));
    }
    for option in options {
        earlier.entry(option.name.clone()).or_insert(option.span);
    }
}

/// A message's own options and then those of its file that it does not set itself.
pub(crate) fn with_inherited(own: Vec<RawOption>, file: &[RawOption]) -> Vec<RawOption> {
    let inherited: Vec<_> =
        file.iter().filter(|option| !own.iter().any(|mine| mine.name == option.name)).cloned().collect();
    own.into_iter().chain(inherited).collect()
}
