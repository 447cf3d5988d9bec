//! Option `validators`: which policies must hold when an object is saved, and the message if one does not.

use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, PolicyError};
use crate::model::{RawOption, Validator};

/// Splits at commas and then at colons, as XOS 4.0.4 does (xosgenx, `xproto_validations`).
pub(super) fn read(option: Option<&RawOption>, sink: &mut Sink) -> Vec<Validator> {
    let Some(option) = option else {
        return Vec::new();
    };
    let parts = option.value.split(',').map(str::trim);
    parts.filter_map(|part| validator(part, option, sink)).collect()
}

fn validator(part: &str, option: &RawOption, sink: &mut Sink) -> Option<Validator> {
    let mut words = part.split(':').map(str::trim);
    let named = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match (words.next().filter(named), words.next(), words.next()) {
        (Some(policy), Some(message), None) => {
            Some(Validator { policy: policy.to_owned(), message: message.to_owned(), span: option.value_span })
        }
        _ => {
            let text = part.chars().take(60).collect();
            sink.push(Diagnostic::new(PolicyError::MalformedValidator { text }, option.value_span));
            None
        }
    }
}
