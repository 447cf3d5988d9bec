//! Rules on links: on each one, and on all that lead to the same model.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::options::{self, Owner};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{Diagnostic, LinkError, ModelError, Unsupported};
use crate::limits::MAX_INHERITED;
use crate::model::{Link, LinkKind, Member, Model, ModelSet, Reverse, ReverseLink};
use crate::source::Span;
use crate::tree::{self, Name};

/// The numbers that the port of a peer can have (XOS 4.0.4, xosgenx).
pub(crate) const REVERSE_NUMBERS: RangeInclusive<u32> = 1000..=1899;

/// Checks a single link.
pub(crate) fn check(link: &Link, written: &tree::Link<'_>, sink: &mut Sink) {
    let owner = Owner {
        name: &link.name,
        span: link.span,
        options: &link.options,
        required: link.required,
        blank: link.blank,
        null: link.null,
        ty: None,
    };
    options::check(&owner, sink);
    member_policy(written.policy.as_ref(), sink);
    one_to_many(link, written, sink);
    qualified(link, sink);
    number_without_port(link, written, sink);
    super::fields::name_in_status(&link.name, link.state, link.span, sink);
    through(link, written, sink);
}

/// Checks `X113`: a policy on a field or link has no effect.
pub(crate) fn member_policy(policy: Option<&Name<'_>>, sink: &mut Sink) {
    if let Some(policy) = policy {
        sink.push(Diagnostic::new(Unsupported::FieldPolicy, policy.span));
    }
}

/// Checks `X507`: XOS's grammar has no `onetomany`.
fn one_to_many(link: &Link, written: &tree::Link<'_>, sink: &mut Sink) {
    if link.kind == LinkKind::OneToMany {
        sink.push(Diagnostic::new(LinkError::OneToMany { link: link.name.clone() }, written.kind_span));
    }
}

/// Checks `X508`: packages have no effect.
fn qualified(link: &Link, sink: &mut Sink) {
    if let Some(package) = &link.peer_qualifier {
        let qualified = LinkError::Qualified { link: link.name.clone(), package: package.clone() };
        sink.push(Diagnostic::new(qualified, link.peer_span));
    }
}

/// Checks `X509`: a number is that of a port.
fn number_without_port(link: &Link, written: &tree::Link<'_>, sink: &mut Sink) {
    if let Some(number) = written.reverse_number.as_ref().filter(|_| link.reverse.port().is_none()) {
        sink.push(Diagnostic::new(LinkError::NumberWithoutPort { link: link.name.clone() }, number.span));
    }
}

/// Checks `X510`: only pairs are held by a model.
fn through(link: &Link, written: &tree::Link<'_>, sink: &mut Sink) {
    if let Some(through) = written.through.as_ref().filter(|_| link.kind != LinkKind::ManyToMany) {
        let without = LinkError::ThroughWithoutPairs { link: link.name.clone(), through: through.text.to_owned() };
        sink.push(Diagnostic::new(without, through.span));
    }
}

/// Checks `X504`: the number of the peer's port; none for one that cannot be.
pub(crate) fn reverse_number(link: &Name<'_>, written: &Name<'_>, sink: &mut Sink) -> Option<u32> {
    let number = written.text.parse().ok().filter(|number| REVERSE_NUMBERS.contains(number));
    if number.is_none() && super::fields::is_number(written) {
        let number = written.text.chars().take(40).collect();
        let range = LinkError::ReverseNumberOutOfRange { link: link.text.to_owned(), number };
        sink.push(Diagnostic::new(range, written.span));
    }
    number
}

/// Checks what links make of the models that they lead to.
pub(crate) fn check_models(models: &ModelSet, sink: &mut Sink) {
    let mut all = 0;
    let mut entries = Vec::new();
    for model in models {
        reverse_numbers(model, sink);
        if all <= MAX_INHERITED {
            all += model.members.len() + models.reverse_links(model).take(MAX_INHERITED).count();
            if all > MAX_INHERITED {
                sink.push(Diagnostic::new(ModelError::TooManyInherited, model.span));
                continue;
            }
            api_names(models, model, &mut entries, sink);
        }
    }
}

