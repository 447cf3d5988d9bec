//! Pass 1: the messages of the set by name, with the options that hold for each.

use std::collections::{BTreeMap, HashMap};

use super::options;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, ModelError};
use crate::limits::MAX_MESSAGES;
use crate::model::RawOption;
use crate::rules;
use crate::rules::words::is_reserved;
use crate::source::Span;
use crate::tree::{File, Message};

/// A message that has its name for itself.
#[derive(Debug)]
pub(crate) struct Declaration {
    pub(crate) message: Message,
    /// The message's own options, then those of its file that it does not set itself.
    pub(crate) options: Vec<RawOption>,
}

/// The messages in the order of their declaration; of two with one name only the first.
pub(crate) fn collect(files: Vec<File>, sink: &mut Sink) -> Vec<Declaration> {
    let mut names: HashMap<String, Span> = HashMap::new();
    let mut declarations = Vec::new();
    let mut earlier = BTreeMap::new();
    for file in files {
        let inherited = options::of_file(&file, sink);
        options::leaking(&file, &inherited, &mut earlier, sink);
        rules::options::of_model(&inherited, sink);
        for message in file.messages {
            check_word(&message, sink);
            let own = options::first_of_each(&message.options, sink);
            rules::options::of_model(&own, sink);
            rules::options::presence(&own, sink);
            if !is_new(&message, &mut names, sink) {
                continue;
            }
            if declarations.len() == MAX_MESSAGES {
                sink.push(Diagnostic::new(ModelError::TooManyMessages, message.name.span));
                return declarations;
            }
            let options = options::with_inherited(own, &inherited);
            declarations.push(Declaration { message, options });
        }
    }
    declarations
}

/// The place of each message in the list, by its name.
pub(crate) fn places(declarations: &[Declaration]) -> HashMap<String, usize> {
    declarations.iter().enumerate().map(|(at, declaration)| (declaration.message.name.text.clone(), at)).collect()
}

fn is_new(message: &Message, names: &mut HashMap<String, Span>, sink: &mut Sink) -> bool {
    let name = &message.name;
    let Some(first) = names.get(&name.text) else {
        names.insert(name.text.clone(), name.span);
        return true;
    };
    let twice = ModelError::DuplicateMessage { name: name.text.clone() };
    sink.push(Diagnostic::new(twice, name.span).with(*first, "first declared here"));
    false
}

fn check_word(message: &Message, sink: &mut Sink) {
    if is_reserved(&message.name.text) {
        let name = message.name.text.clone();
        sink.push(Diagnostic::new(ModelError::ReservedMessageName { name }, message.name.span));
    }
}
