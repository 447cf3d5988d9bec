//! Applies objects of Kubernetes, and removes those that belong to an object of ours and are not wanted any more.

use std::sync::Arc;

use kube::Client;
use kube::api::{Patch, PatchParams};
use serde_json::{Map, Value as Json};
use xos_expressions::{EvaluationError, Values};
use xos_model::Object;
use xos_steps::{StepContext, StepError};

use super::api::{KubernetesError, api, failed, get, json, version_of};
use super::owned::{Owned, all_of, annotation, listed, owner_of};
use super::watch::Looking;
use super::{KubernetesDocument, Owner, Readiness, Watched, id, waits_for, watched};
use crate::compile::CompiledObject;
use crate::run::is_met;

/// The longest name of a field manager.
const LONGEST: usize = 128;

/// What was applied.
pub(super) struct Applied {
    /// The names that expressions may use then: `applied` is one of them.
    pub(super) values: Values,
    /// What is not ready: failures first.
    pub(super) pending: Vec<StepError>,
}

/// An object that is wanted.
struct Wanted<'d> {
    template: &'d CompiledObject,
    owned: Owned,
    /// What expressions may use, with the item of the list.
    values: Values,
}

impl KubernetesDocument {
    pub(super) async fn apply(
        &self,
        ctx: &StepContext,
        object: &Object,
        values: Values,
        looking: &mut Looking,
    ) -> Result<Applied, StepError> {
        let client = ctx.kube()?;
        let owner = Owner::of(ctx, &ctx.shared_store().models(), object);
        let wanted = self.wanted(object, &values)?;
        let before = all_of(object, ctx.synchronizer());
        let unwanted: Vec<_> =
            before.iter().filter(|owned| !wanted.iter().any(|one| one.owned.is(owned))).cloned().collect();
        let mut all = unwanted.clone();
        for one in &wanted {
            if !before.iter().any(|owned| owned.is(&one.owned)) && !one.template.adopt {
                is_free(client, &one.owned, &owner).await?;
            }
            all.push(one.owned.clone());
        }
        let noted = listed(&all);
        if noted != listed(&before) {
            note(ctx, object, noted.clone()).await?;
        }
        let (applied, mut pending) = self.apply_all(ctx, &wanted, (&owner, looking)).await?;
        if !unwanted.is_empty() {
            let left = super::remove::remove(ctx, &owner, unwanted, looking).await?;
            let first = left.first().map(Owned::called);
            all.retain(|owned| wanted.iter().any(|one| one.owned.is(owned)) || left.iter().any(|one| one.is(owned)));
            let now = listed(&all);
            if now != noted {
                note(ctx, object, now).await?;
            }
            pending.extend(first.map(|what| StepError::awaits(format!("waits until {what} is gone"))));
        }
        // A failure is told before what is only not ready yet.
        pending.sort_by_key(|error| !matches!(error, StepError::Failed(_)));
        Ok(Applied { values: values.with("applied", &Json::Object(applied)), pending })
    }

    /// Returns the objects that are wanted, in order.
    fn wanted<'d>(&'d self, object: &Object, values: &Values) -> Result<Vec<Wanted<'d>>, StepError> {
        let mut all: Vec<Wanted<'d>> = vec![];
        for template in &self.objects {
            for values in template.items(values)? {
                if !is_met(template.when.as_ref(), &values)? {
                    continue;
                }
                let kind = &template.source.kind;
                let namespace = match &template.source.namespace {
                    _ if !kind.is_namespaced => String::new(),
                    Some(namespace) => namespace.text(&values)?,
                    None => object.meta.namespace.clone(),
                };
                let owned = Owned { kind: (**kind).clone(), namespace, name: template.name.text(&values)? };
                if let Some(other) = all.iter().find(|other| other.owned.is(&owned)) {
                    let (first, second) = (other.template.id.clone(), template.id.clone());
                    return Err(KubernetesError::Twice { what: owned.called(), first, second }.into());
                }
                all.push(Wanted { template, owned, values });
            }
        }
        Ok(all)
    }

    /// Applies the objects in order. Returns them by their ids, and what is not ready.
    async fn apply_all(
        &self,
        ctx: &StepContext,
        wanted: &[Wanted<'_>],
        (owner, looking): (&Owner, &mut Looking),
    ) -> Result<(Map<String, Json>, Vec<StepError>), StepError> {
        let empty = |template: &CompiledObject| if template.each.is_some() { Json::Array(vec![]) } else { Json::Null };
        let mut applied: Map<_, _> =
            self.objects.iter().map(|template| (template.id.clone(), empty(template))).collect();
        let mut pending = vec![];
        for one in wanted {
            let values = one.values.clone().with("applied", &Json::Object(applied.clone()));
            let body = match one.body(owner, &values) {
                Ok(body) => body,
                // What it needs of an earlier one may come with that one's status.
                Err(error) => match pending.into_iter().next() {
                    Some(first) => return Err(first),
                    None => return Err(error.into()),
                },
            };
            let is = one.apply(ctx, &body).await?;
            let namespace = &one.owned.namespace;
            let shown = watched(ctx, &one.template.source, namespace);
            let shown = Watched { labels: Some(Owner::selector(ctx)), ..shown };
            looking.saw(shown, id(&one.owned.kind, namespace, &one.owned.name), version_of(&is));
            let what = || one.owned.called();
            match one.readiness(&is, &one.values) {
                Ok(Readiness::Ready) => {}
                Ok(readiness) => pending.extend(waits_for(&what(), readiness)),
                Err(error) => pending.push(StepError::awaits(format!("waits for {}: {error}", what()))),
            }
            let is = with_status(is);
            match applied.get_mut(&one.template.id) {
                Some(Json::Array(all)) => all.push(is),
                Some(known) => *known = is,
                None => {}
            }
        }
        Ok((applied, pending))
    }
}