/// Checks `X505`: no two ports of a model have one number.
fn reverse_numbers(model: &Model, sink: &mut Sink) {
    let mut numbered: Vec<_> =
        model.reverse_links.iter().filter_map(|port| port.number.map(|number| (number, port))).collect();
    // Ports with the same number stay in their order.
    numbered.sort_by_key(|(number, _)| *number);
    let free =
        || REVERSE_NUMBERS.skip(1).find(|free| numbered.binary_search_by_key(free, |(number, _)| *number).is_err());
    for ports in numbered.chunk_by(|(one, _), (other, _)| one == other) {
        let [(number, first), others @ ..] = ports else {
            continue;
        };
        for (_, port) in others {
            let duplicate = LinkError::DuplicateReverseNumber {
                port: port.name.clone(),
                other: first.name.clone(),
                peer: model.name.clone(),
                number: *number,
                free: free(),
            };
            sink.push(Diagnostic::new(duplicate, port.link.span).with(first.link.span, "the number is used here"));
        }
    }
}

/// What has a name in XOS's API.
#[derive(Clone, Copy)]
enum Entry<'a> {
    Member(&'a Member),
    Port(&'a ReverseLink),
}

/// A name in XOS's API in two parts: only the suffixes of fields have to be looked for.
type ApiName<'a> = (&'a str, &'static str);

impl<'a> Entry<'a> {
    fn api_name(self) -> ApiName<'a> {
        match self {
            Self::Member(Member::Link(link)) => (&link.name, if link.is_to_many() { "_ids" } else { "_id" }),
            Self::Port(port) => (&port.name, "_ids"),
            Self::Member(Member::Field(field)) => {
                let name = field.name.as_str();
                let cut = |suffix| name.strip_suffix(suffix).map(|stem| (stem, suffix));
                cut("_ids").or_else(|| cut("_id")).unwrap_or((name, ""))
            }
        }
    }

    fn span(self) -> Span {
        match self {
            Self::Member(member) => member.span(),
            Self::Port(port) => port.link.span,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Member(Member::Field(field)) => format!("field `{}`", field.name),
            Self::Member(Member::Link(link)) => format!("link `{}`", link.name),
            Self::Port(port) => format!("port `{}`", port.name),
        }
    }
}

/// Checks `X506`, `X511`: no two members and ports of a model have one name in XOS's API.
fn api_names<'a>(models: &'a ModelSet, model: &'a Model, entries: &mut Vec<(ApiName<'a>, Entry<'a>)>, sink: &mut Sink) {
    let is_own = |entry: Entry<'_>| match entry {
        Entry::Member(member) => member.declared_in() == model.name,
        Entry::Port(port) => port.declared_in == model.name,
    };
    entries.clear();
    let members = model.members().map(Entry::Member);
    let ports = models.reverse_links(model).map(|port| Entry::Port(Arc::as_ref(port)));
    entries.extend(members.chain(ports).map(|entry| (entry.api_name(), entry)));
    // Entries with the same name stay in their order.
    entries.sort_by_key(|(name, _)| *name);
    for pair in entries.windows(2) {
        let &[(name, first), (next, entry)] = pair else {
            continue;
        };
        if name != next {
            continue;
        }
        // Duplicates in a base are reported with the base, two members of the same name by another rule.
        let same_members =
            matches!((first, entry), (Entry::Member(one), Entry::Member(two)) if one.name() == two.name());
        if (is_own(first) || is_own(entry)) && !same_members {
            report(model, first, entry, sink);
        }
    }
}

fn report(model: &Model, first: Entry<'_>, second: Entry<'_>, sink: &mut Sink) {
    let kind = match (first, second) {
        (Entry::Port(one), Entry::Port(two)) => LinkError::DuplicateReversePort {
            port: two.name.clone(),
            peer: model.name.clone(),
            first: source(one),
            second: source(two),
        },
        _ => {
            let (stem, suffix) = second.api_name();
            let api = format!("{stem}{suffix}");
            LinkError::ApiNameTaken { model: model.name.clone(), first: first.shown(), second: second.shown(), api }
        }
    };
    sink.push(Diagnostic::new(kind, second.span()).with(first.span(), "the other one"));
}

fn source(port: &ReverseLink) -> String {
    format!("{}.{}", port.model, port.link.name)
}

/// Returns the meaning of a port as written.
pub(crate) fn reverse(port: Option<&Name<'_>>, number: Option<u32>) -> Reverse {
    match port {
        None => Reverse::LeftOut,
        Some(port) if port.text.contains('+') => Reverse::Suppressed(port.text.to_owned()),
        Some(port) => Reverse::Port { name: port.text.to_owned(), number },
    }
}
