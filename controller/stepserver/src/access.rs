//! What a server may do with models during a call.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use prost::Message as _;
use serde_json::{Map, Value};
use xos_model::natural::natural_key;
use xos_model::xproto::ModelSet;
use xos_model::{Object, Operator, QueryError, Reference};
use xos_steps::{Event, Models, Save, StepContext, StepError, StoreError};

use crate::LONGEST;
use crate::convert::{self, TextError, fields, set_all, value};
use crate::v1::answer::Answer as Answered;
use crate::v1::error::Reason;
use crate::v1::request::Request as Asked;
use crate::v1::{self, Answer, Request};

/// The objects that a call has handed out, and the errors of its requests.
pub(crate) struct Access<'a> {
    ctx: &'a StepContext,
    models: Arc<ModelSet>,
    /// By uid and resourceVersion: what is saved is compared with them.
    seen: HashMap<(String, String), Object>,
    /// The uid of the object of the call.
    record: String,
    /// That object, if the step has saved it; and the fields that it has saved.
    saved: Option<Object>,
    kept: BTreeSet<String>,
    /// By the ids of the requests.
    pub(crate) errors: HashMap<u64, StepError>,
}

/// Why a request is not done.
#[derive(Debug, thiserror::Error)]
enum AccessError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("{model} {name} was not read in this call: read it, change that, and save it")]
    NotRead { model: String, name: String },
    #[error("model {model} has no link `{link}`")]
    NoLink { model: String, link: String },
    #[error("the request has no object")]
    NoObject,
    #[error("the request has a comparison that this controller does not know")]
    NoOperator,
    #[error("this controller does not know the request: it is older than the server")]
    Unknown,
    #[error("the answer has {0} bytes, more than the {LONGEST} that a message may have: ask for less")]
    TooLong(usize),
    #[error("an item of the list has no `{0}`, by which its object is found")]
    NoKey(String),
    #[error("either all items say their namespace, or none does")]
    Namespaces,
    #[error("{0}")]
    Listing(StepError),
}

impl<'a> Access<'a> {
    pub(crate) fn new(ctx: &'a StepContext, record: Option<&Object>) -> Self {
        let uid = record.map(|record| record.meta.uid.clone()).unwrap_or_default();
        let mut access = Self {
            ctx,
            models: ctx.shared_store().models(),
            seen: HashMap::new(),
            record: uid,
            saved: None,
            kept: BTreeSet::new(),
            errors: HashMap::new(),
        };
        record.into_iter().for_each(|record| access.keep(record));
        access
    }

    /// Sets in the object of the call what the step has saved of it, and what it has changed since.
    pub(crate) async fn finish(&mut self, object: &mut Object, changed: Map<String, Value>) -> Result<(), StoreError> {
        let before = object.fields.clone();
        if let Some(saved) = &self.saved {
            self.kept.iter().for_each(|field| object.set(field, saved.fields.get(field).cloned().unwrap_or_default()));
        }
        set_all(object, changed, &self.models);
        // The engine compares with the object as it was, and does not see that a field is again what it was then.
        let Some(mut saved) = self.saved.take() else { return Ok(()) };
        let is_again = |field: &&String| object.fields.get(field.as_str()) == before.get(field.as_str());
        for field in self.kept.iter().filter(is_again) {
            saved.set(field, before.get(field).cloned().unwrap_or_default());
        }
        self.ctx.save(&mut saved).await
    }

    /// Does what a request asks.
    pub(crate) async fn answer(&mut self, request: Request) -> Answer {
        let Request { id, request } = request;
        let done = match request {
            Some(asked) => self.answered(asked).await,
            None => Err(AccessError::Unknown),
        };
        let done = done.and_then(|answer| {
            let answer = Answer { id, answer: Some(answer) };
            let length = answer.encoded_len();
            if length > LONGEST { Err(AccessError::TooLong(length)) } else { Ok(answer) }
        });
        done.unwrap_or_else(|error| {
            let (reason, message) = (reason(&error), error.to_string());
            self.errors.insert(id, step_error(error));
            let error = v1::Error { reason: reason.into(), message };
            Answer { id, answer: Some(Answered::Error(error)) }
        })
    }