impl CompiledObject {
    /// Returns what expressions may use, for each item of the list.
    fn items(&self, values: &Values) -> Result<Vec<Values>, EvaluationError> {
        match &self.each {
            None => Ok(vec![values.clone()]),
            Some((list, name)) => list.expression().map_or(Ok(vec![]), |list| list.each(values, name)),
        }
    }
}

impl Wanted<'_> {
    fn body(&self, owner: &Owner, values: &Values) -> Result<Json, EvaluationError> {
        let mut body = without_nulls(self.template.object.value(values)?);
        owner.mark(&mut body, &self.owned);
        Ok(body)
    }

    async fn apply(&self, ctx: &StepContext, body: &Json) -> Result<Json, StepError> {
        let Owned { kind, namespace, name } = &self.owned;
        let manager = format!("xos/{}/{}", ctx.synchronizer(), ctx.step());
        let manager: String = manager.chars().take(LONGEST).collect();
        let parameters = PatchParams::apply(&manager).force();
        let answer = api(ctx.kube()?, kind, Some(namespace)).patch(name, &parameters, &Patch::Apply(body)).await;
        let object = answer.map_err(|error| failed(kind, self.owned.called(), &error))?;
        Ok(json(&object, || self.owned.called())?)
    }

    fn readiness(&self, object: &Json, values: &Values) -> Result<Readiness, EvaluationError> {
        let Some(condition) = &self.template.ready else { return Ok(super::ready::readiness(object)) };
        let is_ready = is_met(Some(condition), &values.clone().with("object", object))?;
        let until = condition.expression().map_or("", |condition| condition.text());
        Ok(if is_ready { Readiness::Ready } else { Readiness::InProgress(format!("not yet {until}")) })
    }
}

/// Fails if somebody else's object has the name.
async fn is_free(client: &Client, owned: &Owned, owner: &Owner) -> Result<(), StepError> {
    let there = get(client, &owned.kind, (&owned.namespace, &owned.name)).await?;
    match there.filter(|there| !owner.owns(there)) {
        Some(there) => Err(KubernetesError::Taken { what: owned.called(), owner: owner_of(&there) }.into()),
        None => Ok(()),
    }
}

/// Notes on the owner what belongs to it.
async fn note(ctx: &StepContext, object: &Object, listed: Option<String>) -> Result<(), StepError> {
    Ok(ctx.annotate(object, &annotation(ctx.synchronizer()), listed).await?)
}

/// Returns an object whose status is a map, so that expressions can ask for a member of it that is not there yet.
fn with_status(mut object: Json) -> Json {
    if object["status"].is_null() {
        object["status"] = Json::Object(Map::new());
    }
    object
}

/// Returns a value without the members of maps that are null.
fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Json::Array(items) => items.into_iter().map(without_nulls).collect(),
        value => value,
    }
}

/// The kinds of what is removed are known from the owner only.
pub(super) fn kind_of(owned: &Owned) -> Arc<xos_steps::ForeignKind> {
    Arc::new(owned.kind.clone())
}
