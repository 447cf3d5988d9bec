//! Servers, and the connections to them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::address::Target;
use crate::connection::{Connection, Health};
use crate::described::Wanted;

/// The servers of a set of documents: one connection to each, which all its steps share.
#[derive(Default)]
pub struct Servers(StdMutex<HashMap<Target, Arc<Server>>>);

impl Servers {
    /// Returns the server at an address. It is connected to when it is first called.
    pub fn at(&self, target: &Target) -> Arc<Server> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let server = servers.entry(target.clone()).or_insert_with(|| Arc::new(Server::new(target.clone())));
        Arc::clone(server)
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.lock().unwrap_or_else(PoisonError::into_inner).keys()).finish()
    }
}

/// A server.
pub struct Server {
    target: Target,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Arc<Connection>>,
    /// The last attempt to connect that failed: when it ended, and why.
    failed: Option<(Instant, String)>,
}

impl Server {
    fn new(target: Target) -> Self {
        Self { target, state: Mutex::default() }
    }

    /// Connects to the server if it is not connected, and checks that it has a step.
    ///
    /// # Errors
    /// In words, when the server is away or has no such step.
    pub async fn check(&self, wanted: &Wanted) -> Result<(), String> {
        let connection = self.connected().await?;
        connection.described.check(wanted, &self.to_string()).map_err(|mismatch| mismatch.to_string())
    }

    /// Returns a connection to the server, which is well. Else says why there is none: the server is away.
    pub(crate) async fn connected(&self) -> Result<Arc<Connection>, String> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        match state.connection.as_ref().map(|connection| (connection, connection.health())) {
            Some((connection, Health::Serving)) => return Ok(Arc::clone(connection)),
            Some((_, Health::NotServing)) => return Err(format!("{self} is not serving: its health says so")),
            Some((_, Health::Lost)) | None => state.connection = None,
        }
        // Many wait for one attempt, and share what comes of it.
        if let Some((_, why)) = state.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(why.clone());
        }
        match Connection::open(&self.target).await {
            Ok(connection) => {
                let (name, steps) = connection.described.told();
                tracing::info!(address = %self.target.address, server = name, ?steps, "connected to a step server");
                let connection = Arc::new(connection);
                *state = State { connection: Some(Arc::clone(&connection)), failed: None };
                Ok(connection)
            }
            Err(error) => {
                let why = format!("{self} cannot be used: {}", chain(&error));
                state.failed = Some((Instant::now(), why.clone()));
                Err(why)
            }
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the step server at {}", self.target.address)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Server").field(&self.target).finish()
    }
}

/// Returns the words of an error and of its causes. Those of tonic's say nothing by themselves ("transport error").
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |cause| cause.source());
    let mut words: Vec<String> = vec![];
    for cause in causes {
        let text = cause.to_string();
        if !words.iter().any(|word| word.contains(&text)) {
            words.push(text);
        }
    }
    words.join(": ")
}