    async fn answered(&mut self, asked: Asked) -> Result<Answered, AccessError> {
        match asked {
            Asked::Get(query) => {
                let found = self.found(&query)?;
                let object = match found.as_slice() {
                    [one] => self.hand_out(one)?,
                    // Its error says what is there.
                    _ => return Err(self.not_one(&query, &found)),
                };
                Ok(Answered::Object(object))
            }
            Asked::Filter(query) => {
                let found = self.found(&query)?;
                self.objects(&found)
            }
            Asked::First(query) => {
                let found = self.found(&query)?;
                self.objects(found.get(..1).unwrap_or_default())
            }
            Asked::FindOrCreate(v1::FindOrCreate { object, key }) => {
                let new = self.new_object(&object.ok_or(AccessError::NoObject)?)?;
                let key = self.key(&new.model, key)?;
                let models = self.ctx.models_of(&new.model);
                let (found, created) = models.find_or_create(new, key.as_slice()).await?;
                Ok(Answered::Found(v1::Found { object: Some(self.hand_out(&found)?), created }))
            }
            Asked::Save(save) => self.save(save).await,
            Asked::Delete(v1::Delete { object }) => {
                let object = self.known(object.as_ref())?;
                self.ctx.delete(&object).await?;
                Ok(Answered::Done(v1::Done {}))
            }
            Asked::Follow(v1::Follow { object, link }) => {
                let object = self.known(object.as_ref())?;
                let found = self.follow(&object, &link)?;
                self.objects(&found)
            }
            Asked::Reconcile(listing) => self.reconcile(listing).await,
            Asked::Tell(v1::Tell { object, reason, message, warning }) => {
                let object = self.known(object.as_ref())?;
                let event = if warning { Event::warning(&reason, message) } else { Event::normal(&reason, message) };
                self.ctx.event(&object, event)?;
                Ok(Answered::Done(v1::Done {}))
            }
        }
    }

