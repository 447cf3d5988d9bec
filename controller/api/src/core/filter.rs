//! Which objects a query is about.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use xos_grpc::client::Kind;
use xos_grpc::messages::xos::{Query, QueryElement};
use xos_model::typed::constant;
use xos_model::{Criterion, Object, Pass, Query as Asked, client};
use xos_xproto::{Member, Model, ModelSet, ScalarType};

use super::query::Condition;
use super::{Core, led_to, links};
use crate::error::ApiError;
use crate::ids::Mark;

/// Stands between the links of a path.
const STEP: &str = "__";

/// A query that fits its model.
pub(super) struct Filter<'a> {
    core: &'a Core,
    models: &'a ModelSet,
    /// What an index answers.
    asked: Asked,
    kind: Kind,
    /// What is looked at in each object.
    rest: Vec<(Path<'a>, Condition)>,
    /// The only object that it can be.
    only: Option<Arc<Object>>,
    is_empty: bool,
}

/// Where a value is: over links, at a member or at one of the fields that all objects have.
struct Path<'a> {
    links: Vec<(&'a str, &'a str)>,
    end: End<'a>,
}

enum End<'a> {
    Id,
    Created,
    Updated,
    Deleted,
    LeafModel,
    IsNull(&'a str),
    Member(&'a Model, &'a str),
}

impl<'a> Filter<'a> {
    /// Reads a query for the objects of a model.
    pub(super) fn read(
        core: &'a Core,
        models: &'a ModelSet,
        model: &'a Model,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let kind = Kind::try_from(query.kind);
        let kind = kind.map_err(|_| ApiError::field("kind", format!("there is no kind of query {}", query.kind)))?;
        let with_deleted = matches!(kind, Kind::SynchronizerDeletedObjects | Kind::SynchronizerDeletedPolicies);
        let asked = Asked { with_deleted, ..Asked::of(&model.name, None) };
        let mut filter = Self { core, models, asked, kind, rest: vec![], only: None, is_empty: false };
        // XOS does not look at conditions here.
        let elements = if kind == Kind::All { &[] } else { query.elements.as_slice() };
        for element in elements {
            filter.add(model, element)?;
        }
        Ok(filter)
    }

    fn add(&mut self, model: &'a Model, element: &QueryElement) -> Result<(), ApiError> {
        let condition = Condition::read(element)?;
        let path = self.path(model, &element.name)?;
        if let (Some(wanted), []) = (condition.equals(), path.links.as_slice()) {
            match path.end {
                End::Id => match self.by_id(model, wanted)? {
                    Some(object) => self.only = Some(object),
                    None => self.is_empty = true,
                },
                End::Member(of, name) => {
                    if let Some(value) = indexed(of, name, wanted) {
                        self.asked.criteria.push(Criterion::equal(name, value));
                    }
                }
                _ => {}
            }
        }
        // A link that has to lead to one object: those that lead there are found by it.
        if let (Some(wanted), [(port, peer)], End::Id) = (condition.equals(), path.links.as_slice(), &path.end) {
            let peer = self.models.get(peer).map(|peer| self.by_id(peer, wanted)).transpose()?.flatten();
            match peer {
                Some(peer) => self.asked.criteria.push(Criterion::equal(port, to(&peer))),
                None => self.is_empty = true,
            }
        }
        self.rest.push((path, condition));
        Ok(())
    }

