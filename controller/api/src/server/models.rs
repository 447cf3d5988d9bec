//! The methods of all models: `ListSite`, `GetSite` and so on. Which there are is known only at run time.

use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use prost::Message as _;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use xos_grpc::codec::Raw;
use xos_grpc::messages::xos::{Id, Query};

use super::LARGEST;
use crate::caller::Caller;
use crate::core::Core;
use crate::error::ApiError;
use crate::gate::Gate;

/// What a method of a model does.
const VERBS: [&str; 6] = ["List", "Filter", "Get", "Create", "Update", "Delete"];

/// The service of the models.
#[derive(Clone)]
pub(super) struct Models {
    pub(super) core: Core,
    pub(super) gate: Gate,
}

impl NamedService for Models {
    const NAME: &'static str = "xos.xos";
}

impl tower_service::Service<http::Request<Body>> for Models {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        let call = Call { models: self.clone(), method };
        async move {
            let mut grpc = Grpc::new(Raw).max_decoding_message_size(LARGEST).max_encoding_message_size(usize::MAX);
            Ok(grpc.unary(call, request).await)
        }
        .boxed()
    }
}

/// A call of one method.
struct Call {
    models: Models,
    method: String,
}

impl UnaryService<Bytes> for Call {
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<Response<Bytes>, Status>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (models, method) = (self.models.clone(), std::mem::take(&mut self.method));
        async move {
            let user = models.gate.user(request.metadata())?;
            let caller = Caller::of(user, request.metadata());
            let answer = answer(&models.core, &caller, &method, &request.into_inner()).await?;
            Ok(Response::new(Bytes::from(answer)))
        }
        .boxed()
    }
}

/// Returns the answer to a call.
async fn answer(core: &Core, caller: &Caller, method: &str, message: &[u8]) -> Result<Vec<u8>, ApiError> {
    let unread = |error: prost::DecodeError| ApiError::Invalid { what: error.to_string(), fields: [].into() };
    let verb = VERBS.into_iter().find_map(|verb| Some((verb, method.strip_prefix(verb)?)));
    let id = || Id::decode(message).map(|id| id.id).map_err(unread);
    match verb {
        Some(("List", model)) => core.list(caller, model),
        Some(("Filter", model)) => core.filter(caller, model, &Query::decode(message).map_err(unread)?),
        Some(("Get", model)) => core.get(caller, model, id()?),
        Some(("Create", model)) => core.create(caller, model, message).await,
        Some(("Update", model)) => core.update(caller, model, message).await,
        Some(("Delete", model)) => core.delete(caller, model, id()?).await.map(|()| vec![]),
        _ => Err(ApiError::Unimplemented(format!("there is no method `{method}`"))),
    }
}
