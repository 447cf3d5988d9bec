//! gRPC's server reflection: of the models as they are at each call.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic_reflection::server::Builder;
use tower_service::Service;

use crate::core::Core;

/// Reflection in one of its two versions; clients in use know only one of them.
#[derive(Clone)]
pub(super) struct Reflection<const ALPHA: bool>(pub(super) Core);

impl NamedService for Reflection<true> {
    const NAME: &'static str = "grpc.reflection.v1alpha.ServerReflection";
}

impl NamedService for Reflection<false> {
    const NAME: &'static str = "grpc.reflection.v1.ServerReflection";
}

impl<const ALPHA: bool> Service<http::Request<Body>> for Reflection<ALPHA> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let core = self.0.clone();
        async move {
            // To compile all models takes a while.
            let served =
                tokio::task::spawn_blocking(move || core.served().schema().map(|schema| schema.descriptors.clone()));
            let Ok(Some(descriptors)) = served.await else {
                return Ok(Status::internal("these models have no API: the log says why").into_http());
            };
            let builder = Builder::configure()
                .register_encoded_file_descriptor_set(&descriptors)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
            match ALPHA {
                true => match builder.build_v1alpha() {
                    Ok(mut service) => service.call(request).await,
                    Err(error) => Ok(Status::internal(error.to_string()).into_http()),
                },
                false => match builder.build_v1() {
                    Ok(mut service) => service.call(request).await,
                    Err(error) => Ok(Status::internal(error.to_string()).into_http()),
                },
            }
        }
        .boxed()
    }
}