    fn by_id(&self, class: &Model, wanted: &str) -> Result<Option<Arc<Object>>, ApiError> {
        let Ok(id) = wanted.parse() else { return Ok(None) };
        match self.core.object(self.models, class, id) {
            Err(ApiError::NotFound { .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Reads the name of a condition: `name`, `site_id`, `site`, `site__name`, `site__isnull`.
    fn path(&self, model: &'a Model, name: &str) -> Result<Path<'a>, ApiError> {
        let unknown = || ApiError::field(name, format!("{} has no such field", model.name));
        let mut links = vec![];
        let mut at = model;
        let mut parts = name.split(STEP).peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            let own = match part {
                "id" => Some(End::Id),
                "created" => Some(End::Created),
                "updated" => Some(End::Updated),
                "deleted" => Some(End::Deleted),
                "leaf_model_name" => Some(End::LeafModel),
                _ => None,
            };
            if let Some(end) = own.filter(|_| is_last) {
                return Ok(Path { links, end });
            }
            let plain = part.strip_suffix("_ids").or_else(|| part.strip_suffix("_id")).unwrap_or(part);
            match at.member(part).or_else(|| at.member(plain)).ok_or_else(unknown)? {
                member if parts.peek() == Some(&"isnull") => {
                    return Ok(Path { links, end: End::IsNull(member.name()) });
                }
                Member::Field(field) if is_last && !at.is_secret(&field.name) => {
                    return Ok(Path { links, end: End::Member(at, &field.name) });
                }
                Member::Link(link) => {
                    links.push((link.name.as_str(), link.peer.as_str()));
                    if is_last {
                        return Ok(Path { links, end: End::Id });
                    }
                    at = self.models.get(&link.peer).ok_or_else(unknown)?;
                }
                Member::Field(_) => return Err(unknown()),
            }
        }
        Err(unknown())
    }

    /// Returns the objects.
    pub(super) fn find(&self) -> Result<Vec<Arc<Object>>, ApiError> {
        if self.is_empty {
            return Ok(vec![]);
        }
        let mut found = match (&self.only, mark(self.kind)) {
            (Some(only), _) => vec![Arc::clone(only)],
            (None, Some(mark)) => {
                let marked = self.core.ids.marked(self.models, &self.asked.class, mark).into_iter();
                marked.filter_map(|key| self.core.find(&key).transpose()).collect::<Result<_, _>>()?
            }
            (None, None) => self.core.store.query(&self.asked)?,
        };
        found.retain(|object| {
            of_kind(self.kind, object) && self.rest.iter().all(|(path, of)| of.accepts(&self.values(path, object)))
        });
        Ok(found)
    }

    /// Returns the values at the end of a path; several, if a link on it leads to many.
    fn values(&self, path: &Path<'_>, object: &Arc<Object>) -> Vec<Json> {
        let mut at = vec![Arc::clone(object)];
        for (port, peer) in &path.links {
            at = at.iter().flat_map(|object| self.peers(object, port, peer)).collect();
        }
        at.iter().filter_map(|object| path.end.value(object)).collect()
    }

    fn peers(&self, object: &Object, port: &str, peer: &str) -> Vec<Arc<Object>> {
        let Some(link) = object.fields.get(port) else { return vec![] };
        let found = links(link)
            .iter()
            .filter_map(|link| led_to(self.core.store.as_ref(), self.models, object, peer, link).into_iter().next());
        found.collect()
    }
}

impl End<'_> {
    fn value(&self, object: &Object) -> Option<Json> {
        let time = |time: Option<xos_model::Timestamp>| time.map(|time| json!(time.to_string()));
        match self {
            Self::Id => object.status.id.map(Json::from),
            Self::Created => time(object.meta.created),
            Self::Updated => time(client::updated(object)),
            Self::Deleted => Some(json!(object.meta.deleting.is_some())),
            Self::LeafModel => Some(json!(&*object.meta.model)),
            Self::IsNull(name) => Some(json!(object.fields.get(name).is_none())),
            Self::Member(model, name) => {
                let default = || match model.member(name) {
                    Some(Member::Field(field)) => field.default.as_ref().and_then(constant),
                    _ => None,
                };
                object.fields.get(name).cloned().or_else(default)
            }
        }
    }
}

/// Returns the value by which an index finds objects; none if it would not find those for which nobody has set the
/// field.
fn indexed(model: &Model, name: &str, wanted: &str) -> Option<Json> {
    let Some(Member::Field(field)) = model.member(name) else { return None };
    let value = match field.ty {
        _ if field.content_type == Some(xos_xproto::ContentType::Date) => return None,
        ScalarType::String => json!(wanted),
        ScalarType::Int32 | ScalarType::Uint32 => json!(wanted.parse::<i64>().ok()?),
        _ => return None,
    };
    (field.default.as_ref().and_then(constant).as_ref() != Some(&value)).then_some(value)
}

/// Returns a link to an object.
fn to(object: &Object) -> Json {
    json!({"name": object.meta.name, "namespace": object.meta.namespace, "kind": &*object.model})
}

/// Returns the mark of the objects of a kind.
fn mark(kind: Kind) -> Option<Mark> {
    match kind {
        Kind::Default | Kind::All => None,
        Kind::SynchronizerDirtyObjects => Some(Mark::Sync),
        Kind::SynchronizerDirtyPolicies => Some(Mark::Policy),
        Kind::SynchronizerDeletedObjects | Kind::SynchronizerDeletedPolicies => Some(Mark::Leaving),
    }
}

/// Returns whether an object is of a kind: XOS's conditions of what is due.
pub(super) fn of_kind(kind: Kind, object: &Object) -> bool {
    let flag = |name: &str| object.flag(name);
    let is_live = object.meta.deleting.is_none();
    match kind {
        Kind::Default | Kind::All => is_live,
        Kind::SynchronizerDirtyObjects => {
            is_live && client::is_due(object, Pass::Sync) && !flag("lazy_blocked") && !flag("no_sync")
        }
        Kind::SynchronizerDirtyPolicies => is_live && client::is_due(object, Pass::Policy) && !flag("no_policy"),
        Kind::SynchronizerDeletedObjects => !is_live && !flag("no_sync"),
        Kind::SynchronizerDeletedPolicies => !is_live && client::is_policy_held(object) && !flag("no_policy"),
    }
}
