//! The options that apply to each message.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, OptionError};
use crate::model::RawOption;
use crate::source::Span;
use crate::tree::{File, Message};

/// Returns the options without those given twice; the first one is used, as in XOS 4.0.4.
pub(crate) fn first_of_each(mut options: Vec<RawOption>, sink: &mut Sink) -> Vec<RawOption> {
    let repeated = repeated(&options);
    options.retain(|option| {
        let first = repeated.get(&option.span);
        if let Some(first) = first {
            let twice = OptionError::Duplicate { name: option.name.to_string() };
            sink.push(Diagnostic::new(twice, option.span).with(*first, "this one is used"));
        }
        first.is_none()
    });
    options
}

/// Returns the options that repeat an earlier one of the same name, each with the first one.
fn repeated(options: &[RawOption]) -> BTreeMap<Span, Span> {
    // A few are compared faster than they are hashed, and real lists are short.
    const FEW: usize = 16;
    let index: Option<HashMap<&str, &RawOption>> =
        (options.len() > FEW).then(|| options.iter().rev().map(|option| (option.name.as_ref(), option)).collect());
    let first = |name: &str| match &index {
        Some(index) => index.get(name).copied(),
        None => options.iter().find(|option| option.name == name),
    };
    let repeats = |option: &RawOption| first(&option.name).filter(|first| first.span != option.span);
    options.iter().filter_map(|option| repeats(option).map(|first| (option.span, first.span))).collect()
}

/// Returns the options that every message of a file inherits.
pub(crate) fn of_file(file: &mut File<'_>, sink: &mut Sink) -> Vec<RawOption> {
    let options = first_of_each(std::mem::take(&mut file.options), sink);
    let first_message = file.messages.first().map(|message| message.name.span);
    for option in &options {
        if first_message.is_some_and(|message| message.start < option.span.start) {
            let below = OptionError::FileOptionBelow { name: option.name.to_string() };
            sink.push(Diagnostic::new(below, option.span));
        }
    }
    options
}

/// Checks `X422`: an option of an earlier file, which XOS 4.0.4 would take for one of the messages here that do not set
/// it. The value is that of the last file that sets it; seen in the API that the original makes.
pub(crate) fn leaking(file: &File<'_>, options: &[RawOption], earlier: &mut BTreeMap<String, Span>, sink: &mut Sink) {
    // The built-in files do not count as files of the set.
    if file.messages.iter().any(|message| message.name.span.source.is_built_in()) {
        return;
    }
    let is = |name: &str, option: &RawOption| option.name == name;
    let in_file = |name: &str| options.iter().any(|option| is(name, option));
    // A group that is missing is an error already.
    for (name, span) in earlier.iter().filter(|(name, _)| *name != "app_label" && !in_file(name)) {
        let unset = |message: &&Message<'_>| !message.options.iter().any(|option| is(name, option));
        if let Some(message) = file.messages.iter().find(unset) {
            let leaking = OptionError::LeakingFileOption { name: name.clone(), message: message.name.text.to_owned() };
            sink.push(Diagnostic::new(leaking, message.name.span).with(*span, "set here"));
        }
    }
    for option in options {
        earlier.insert(option.name.to_string(), option.span);
    }
}

/// Returns a message's own options and then those of its file that it does not set itself.
pub(crate) fn with_inherited(mut own: Vec<RawOption>, file: &[RawOption]) -> Vec<RawOption> {
    let mine = own.len();
    own.reserve_exact(file.len());
    for option in file {
        if !own[..mine].iter().any(|own| own.name == option.name) {
            own.push(option.clone());
        }
    }
    own
}
