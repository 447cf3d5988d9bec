//! Pass 5: what the rest of the controller sees of a message.

use super::fields::invalid;
use super::inherit::Flat;
use super::names::Declaration;
use crate::diagnostics::sink::Sink;
use crate::model::{Model, RawOption};
use crate::plural::plural;

/// Puts a model together.
pub(crate) fn model(declaration: Declaration, flat: Flat, sink: &mut Sink) -> Model {
    let Declaration { message, options } = declaration;
    let option = |name: &str| options.iter().find(|option| option.name == name).map(|option| &option.value);
    let text = |name: &str| option(name).filter(|value| !value.is_empty()).cloned();
    let name = message.name.text;
    Model {
        app_label: text("app_label").unwrap_or_default(),
        service_name: text("name"),
        doc: text("description").or(message.doc),
        verbose_name: text("verbose_name").unwrap_or_else(|| words(&name)),
        plural: text("plural").unwrap_or_else(|| plural(&name)),
        is_abstract: is_abstract(&options, sink),
        access_policy: message.policy.map(|policy| policy.text),
        bases: message.bases.into_iter().map(|base| base.text).collect(),
        ancestry: flat.class_names,
        fields: flat.fields,
        options,
        name,
        span: message.name.span,
    }
}

fn is_abstract(options: &[RawOption], sink: &mut Sink) -> bool {
    let Some(option) = options.iter().find(|option| option.name == "abstract") else {
        return false;
    };
    option.as_bool().unwrap_or_else(|| {
        invalid(option, "`True` or `False`", None, sink);
        false
    })
}

/// The words of a CamelCase name in lower case (Django's default for `verbose_name`).
fn words(name: &str) -> String {
    let chars: Vec<_> = name.chars().collect();
    let mut words = String::with_capacity(name.len() + 4);
    for (at, c) in chars.iter().enumerate() {
        let after_lower = at > 0 && chars[at - 1].is_lowercase();
        let before_lower = chars.get(at + 1).is_some_and(|next| !next.is_uppercase());
        if at > 0 && c.is_uppercase() && (after_lower || before_lower) {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_name_is_cut_into_words() {
        for (name, expected) in [
            ("SimpleExampleService", "simple example service"),
            ("ONOSApp", "onos app"),
            ("VLAN", "vlan"),
            ("BNGPortMapping", "bng port mapping"),
            ("vSGService", "v sg service"),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
