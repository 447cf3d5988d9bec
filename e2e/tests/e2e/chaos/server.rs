//! A small HTTP server on a free port.

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::task::AbortOnDropHandle;

/// The error of a body.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body of any length.
pub(crate) type Body = UnsyncBoxBody<Bytes, BodyError>;
/// An answer. An error closes the connection.
pub(crate) type Answer = io::Result<Response<Body>>;

/// A running server. It ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Server {
    pub(crate) async fn start<F: Future<Output = Answer> + Send + 'static>(
        answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(serve(listener, Arc::new(answer)));
        Ok(Self { address, _serving: AbortOnDropHandle::new(serving) })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve<F: Future<Output = Answer> + Send + 'static>(
    listener: TcpListener,
    answer: Arc<impl Fn(Request<Incoming>) -> F + Send + Sync + 'static>,
) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let answer = Arc::clone(&answer);
        let service = service_fn(move |request| answer(request));
        connections.spawn(async move {
            // The client sees how it ended.
            let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}
