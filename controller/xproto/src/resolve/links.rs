//! Links: their peers, and the peers' ports.

use std::sync::Arc;

use super::core;
use super::fields::Common;
use super::names::Places;
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, LinkError};
use crate::model::{Link, LinkKind, Literal, Member, Model, Name, RawOption, Reverse, ReverseLink, ValueForm};
use crate::nearest::nearest;
use crate::{rules, tree};

/// Reads a link; one to an unknown peer is reported and kept.
pub(super) fn link(mut written: tree::Link<'_>, model: &Name, places: &Places<'_>, sink: &mut Sink) -> Member {
    rules::words::field_name(&written.name, sink);
    known_peer(&written, places, sink);
    let common = Common::read(std::mem::take(&mut written.options), sink);
    let to_many = matches!(written.kind, LinkKind::ManyToMany | LinkKind::OneToMany);
    let reverse_number = written.reverse_number.as_ref();
    let reverse_number = reverse_number.and_then(|number| rules::links::reverse_number(&written.name, number, sink));
    let link = Link {
        name: written.name.text.to_owned(),
        kind: written.kind,
        required: written.required,
        blank: !written.required,
        null: !written.required && !to_many,
        peer: written.peer.text.to_owned(),
        peer_qualifier: written.qualifier.map(str::to_owned),
        through: written.through.map(|through| through.text.to_owned()),
        reverse: rules::links::reverse(written.port.as_ref(), reverse_number),
        number: rules::fields::number(&written.name, &written.number, sink),
        declared_in: model.clone(),
        state: common.state(),
        default: common.option("default").map(default),
        help_text: common.help_text(written.doc.take()),
        verbose_name: common.text("verbose_name"),
        unique: common.flag("unique"),
        unique_with: common.names("unique_with", written.name.text, sink),
        tosca_key: common.flag("tosca_key"),
        tosca_key_one_of: common.names("tosca_key_one_of", written.name.text, sink),
        db_index: common.flag("db_index"),
        gui_hidden: common.flag("gui_hidden"),
        immutable: common.flag("immutable"),
        policy: written.policy.map(|policy| policy.text.to_owned()),
        options: common.options,
        span: written.name.span,
        peer_span: written.peer.span,
    };
    rules::links::check(&link, &written, sink);
    Member::Link(Arc::new(link))
}

/// Checks `X501`: the peer is in the set.
fn known_peer(written: &tree::Link<'_>, places: &Places<'_>, sink: &mut Sink) {
    let link = written.name.text;
    let peer = written.peer.text;
    if places.contains_key(peer) {
        return;
    }
    let unknown = |suggestion| {
        let unknown = LinkError::UnknownPeer { link: link.to_owned(), peer: peer.to_owned(), suggestion };
        Diagnostic::new(unknown, written.peer.span)
    };
    sink.push_with(|| unknown(nearest(peer, places.keys().copied().chain(core::names()))), || unknown(None));
}

/// Reads the default of a link: nothing, or the name of a function of XOS's core, such as `get_first_site`.
fn default(option: &RawOption) -> Literal {
    let value = option.value.as_str();
    match (option.form, value) {
        (_, "None") => Literal::Null,
        (ValueForm::Number, number) => number.parse().map_or(Literal::Null, Literal::Int),
        _ => Literal::Callable(value.strip_suffix("()").unwrap_or(value).to_owned()),
    }
}

/// Adds the ports that links make to their peers.
pub(super) fn connect(models: &mut [Model], places: &Places<'_>) {
    let mut ports: Vec<Vec<Arc<ReverseLink>>> = vec![Vec::new(); models.len()];
    for model in models.iter() {
        for member in model.own_members() {
            let Member::Link(link) = member else {
                continue;
            };
            if let (Reverse::Port { name, number }, Some(&peer)) = (&link.reverse, places.get(link.peer.as_str())) {
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
