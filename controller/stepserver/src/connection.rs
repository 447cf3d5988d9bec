//! A connection to a server, from when its health is good and it has said what it has.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::LONGEST;
use crate::address::{Target, TargetError};
use crate::described::{Described, Mismatch, Wanted};
use crate::permits::Permits;
use crate::v1::DescribeRequest;
use crate::v1::step_server_client::StepServerClient;

/// How long a server may take to say how it is, and what it has.
const ANSWER: Duration = Duration::from_secs(5);

/// A connection.
pub(crate) struct Connection {
    pub(crate) client: StepServerClient<Channel>,
    pub(crate) described: Described,
    pub(crate) permits: Permits,
    health: watch::Sender<Health>,
    /// The documents whose mismatch the log has told.
    told: Mutex<HashSet<Wanted>>,
    _watcher: AbortOnDropHandle<()>,
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It takes calls.
    Serving,
    /// It says that it takes none.
    NotServing,
    /// The connection is broken: there has to be a new one.
    Lost,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// There is no way to it.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It says that it takes no calls.
    #[error("it is not serving: its health is {0}")]
    NotServing(&'static str),
    /// It does not answer.
    #[error("it does not answer within {ANSWER:?}")]
    Silent,
    /// It does not say how it is, or what it has.
    #[error("{method} failed: {} ({})", status.message(), status.code())]
    Status { method: &'static str, status: Box<Status> },
    /// It is no step server.
    #[error("it is no step server: it has no xos.steps.v1.StepServer/Describe")]
    Other,
}

impl Connection {
    /// Connects to a server.
    pub(crate) async fn open(target: &Target) -> Result<Self, ConnectError> {
        let channel = target.endpoint().await?.connect().await.map_err(TargetError::from)?;
        let mut health = HealthClient::new(channel.clone());
        check(&mut health).await?;
        let mut client =
            StepServerClient::new(channel).max_decoding_message_size(LONGEST).max_encoding_message_size(LONGEST);
        let described = Described::of(describe(&mut client).await?);
        let (said, _) = watch::channel(Health::Serving);
        let watcher = AbortOnDropHandle::new(tokio::spawn(watch(health, said.clone())));
        let permits = Permits::of(&described);
        Ok(Self { client, described, permits, health: said, told: Mutex::default(), _watcher: watcher })
    }

    pub(crate) fn health(&self) -> Health {
        *self.health.borrow()
    }

    /// Notes that the connection is broken.
    pub(crate) fn lose(&self) {
        self.health.send_replace(Health::Lost);
    }

    /// Checks that the server has what a document wants. What it has not is told once in the log.
    pub(crate) fn check(&self, wanted: &Wanted, server: &str) -> Result<(), Mismatch> {
        let checked = self.described.check(wanted, server);
        if let Err(mismatch) = &checked
            && self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(wanted.clone())
        {
            tracing::error!(step = wanted.step, "{mismatch}");
        }
        checked
    }
}

/// Asks how a server is. One that has no health service is well.
async fn check(health: &mut HealthClient<Channel>) -> Result<(), ConnectError> {
    let checked = tokio::time::timeout(ANSWER, health.check(HealthCheckRequest::default())).await;
    match checked.map_err(|_| ConnectError::Silent)? {
        Ok(response) => match response.get_ref().status() {
            ServingStatus::Serving => Ok(()),
            other => Err(ConnectError::NotServing(other.as_str_name())),
        },
        Err(status) if status.code() == Code::Unimplemented => Ok(()),
        Err(status) => Err(ConnectError::Status { method: "grpc.health.v1.Health/Check", status: Box::new(status) }),
    }
}

async fn describe(client: &mut StepServerClient<Channel>) -> Result<crate::v1::DescribeResponse, ConnectError> {
    let request = DescribeRequest { controller_version: env!("CARGO_PKG_VERSION").to_owned() };
    let described = tokio::time::timeout(ANSWER, client.describe(request)).await;
    match described.map_err(|_| ConnectError::Silent)? {
        Ok(response) => Ok(response.into_inner()),
        Err(status) if status.code() == Code::Unimplemented => Err(ConnectError::Other),
        Err(status) => Err(ConnectError::Status { method: "Describe", status: Box::new(status) }),
    }
}

/// Watches how a server is, until the connection breaks.
async fn watch(mut health: HealthClient<Channel>, said: watch::Sender<Health>) {
    let ended = async {
        let mut stream = health.watch(HealthCheckRequest::default()).await?.into_inner();
        while let Some(response) = stream.message().await? {
            let now = of(&response);
            said.send_if_modified(|health| *health != Health::Lost && std::mem::replace(health, now) != now);
        }
        Ok::<(), Status>(())
    };
    match ended.await {
        // A broken connection shows at the next call.
        Err(status) if status.code() == Code::Unimplemented => {}
        _ => drop(said.send_replace(Health::Lost)),
    }
}

fn of(response: &HealthCheckResponse) -> Health {
    match response.status() {
        ServingStatus::Serving => Health::Serving,
        _ => Health::NotServing,
    }
}
