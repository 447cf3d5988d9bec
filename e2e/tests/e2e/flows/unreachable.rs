//! A backend that a pull step cannot reach is reported as an Event, in metrics, and once in the log. No object is
//! changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;
use xos_harness::{eventually, example::SOON};

use crate::monitoring::Monitoring;
use crate::with_configured_example;

/// An empty directory that can be closed.
struct Backend {
    url: String,
    is_open: Arc<AtomicBool>,
    _serving: AbortOnDropHandle<()>,
}

impl Backend {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let is_open = Arc::new(AtomicBool::new(false));
        let open = Arc::clone(&is_open);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, open.load(Ordering::SeqCst)));
            }
        });
        Self { url, is_open, _serving: AbortOnDropHandle::new(serving) }
    }
}

async fn answer(mut stream: TcpStream, is_open: bool) {
    let mut request = vec![];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let (status, body) = if is_open { ("200 OK", "{}") } else { ("503 Service Unavailable", "closed") };
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // The client may have closed the connection.
    let _sent = stream.write_all(text.as_bytes()).await;
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_shows() {
    let backend = Backend::start().await;
    let monitoring = Monitoring::new();
    let more = json!({"settings": {"directory_url": backend.url}, "monitoring_address": monitoring.address});
    with_configured_example("unreachable", &more, async |example| {
        let namespace = example.namespace;
        let get = async |path: &str| monitoring.get(path).await.map(|(_, text)| text);
        let failures = |metrics: &str| -> f64 {
            let line = metrics.lines().find_map(|line| line.strip_prefix("xos_pull_failures{step=\"PullFromDesk\"} "));
            line.and_then(|value| value.parse().ok()).unwrap_or_default()
        };
        eventually(SOON, "two failures in a row", async || {
            let metrics = get("/metrics").await?;
            if failures(&metrics) >= 2.0 { Ok(()) } else { Err(metrics) }
        })
        .await
        .unwrap();
        assert_eq!(get("/livez").await.unwrap(), "ok\n");
        assert_eq!(get("/readyz").await.unwrap(), "ok\n", "a backend that is away is not the controller's fault");
        let failed = namespace.one_event("Warning", "PullFailed").await.unwrap();
        let told = failed["message"].as_str().unwrap();
        assert!(told.contains("PullFromDesk") && told.contains("503"), "{told}");
        assert_eq!(failed["involvedObject"]["kind"], "Namespace");

        backend.is_open.store(true, Ordering::SeqCst);
        let succeeded = namespace.one_event("Normal", "PullSucceeded").await.unwrap();
        assert_eq!(succeeded["involvedObject"]["kind"], "Namespace");
        let metrics = get("/metrics").await.unwrap();
        assert!(metrics.contains("xos_pull_up{step=\"PullFromDesk\"} 1.0"), "{metrics}");
        let log = std::fs::read_to_string(example.synchronizer.log()).unwrap();
        assert_eq!(log.matches("pull step failed: nothing was changed").count(), 1, "told once");
    })
    .await;
}
