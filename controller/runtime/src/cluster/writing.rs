//! A client of its own for what changes something: on its connections nothing is sent while this process does not lead.
//!
//! To ask before a request is handed over is not enough. The task that sends it may be stopped with the whole process
//! in between, and would send it when that wakes up. So the clocks are asked right before each write to the socket.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ConfigExt as _};
use tower::retry::RetryLayer;
use tower::util::BoxService;
use tower::{BoxError, ServiceBuilder, ServiceExt as _};
use xos_engine::leader::{Leadership, NotLeading};

/// Sends requests to the API server of a configuration, as kube's own client does.
pub(super) type Sending = BoxService<http::Request<Body>, http::Response<hyper::body::Incoming>, BoxError>;

/// Returns what sends requests while this process leads.
pub(super) fn service(config: &kube::Config, leadership: Leadership) -> kube::Result<Sending> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let fenced = tcp.map_response(move |stream| Fenced { stream, leadership: leadership.clone() });
    let connector = config.rustls_https_connector_with_connector(fenced)?;
    let client = Builder::new(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    Ok(service.boxed())
}

/// A connection on which nothing is sent while this process does not lead.
struct Fenced<S> {
    stream: S,
    leadership: Leadership,
}

impl<S> Fenced<S> {
    fn check(&self) -> io::Result<()> {
        if self.leadership.may_write() { Ok(()) } else { Err(io::Error::other(NotLeading)) }
    }
}

impl<S: Connection> Connection for Fenced<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

impl<S: Read + Unpin> Read for Fenced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl<S: Write + Unpin> Write for Fenced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        all: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, all)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use xos_engine::clock::SystemClock;
    use xos_engine::leader::Fence;

    use super::*;

    #[tokio::test]
    async fn what_waits_to_be_sent_when_the_term_ends_is_never_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let leadership = Leadership::new(Arc::new(SystemClock));
        leadership.begin(Fence::Open, Fence::Open, None);
        let config = kube::Config::new(format!("http://{address}").parse().unwrap());
        let client = kube::Client::new(service(&config, leadership.clone()).unwrap(), "default");
        let request = |path| http::Request::post(path).body(b"{}".to_vec()).unwrap();
        // Each with a connection of its own: what is read of it.
        let serving = tokio::spawn(async move {
            let mut read = vec![];
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).await.unwrap();
                read.push(length > 0);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                // The other one is gone.
                let _sent = stream.write_all(answer).await;
            }
            read
        });
        assert!(client.request_text(request("/one")).await.is_ok());
        leadership.end();
        // Nothing above the connection asks.
        assert!(client.request_text(request("/two")).await.is_err());
        assert_eq!(serving.await.unwrap(), [true, false]);
    }
}
