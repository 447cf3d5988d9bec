//! A client of a core of XOS: this one's, or the original.
//!
//! It takes everything from what the core tells of its API, so it knows models that no program was compiled with.
//!
//! ```no_run
//! use xos_grpc::client::{Filter, Operator};
//! use xos_grpc::{Client, ClientError, Connection, Record, Saving};
//!
//! # async fn run() -> Result<(), ClientError> {
//! let connection = Connection::to("https://xos-core:50051").ca(std::fs::read("ca.crt").unwrap_or_default());
//! let client = Client::connect(connection.user("admin@opencord.org", "letmein")?).await?;
//! let site = client.create(&Record::of("Site").with("name", "rome")).await?;
//! let mut found = client.filter("Site", &Filter::all().and("name", Operator::Equal, "rome")).await?;
//! found[0].set("name", "Rome");
//! client.update(&found[0], &Saving::only(["name"])).await?;
//! client.delete("Site", site.id()).await?;
//! # Ok(())
//! # }
//! ```

mod connection;
mod filter;
mod record;

use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use tonic::{Code, Status};

use crate::api::{Api, Message};
use crate::messages::schema::Schemas;
use crate::messages::xos::{Id, LoginRequest, LoginResponse};
use crate::schema::{Schema, SchemaError};
use crate::wire::{WireError, items};

pub use crate::messages::xos::query::QueryKind as Kind;
pub use crate::messages::xos::query_element::QueryOperator as Operator;
use connection::Caller;
pub use connection::Connection;
pub use filter::Filter;
pub use record::Record;

/// Why a core did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is none, or the certificates cannot be read.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// A name or a password has characters that cannot be sent.
    #[error("`{name}` cannot be sent with these characters")]
    Metadata {
        /// What cannot be sent.
        name: &'static str,
    },
    /// What the core says of its API cannot be read.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The core does not have the model, also after its API was read again.
    #[error("the core has no model `{0}`")]
    NoModel(String),
    /// The core says no, or is away.
    #[error("{method}: {}", .status.message())]
    Refused {
        /// The method.
        method: String,
        /// What the core answered.
        #[source]
        status: Box<Status>,
    },
    /// The answer cannot be read.
    #[error(transparent)]
    Answer(#[from] WireError),
}

impl ClientError {
    /// Returns the code of the core's answer, if there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { status, .. } => Some(status.code()),
            _ => None,
        }
    }
}

/// How an object is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    update_fields: Option<Vec<String>>,
    always_update_timestamp: bool,
    is_sync_save: bool,
    is_policy_save: bool,
}

impl Saving {
    /// Saves all fields that are set.
    pub fn all() -> Self {
        Self::default()
    }

