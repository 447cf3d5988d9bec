//! A client that changes something only while this process leads.

use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use tower::{BoxError, service_fn};
use xos_engine::leader::Leadership;

/// Makes the client for what changes something.
pub(crate) type Writing = Box<dyn FnOnce(&Leadership) -> kube::Result<Client> + Send>;

/// Returns a client that refuses, or drops, what would change something when this process does not lead: whichever part
/// of the process asks for it. It reads at any time.
pub(super) fn fenced(client: &Client, writing: Client, leadership: &Leadership) -> Client {
    let namespace = client.default_namespace().to_owned();
    let (reading, leadership) = (client.clone(), leadership.clone());
    let service = service_fn(move |request: Request<Body>| {
        let is_read = is_read(request.method());
        let client = if is_read { reading.clone() } else { writing.clone() };
        let leadership = leadership.clone();
        async move {
            if is_read {
                return Ok(client.send(request).await?);
            }
            Ok::<_, BoxError>(leadership.guard(client.send(request)).await??)
        }
    });
    Client::new(service, namespace)
}

fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS].contains(method)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Response;
    use tower::service_fn;
    use xos_engine::api_error::explain;
    use xos_engine::clock::SystemClock;

    use super::*;

    #[tokio::test]
    async fn without_a_lead_nothing_is_changed_and_everything_is_read() {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let service = service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok::<_, BoxError>(Response::new(Body::from(b"{}".to_vec()))) }
        });
        let client = Client::new(service, "here");
        let standby = fenced(&client, client.clone(), &Leadership::new(Arc::new(SystemClock)));
        let leader = fenced(&client, client.clone(), &Leadership::always(Arc::new(SystemClock)));
        assert_eq!(standby.default_namespace(), "here");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let request = || Request::builder().method(method).uri("/x").body(vec![]).unwrap();
            assert!(leader.request_text(request()).await.is_ok());
            let answer = standby.request_text(request()).await;
            if method == "GET" {
                assert!(answer.is_ok());
            } else {
                assert!(explain(&answer.unwrap_err()).contains("does not lead"), "{method}");
            }
        }
        assert_eq!(sent.load(Ordering::SeqCst), 6);
    }
}
