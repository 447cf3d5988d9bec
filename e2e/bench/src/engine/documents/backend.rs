//! The backend of the steps: it answers everything at once.

use std::{net::SocketAddr, sync::mpsc, thread};

use axum::{Json, Router};
use serde_json::json;
use tokio::sync::oneshot;

use crate::engine::Error;

/// A backend on this machine, with a thread of its own. It ends when it is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Backend {
    address: SocketAddr,
    end: Option<oneshot::Sender<()>>,
}

impl Backend {
    /// Starts it.
    pub(in crate::engine) fn start() -> Result<Self, Error> {
        let (ready, when_ready) = mpsc::channel();
        let (end, ended) = oneshot::channel::<()>();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(async {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
                    let _ = ready.send(listener.local_addr());
                    let answer = Router::new().fallback(async || Json(json!({"id": "7"})));
                    let until = async || drop(ended.await);
                    axum::serve(listener, answer).with_graceful_shutdown(until()).await
                })
            });
            // Those who wait for its address are told.
            if let Err(error) = served {
                let _ = ready.send(Err(error));
            }
        });
        let address = when_ready.recv().map_err(std::io::Error::other)??;
        Ok(Self { address, end: Some(end) })
    }

    /// Returns its URL.
    pub(in crate::engine) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
    }
}