    /// Saves only these fields.
    pub fn only<F: Into<String>>(fields: impl IntoIterator<Item = F>) -> Self {
        Self { update_fields: Some(fields.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// Also makes the object due for its steps.
    #[must_use]
    pub fn and_touch(self) -> Self {
        Self { always_update_timestamp: true, ..self }
    }

    /// Saves as a sync step.
    #[must_use]
    pub fn of_step(self) -> Self {
        Self { is_sync_save: true, ..self }
    }

    /// Saves as a policy.
    #[must_use]
    pub fn of_policy(self) -> Self {
        Self { is_policy_save: true, ..self }
    }

    fn metadata(&self) -> Vec<(&'static str, String)> {
        let flag = |is_set: bool, name| is_set.then(|| (name, "1".to_owned()));
        let fields = self.update_fields.as_ref().map(|fields| ("update_fields", fields.join(",")));
        let flags = [
            flag(self.always_update_timestamp, "always_update_timestamp"),
            flag(self.is_sync_save, "is_sync_save"),
            flag(self.is_policy_save, "is_policy_save"),
        ];
        fields.into_iter().chain(flags.into_iter().flatten()).collect()
    }
}

/// A client. Clones are the same one.
#[derive(Clone)]
pub struct Client {
    caller: Caller,
    api: Arc<RwLock<Arc<Api>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("models", &self.api().messages.len()).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects, and reads the API of the core.
    ///
    /// # Errors
    /// When the core cannot be reached, or its API cannot be read.
    pub async fn connect(connection: Connection) -> Result<Self, ClientError> {
        let caller = connection.connect().await?;
        let api = read_api(&caller).await?;
        Ok(Self { caller, api: Arc::new(RwLock::new(Arc::new(api))) })
    }

    /// Returns the API of the core, as it was last read.
    pub fn api(&self) -> Arc<Api> {
        Arc::clone(&self.api.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the API again: the models of the core may have changed.
    ///
    /// # Errors
    /// When the core cannot be reached, or its API cannot be read.
    pub async fn reload(&self) -> Result<(), ClientError> {
        let api = Arc::new(read_api(&self.caller).await?);
        *self.api.write().unwrap_or_else(PoisonError::into_inner) = api;
        Ok(())
    }

    /// Begins a session, and returns its id, for [`Connection::session`].
    ///
    /// # Errors
    /// When the core does not know the user, or cannot be reached.
    pub async fn login(&self, username: &str, password: &str) -> Result<String, ClientError> {
        let request = LoginRequest { username: username.to_owned(), password: password.to_owned() };
        let method = "/xos.utility/Login";
        let answer: Result<LoginResponse, _> = self.caller.call_known(method, &request, false).await;
        Ok(answer.map_err(|status| refused(method, status))?.sessionid)
    }

    /// Returns an object.
    ///
    /// # Errors
    /// When there is none, or the user may not see it.
    pub async fn get(&self, model: &str, id: i32) -> Result<Record, ClientError> {
        let message = self.message(model).await?;
        let request = prost::Message::encode_to_vec(&Id { id });
        let answer = self.call(&format!("Get{model}"), request, &Saving::all(), true).await?;
        Ok(Record::decode(&message, &answer)?)
    }

    /// Returns all objects of a model, and of those that inherit from it.
    ///
    /// # Errors
    /// When the core does not answer.
    pub async fn list(&self, model: &str) -> Result<Vec<Record>, ClientError> {
        self.many(model, "List", vec![]).await
    }

    /// Returns the objects that meet conditions.
    ///
    /// # Errors
    /// When the core does not answer, or the conditions do not fit the model.
    pub async fn filter(&self, model: &str, filter: &Filter) -> Result<Vec<Record>, ClientError> {
        self.many(model, "Filter", prost::Message::encode_to_vec(filter.query())).await
    }

    async fn many(&self, model: &str, what: &str, request: Vec<u8>) -> Result<Vec<Record>, ClientError> {
        let message = self.message(model).await?;
        let answer = self.call(&format!("{what}{model}"), request, &Saving::all(), true).await?;
        let decoded = items(&message.plural, &answer)?.into_iter().map(|item| Record::decode(&message, &item));
        Ok(decoded.collect::<Result<_, _>>()?)
    }

    /// Makes an object, and returns it as the core has it.
    ///
    /// # Errors
    /// When the core refuses it. While the core is away it is not known whether it was made.
    pub async fn create(&self, record: &Record) -> Result<Record, ClientError> {
        let message = self.message(&record.model).await?;
        let request = record.encode(&message);
        let answer = self.call(&format!("Create{}", record.model), request, &Saving::all(), false).await?;
        Ok(Record::decode(&message, &answer)?)
    }

    /// Saves an object, by its id, and returns it as the core has it.
    ///
    /// # Errors
    /// When the core refuses it, or there is none.
    pub async fn update(&self, record: &Record, how: &Saving) -> Result<Record, ClientError> {
        let message = self.message(&record.model).await?;
        let answer = self.call(&format!("Update{}", record.model), record.encode(&message), how, false).await?;
        Ok(Record::decode(&message, &answer)?)
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When there is none, or the user may not.
    pub async fn delete(&self, model: &str, id: i32) -> Result<(), ClientError> {
        self.message(model).await?;
        let request = prost::Message::encode_to_vec(&Id { id });
        self.call(&format!("Delete{model}"), request, &Saving::all(), false).await.map(drop)
    }

    /// Returns the message of a model. If it is not known, the API is read again.
    async fn message(&self, model: &str) -> Result<Message, ClientError> {
        if let Some(message) = self.api().message(model) {
            return Ok(message.clone());
        }
        self.reload().await?;
        self.api().message(model).cloned().ok_or_else(|| ClientError::NoModel(model.to_owned()))
    }

    async fn call(&self, method: &str, request: Vec<u8>, how: &Saving, repeat: bool) -> Result<Bytes, ClientError> {
        let path = format!("/xos.xos/{method}");
        let answer = self.caller.call(&path, request, &how.metadata(), repeat).await;
        answer.map_err(|status| refused(method, status))
    }
}

async fn read_api(caller: &Caller) -> Result<Api, ClientError> {
    let method = "/schema.SchemaService/GetSchema";
    let schemas: Result<Schemas, _> = caller.call_known(method, &(), true).await;
    Ok(Schema::read(schemas.map_err(|status| refused(method, status))?)?.api()?)
}

fn refused(method: &str, status: Status) -> ClientError {
    ClientError::Refused { method: method.to_owned(), status: Box::new(status) }
}
