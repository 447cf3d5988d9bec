//! Pass 1: the messages of the set by name, with the options that hold for each.

use std::collections::{BTreeMap, HashMap};

use super::models::Presence;
use super::options;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, ModelError};
use crate::limits::MAX_MESSAGES;
use crate::model::RawOption;
use crate::rules;
use crate::rules::words::is_reserved;
use crate::tree::{File, Message};

/// A message with a unique name.
#[derive(Debug)]
pub(crate) struct Declaration<'a> {
    pub(crate) message: Message<'a>,
    /// The message's own options, then those of its file that it does not set itself.
    pub(crate) options: Vec<RawOption>,
    /// Which of the options that count by their presence the message has.
    pub(crate) presence: Presence,
}

/// The place of each message in the list of declarations, by its name.
pub(crate) type Places<'a> = HashMap<&'a str, usize>;

/// Returns the messages in the order of their declaration; of two with one name only the first.
pub(crate) fn collect<'a>(files: Vec<File<'a>>, sink: &mut Sink) -> (Vec<Declaration<'a>>, Places<'a>) {
    let messages = files.iter().map(|file| file.messages.len()).sum::<usize>().min(MAX_MESSAGES);
    let mut places = HashMap::with_capacity(messages);
    let mut declarations = Vec::with_capacity(messages);
    let mut earlier = BTreeMap::new();
    for mut file in files {
        let inherited = options::of_file(&mut file, sink);
        options::leaking(&file, &inherited, &mut earlier, sink);
        rules::options::of_model(&inherited, sink);
        for mut message in file.messages {
            check_word(&message, sink);
            let own = options::first_of_each(std::mem::take(&mut message.options), sink);
            rules::options::of_model(&own, sink);
            rules::options::presence(&own, sink);
            if !is_new(&message, &declarations, &places, sink) {
                continue;
            }
            if declarations.len() == MAX_MESSAGES {
                sink.push(Diagnostic::new(ModelError::TooManyMessages, message.name.span));
                return (declarations, places);
            }
            places.insert(message.name.text, declarations.len());
            let presence = Presence::of(&own);
            let options = options::with_inherited(own, &inherited);
            declarations.push(Declaration { message, options, presence });
        }
    }
    (declarations, places)
}

fn is_new(message: &Message<'_>, known: &[Declaration<'_>], places: &Places<'_>, sink: &mut Sink) -> bool {
    let name = &message.name;
    let Some(first) = places.get(name.text).and_then(|&place| known.get(place)) else {
        return true;
    };
    let twice = ModelError::DuplicateMessage { name: name.text.to_owned() };
    sink.push(Diagnostic::new(twice, name.span).with(first.message.name.span, "first declared here"));
    false
}

fn check_word(message: &Message<'_>, sink: &mut Sink) {
    if is_reserved(message.name.text) {
        let name = message.name.text.to_owned();
        sink.push(Diagnostic::new(ModelError::ReservedMessageName { name }, message.name.span));
    }
}
