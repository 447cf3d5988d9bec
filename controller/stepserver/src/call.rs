//! A call of a step on a server.

use std::time::Duration;

use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};
use xos_model::Object;
use xos_steps::{BusEvent, Outside, OutsideCall, OutsideReply, StepContext, StepError};

use crate::connection::Connection;
use crate::convert;
use crate::described::{Kind, Wanted};
use crate::exchange::exchange;
use crate::outcome::CallError;
use crate::server::Server;
use crate::v1::{Begin, FromController, FromServer};

/// A call of a step.
pub struct Call<'a> {
    /// The context of the call.
    pub ctx: &'a StepContext,
    /// The step.
    pub wanted: &'a Wanted,
    /// What is called.
    pub method: Method,
    /// What the document gives to it, as JSON; empty if nothing.
    pub input: String,
    /// How long it may take.
    pub timeout: Duration,
}

/// A method of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the .proto file explains them")]
pub enum Method {
    SyncRecord,
    DeleteRecord,
    HandleCreate,
    HandleUpdate,
    HandleDelete,
    PullRecords,
    ProcessEvent,
}

/// What a call is about.
pub enum Subject<'a> {
    /// An object, which gets the fields that the step changes.
    Object(&'a mut Object),
    /// An object that is being deleted.
    Deleted(&'a Object),
    /// A message of the event bus.
    Event(&'a BusEvent),
    /// Nothing: it is a pull step.
    Nothing,
}

impl Subject<'_> {
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Deleted(object) => Some(object),
            Self::Event(_) | Self::Nothing => None,
        }
    }

    fn event(&self) -> Option<&BusEvent> {
        match self {
            Self::Event(event) => Some(event),
            _ => None,
        }
    }
}

impl Server {
    /// Calls a step. What it has changed in its object is in the object then, whatever is returned.
    ///
    /// # Errors
    /// What the step says; and if the server is away, has no such step, or takes longer than it may.
    pub async fn call(&self, call: Call<'_>, subject: Subject<'_>) -> Result<(), StepError> {
        let (connection, _permit) = tokio::select! {
            biased;
            () = call.ctx.cancellation().cancelled() => return Err(StepError::deferred("the controller stops")),
            begun = self.begin(&call) => begun?,
        };
        let limit = call.timeout;
        let called = tokio::time::timeout(limit, exchange(&self.to_string(), &connection, call, subject)).await;
        called.unwrap_or_else(|_| Err(CallError::late(self.to_string(), limit).into()))
    }

    /// Waits for a connection, and for a place among the calls that the server takes at the same time.
    async fn begin(&self, call: &Call<'_>) -> Result<(std::sync::Arc<Connection>, crate::permits::Permit), StepError> {
        let Wanted { kind, step, .. } = call.wanted;
        let connection = self.connected().await.map_err(StepError::unavailable)?;
        connection.check(call.wanted, &self.to_string()).map_err(|mismatch| match kind {
            // No event is parked for it.
            Kind::EventStep => StepError::unavailable(mismatch.to_string()),
            _ => mismatch.into(),
        })?;
        let waited = tokio::time::timeout(call.timeout, connection.permits.take(*kind, step)).await;
        let permit = waited.map_err(|_| {
            StepError::deferred(format!(
                "{self} takes no more calls at the same time: none ended in {:?}",
                call.timeout
            ))
        })?;
        Ok((connection, permit))
    }
}

impl Method {
    /// Returns the name, as in the .proto file.
    pub fn name(self) -> &'static str {
        match self {
            Self::SyncRecord => "SyncRecord",
            Self::DeleteRecord => "DeleteRecord",
            Self::HandleCreate => "HandleCreate",
            Self::HandleUpdate => "HandleUpdate",
            Self::HandleDelete => "HandleDelete",
            Self::PullRecords => "PullRecords",
            Self::ProcessEvent => "ProcessEvent",
        }
    }
}

impl Call<'_> {
    /// Lets what stands in place of the world outside answer the call. What the step has changed in its object is in
    /// the object then, whatever is returned.
    ///
    /// # Errors
    /// What the answer says, and if there is none.
    pub fn answered_by(self, outside: &dyn Outside, subject: Subject<'_>) -> Result<(), StepError> {
        let told = |object: &Object| format!("{}/{}", object.model, object.meta.name);
        let input = if self.input.is_empty() { None } else { Some(serde_json::from_str(&self.input)?) };
        let OutsideReply { changed, result } = outside.call(OutsideCall {
            method: self.method.name().to_owned(),
            step: self.wanted.step.clone(),
            object: subject.object().map(told).unwrap_or_default(),
            input,
        })?;
        if let Subject::Object(object) = subject {
            convert::set_all(object, changed, &self.ctx.shared_store().models());
        }
        result
    }

    /// Returns the first message of the call.
    pub(crate) fn first(&self, subject: &Subject<'_>) -> Result<Begin, serde_json::Error> {
        Ok(Begin {
            step: self.wanted.step.clone(),
            namespace: self.ctx.namespace().to_owned(),
            idempotency_key: self.ctx.idempotency_key().to_owned(),
            failures: self.ctx.failures(),
            input: self.input.clone(),
            object: subject.object().map(convert::object).transpose()?,
            event: subject.event().map(convert::event),
        })
    }

    /// Opens the stream.
    pub(crate) async fn open(
        &self,
        connection: &Connection,
        messages: impl futures::Stream<Item = FromController> + Send + 'static,
    ) -> Result<Response<Streaming<FromServer>>, Status> {
        let mut request = Request::new(messages);
        request.set_timeout(self.timeout);
        if let Some(traceparent) = self.ctx.traceparent().and_then(|text| MetadataValue::try_from(text).ok()) {
            request.metadata_mut().insert("traceparent", traceparent);
        }
        let mut client = connection.client.clone();
        match self.method {
            Method::SyncRecord => client.sync_record(request).await,
            Method::DeleteRecord => client.delete_record(request).await,
            Method::HandleCreate => client.handle_create(request).await,
            Method::HandleUpdate => client.handle_update(request).await,
            Method::HandleDelete => client.handle_delete(request).await,
            Method::PullRecords => client.pull_records(request).await,
            Method::ProcessEvent => client.process_event(request).await,
        }
    }
}
