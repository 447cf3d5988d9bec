//! Pass 4: the models, as the rest of the controller sees them.

use std::sync::Arc;

use super::fields::invalid;
use super::inherit::Flat;
use super::names::Declaration;
use super::validators;
use crate::diagnostics::sink::Sink;
use crate::limits::MAX_NAMES;
use crate::model::{Field, Link, Member, Model, Name, RawOption};
use crate::plural::plural;

/// Puts a model together; `names` are those of all messages.
pub(crate) fn model(
    declaration: Declaration<'_>,
    flat: Flat,
    presence: Presence,
    owner: Option<String>,
    names: &[Name],
    sink: &mut Sink,
) -> Model {
    let Declaration { message, options, .. } = declaration;
    let option = |name: &str| options.iter().find(|option| option.name == name).map(|option| &option.value);
    let text = |name: &str| option(name).filter(|value| !value.is_empty()).cloned();
    let name = message.name.text;
    let (fields, links) = split(&flat.members);
    Model {
        // XOS takes the name of the service where nothing else is said.
        app_label: text("app_label").or_else(|| text("name")).unwrap_or_default(),
        service_name: text("name"),
        doc: text("description").or(message.doc),
        verbose_name: text("verbose_name").unwrap_or_else(|| words(name)),
        plural: text("plural").unwrap_or_else(|| plural(name)),
        singular: text("singular"),
        is_abstract: flag(&options, "abstract", sink),
        is_referred: false,
        no_sync: presence.no_sync,
        no_policy: presence.no_policy,
        owner_class_name: owner,
        columns: option("columns").map(|names| split_names(names)),
        gui_hidden: flag(&options, "gui_hidden", sink),
        tosca_description: text("tosca_description"),
        access_policy_span: message.policy.as_ref().map(|policy| policy.span),
        access_policy: message.policy.map(|policy| policy.text.to_owned()),
        validators: validators::read(options.iter().find(|option| option.name == "validators"), sink),
        bases: message.bases.into_iter().map(|base| base.text.to_owned()).collect(),
        ancestry: flat.ancestry.iter().map(|&at| names[at].to_string()).collect(),
        lineage: flat.lineage.iter().map(|&at| names[at].clone()).collect(),
        fields,
        links,
        reverse_links: Vec::new(),
        properties: Vec::new(),
        members: flat.members,
        inherited: flat.inherited,
        options,
        name: name.to_owned(),
        span: message.name.span,
    }
}

/// Whether a message, or one that it inherits from, has the options `no_sync` and `no_policy`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Presence {
    no_sync: bool,
    no_policy: bool,
}

impl Presence {
    /// Returns what the message's own options say; file options do not count.
    pub(crate) fn of(own: &[RawOption]) -> Self {
        let has = |name| own.iter().any(|option| option.name == name);
        Self { no_sync: has("no_sync"), no_policy: has("no_policy") }
    }
}

/// Returns what holds for a model with these ancestors.
pub(crate) fn inherited(presences: &[Presence], ancestry: &[usize]) -> Presence {
    let any = |is: fn(&Presence) -> bool| ancestry.iter().filter_map(|&at| presences.get(at)).any(is);
    Presence { no_sync: any(|one| one.no_sync), no_policy: any(|one| one.no_policy) }
}

/// Returns the class of the owner that a message's options name.
pub(crate) fn owner_of(options: &[RawOption]) -> Option<&str> {
    let option = options.iter().find(|option| option.name == "owner_class_name");
    option.map(|option| option.value.as_str()).filter(|class| !class.is_empty())
}

/// Returns the owner's class that a model with these ancestors has: its own, else that of the nearest ancestor.
pub(crate) fn inherited_owner(owners: &[Option<String>], ancestry: &[usize]) -> Option<String> {
    ancestry.iter().find_map(|&at| owners.get(at)?.clone())
}

/// Returns the names of a list with commas between them; what is wrong with them is reported later.
fn split_names(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).take(MAX_NAMES).map(str::to_owned).collect()
}

fn split(members: &[Member]) -> (Vec<Arc<Field>>, Vec<Arc<Link>>) {
    let mut fields = Vec::with_capacity(members.len());
    let mut links = Vec::new();
    for member in members {
        match member {
            Member::Field(field) => fields.push(Arc::clone(field)),
            Member::Link(link) => links.push(Arc::clone(link)),
        }
    }
    (fields, links)
}

fn flag(options: &[RawOption], name: &str, sink: &mut Sink) -> bool {
    let Some(option) = options.iter().find(|option| option.name == name) else {
        return false;
    };
    option.as_bool().unwrap_or_else(|| {
        invalid(option, "`True` or `False`", None, sink);
        false
    })
}

/// Returns the words of a CamelCase name in lower case (Django's default for `verbose_name`).
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
