//! Links: their peers, and what the peers have of them.

use std::collections::HashMap;
use std::sync::Arc;

use super::fields::Common;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, LinkError, nearest};
use crate::model::{Link, LinkKind, Literal, Member, Model, RawOption, Reverse, ReverseLink, ValueForm};
use crate::{rules, tree};

/// Reads a link; one to an unknown peer is reported and kept.
pub(super) fn link(
    written: &tree::Link,
    model: &str,
    places: &HashMap<String, usize>,
    sink: &mut Sink,
) -> Option<Member> {
    rules::words::field_name(&written.name, sink);
    known_peer(written, places, sink);
    let common = Common::read(&written.options, sink);
    let to_many = matches!(written.kind, LinkKind::ManyToMany | LinkKind::OneToMany);
    let reverse_number = written.reverse_number.as_ref();
    let reverse_number = reverse_number.and_then(|number| rules::links::reverse_number(&written.name, number, sink));
    let link = Link {
        name: written.name.text.clone(),
        kind: written.kind,
        required: written.required,
        blank: !written.required,
        null: !written.required && !to_many,
        peer: written.peer.text.clone(),
        peer_qualifier: written.qualifier.clone(),
        through: written.through.as_ref().map(|through| through.text.clone()),
        reverse: rules::links::reverse(written.port.as_ref(), reverse_number),
        number: rules::fields::number(&written.name, &written.number, sink),
        declared_in: model.to_owned(),
        state: common.state(),
        default: common.option("default").map(default),
        help_text: common.help_text(written.doc.as_ref()),
        verbose_name: common.text("verbose_name"),
        unique: common.flag("unique"),
        unique_with: common.names("unique_with"),
        tosca_key: common.flag("tosca_key"),
        tosca_key_one_of: common.names("tosca_key_one_of"),
        db_index: common.flag("db_index"),
        gui_hidden: common.flag("gui_hidden"),
        immutable: common.flag("immutable"),
        policy: written.policy.as_ref().map(|policy| policy.text.clone()),
        options: common.options,
        span: written.name.span,
        peer_span: written.peer.span,
    };
    rules::links::check(&link, written, sink);
    Some(Member::Link(Arc::new(link)))
}

/// `X501`: the peer is in the set.
fn known_peer(written: &tree::Link, places: &HashMap<String, usize>, sink: &mut Sink) {
    let (link, peer) = (&written.name.text, &written.peer.text);
    if places.contains_key(peer) {
        return;
    }
    let unknown = |suggestion| {
        let unknown = LinkError::UnknownPeer { link: link.clone(), peer: peer.clone(), suggestion };
        Diagnostic::new(unknown, written.peer.span)
    };
    sink.push_with(|| unknown(nearest(peer, places.keys().map(String::as_str))), || unknown(None));
}

/// A default leads to nothing, or to what a function of XOS's core gives, such as `get_first_site`.
fn default(option: &RawOption) -> Literal {
    let value = option.value.as_str();
    match (option.form, value) {
        (_, "None") => Literal::Null,
        (ValueForm::Number, number) => number.parse().map_or(Literal::Null, Literal::Int),
        _ => Literal::Callable(value.strip_suffix("()").unwrap_or(value).to_owned()),
    }
}

/// Gives every peer the ports that links make there.
pub(super) fn connect(models: &mut [Model], places: &HashMap<String, usize>) {
    let mut ports: Vec<Vec<Arc<ReverseLink>>> = vec![Vec::new(); models.len()];
    for model in models.iter() {
        for member in model.members.iter().filter(|member| member.declared_in() == model.name) {
            let Member::Link(link) = member else {
                continue;
            };
            if let (Reverse::Port { name, number }, Some(&peer)) = (&link.reverse, places.get(&link.peer)) {
                ports[peer].push(Arc::new(ReverseLink {
                    name: name.clone(),
                    number: *number,
                    declared_in: link.peer.clone(),
                    model: model.name.clone(),
                    link: Arc::clone(link),
                }));
            }
        }
    }
    for (model, ports) in models.iter_mut().zip(ports) {
        model.reverse_links = ports;
    }
}