    fn query(&self, query: &v1::Query) -> Result<Models<'a, Object>, AccessError> {
        let mut models = self.ctx.models_of(&query.model);
        if query.all_namespaces {
            models = models.in_all_namespaces();
        } else if !query.namespace.is_empty() {
            models = models.in_namespace(&query.namespace);
        }
        if query.with_deleted {
            models = models.with_deleted();
        }
        for criterion in &query.criteria {
            let operator = v1::Operator::try_from(criterion.operator).map_err(|_| AccessError::NoOperator)?;
            let value = value("criterion.value", &criterion.value)?;
            let field = criterion.field.as_str();
            models = if criterion.inverted {
                models.exclude_by(field, of_operator(operator), value)
            } else {
                models.filter_by(field, of_operator(operator), value)
            };
        }
        Ok(models)
    }

    fn found(&self, query: &v1::Query) -> Result<Vec<Object>, AccessError> {
        let models = self.query(query)?;
        if query.name.is_empty() {
            return Ok(models.all()?);
        }
        if query.criteria.is_empty() && !query.all_namespaces {
            let named = models.named(&query.name)?;
            return Ok(named.into_iter().filter(|o| query.with_deleted || o.meta.deleting.is_none()).collect());
        }
        Ok(models.all()?.into_iter().filter(|object| object.meta.name == query.name).collect())
    }

    fn not_one(&self, query: &v1::Query, found: &[Object]) -> AccessError {
        let name = if query.name.is_empty() { String::new() } else { format!(" {}", query.name) };
        let told = match self.query(query).map(Models::get) {
            Ok(Err(error)) if name.is_empty() => return error.into(),
            Err(error) => return error,
            _ => format!("{}{name}", query.model),
        };
        if found.is_empty() {
            return StoreError::NotFound { what: told }.into();
        }
        let names: Vec<_> = found.iter().take(5).map(|object| object.key().to_string()).collect();
        StoreError::NotUnique { what: told, count: found.len(), names: names.join(", ") }.into()
    }

    async fn save(&mut self, save: v1::Save) -> Result<Answered, AccessError> {
        let v1::Save { object, changed, touch, yielding } = save;
        let told = object.ok_or(AccessError::NoObject)?;
        let mut object = if told.uid.is_empty() { self.new_object(&told)? } else { self.known(Some(&told))? };
        let changed = fields("changed", &changed)?;
        let names: Vec<_> = changed.keys().cloned().collect();
        set_all(&mut object, changed, &self.models);
        let how = Save { touch, only: None, yielding };
        self.ctx.save_with(&mut object, &how).await?;
        if object.meta.uid == self.record {
            self.saved = Some(object.clone());
            self.kept.extend(names);
        }
        Ok(Answered::Object(self.hand_out(&object)?))
    }

    /// Returns the objects at the other end of a link, or of a reverse port.
    fn follow(&self, object: &Object, link: &str) -> Result<Vec<Object>, AccessError> {
        let (store, models) = (self.ctx.shared_store(), &self.models);
        let model = models.get(&object.model).ok_or_else(|| QueryError::UnknownModel(object.model.to_string()));
        let model = model.map_err(StoreError::from)?;
        if models.reverse_links(model).any(|reverse| reverse.name == link) {
            return Ok(self.ctx.back_by(object, link)?);
        }
        let no_link = || AccessError::NoLink { model: model.name.clone(), link: link.to_owned() };
        let peer = &model.link(link).ok_or_else(no_link)?.peer;
        let mut found: Vec<Arc<Object>> = vec![];
        for reference in references(object.fields.get(link))? {
            found.extend(store.at(peer, &object.meta.namespace, &reference)?);
        }
        found.iter().for_each(|object| self.ctx.session().saw(object));
        Ok(found.iter().map(|object| (**object).clone()).collect())
    }

    async fn reconcile(&mut self, listing: v1::Listing) -> Result<Answered, AccessError> {
        struct Item {
            fields: Map<String, Value>,
            namespace: String,
        }
        let v1::Listing { model, key, items, keep_vanished, yielding, within } = listing;
        let key = self.key(&model, key)?;
        let read = |item: v1::listing::Item| {
            Ok(Item { fields: fields("item.fields", &item.fields)?, namespace: item.namespace })
        };
        let items = items.into_iter().map(read).collect::<Result<Vec<_>, TextError>>()?;
        let placed = items.iter().filter(|item| !item.namespace.is_empty()).count();
        if placed > 0 && placed < items.len() {
            return Err(AccessError::Namespaces);
        }
        let mut listing = self.ctx.listing_of(&model, key.as_slice());
        for (field, value) in fields("within", &within)? {
            listing = listing.within(field.as_str(), value);
        }
        if keep_vanished {
            listing = listing.keep_vanished();
        }
        if yielding {
            listing = listing.yielding();
        }
        let is_there = |field: &&String| items.iter().all(|item| item.fields.contains_key(*field));
        if let Some(missing) = key.iter().find(|field| !is_there(field)) {
            return Err(AccessError::NoKey(missing.clone()));
        }
        let new = |_: &Item| Object::named(&model, "", "");
        let update = |item: &Item, object: &mut Object| set_all(object, item.fields.clone(), &self.models);
        let pulled = if placed > 0 {
            let namespace = |item: &Item| item.namespace.clone();
            listing.reconcile_by_namespace(&items, namespace, new, update).await
        } else {
            listing.reconcile(&items, new, update).await
        };
        let pulled = pulled.map_err(AccessError::Listing)?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Ok(Answered::Pulled(v1::Pulled {
            made: count(pulled.made),
            saved: count(pulled.saved),
            deleted: count(pulled.deleted),
            unchanged: count(pulled.unchanged),
            left_alone: count(pulled.left_alone),
            held: count(pulled.held),
        }))
    }

    /// Returns the fields of a key: by default those of the model's natural key.
    fn key(&self, model: &str, key: Vec<String>) -> Result<Vec<String>, AccessError> {
        if !key.is_empty() {
            return Ok(key);
        }
        let unknown = || StoreError::from(QueryError::UnknownModel(model.to_owned()));
        let natural = natural_key(self.models.get(model).ok_or_else(unknown)?);
        if natural.is_empty() {
            return Err(StoreError::NoKey(model.to_owned()).into());
        }
        Ok(natural.into_iter().map(str::to_owned).collect())
    }

    fn new_object(&self, told: &v1::Object) -> Result<Object, TextError> {
        let namespace = if told.namespace.is_empty() { self.ctx.namespace() } else { &told.namespace };
        let mut object = Object::named(&told.model, namespace, &told.name);
        set_all(&mut object, fields("object.fields", &told.fields)?, &self.models);
        Ok(object)
    }

    /// Returns an object as it was handed out.
    fn known(&self, told: Option<&v1::Object>) -> Result<Object, AccessError> {
        let told = told.ok_or(AccessError::NoObject)?;
        let known = self.seen.get(&(told.uid.clone(), told.resource_version.clone()));
        let not_read = || AccessError::NotRead { model: told.model.clone(), name: told.name.clone() };
        known.cloned().ok_or_else(not_read)
    }

    fn keep(&mut self, object: &Object) {
        self.seen.insert((object.meta.uid.clone(), object.meta.resource_version.clone()), object.clone());
    }

    fn hand_out(&mut self, object: &Object) -> Result<v1::Object, AccessError> {
        self.keep(object);
        Ok(convert::object(object)?)
    }

    fn objects(&mut self, found: &[Object]) -> Result<Answered, AccessError> {
        let objects = found.iter().map(|object| self.hand_out(object)).collect::<Result<_, _>>()?;
        Ok(Answered::Objects(v1::Objects { objects }))
    }
}

