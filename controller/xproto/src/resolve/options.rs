//! Which options hold.

use std::collections::HashMap;

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::RawOption;
use crate::tree::File;

/// The options without those given twice; the first one is used, as in XOS 4.0.4.
pub(crate) fn first_of_each(options: &[RawOption], sink: &mut Sink) -> Vec<RawOption> {
    let mut seen: HashMap<&str, &RawOption> = HashMap::new();
    let mut kept = Vec::new();
    for option in options {
        if let Some(first) = seen.get(option.name.as_str()) {
            let twice = OptionError::Duplicate { name: option.name.clone() };
            sink.push(Diagnostic::new(twice, option.span).with(first.span, "this one is used"));
        } else {
            seen.insert(&option.name, option);
            kept.push(option.clone());
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

/// A message's own options and then those of its file that it does not set itself.
pub(crate) fn with_inherited(own: Vec<RawOption>, file: &[RawOption]) -> Vec<RawOption> {
    let inherited: Vec<_> =
        file.iter().filter(|option| !own.iter().any(|mine| mine.name == option.name)).cloned().collect();
    own.into_iter().chain(inherited).collect()
}