fn references(value: Option<&Value>) -> Result<Vec<Reference>, serde_json::Error> {
    match value {
        None | Some(Value::Null) => Ok(vec![]),
        Some(Value::Array(items)) => items.iter().cloned().map(serde_json::from_value).collect(),
        Some(one) => Ok(vec![serde_json::from_value(one.clone())?]),
    }
}

fn of_operator(operator: v1::Operator) -> Operator {
    match operator {
        v1::Operator::Equal => Operator::Equal,
        v1::Operator::GreaterThan => Operator::GreaterThan,
        v1::Operator::LessThan => Operator::LessThan,
        v1::Operator::GreaterThanOrEqual => Operator::GreaterThanOrEqual,
        v1::Operator::LessThanOrEqual => Operator::LessThanOrEqual,
        v1::Operator::Iequal => Operator::IEqual,
        v1::Operator::Contains => Operator::Contains,
        v1::Operator::Icontains => Operator::IContains,
        v1::Operator::Regex => Operator::Regex,
        v1::Operator::Iregex => Operator::IRegex,
    }
}

/// Returns the word for an error.
fn reason(error: &AccessError) -> Reason {
    match error {
        AccessError::Store(error) => of_store(error),
        AccessError::Listing(_) => Reason::Unspecified,
        _ => Reason::Invalid,
    }
}

fn of_store(error: &StoreError) -> Reason {
    match error {
        StoreError::NotFound { .. } | StoreError::Gone(_) => Reason::NotFound,
        StoreError::NotUnique { .. } => Reason::NotUnique,
        StoreError::AlreadyExists(_) | StoreError::NameTaken { .. } => Reason::AlreadyExists,
        StoreError::BeingDeleted(_) => Reason::BeingDeleted,
        StoreError::Refused { .. } | StoreError::WriteProtected(_) | StoreError::NotWatched(_) => Reason::Refused,
        StoreError::Unavailable { .. } => Reason::Unavailable,
        StoreError::Unsettled { .. } => Reason::Conflict,
        StoreError::Backend { .. } | StoreError::NoStore => Reason::Unspecified,
        _ => Reason::Invalid,
    }
}

fn step_error(error: AccessError) -> StepError {
    match error {
        AccessError::Store(error) => error.into(),
        AccessError::Listing(error) => error,
        error => error.into(),
    }
}
