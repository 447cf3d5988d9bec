//! A step server in this process. It has a runtime of its own, so that it can be killed like a process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures::channel::mpsc::{self, Sender};
use futures::future::BoxFuture;
use futures::{FutureExt as _, SinkExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server as Tonic, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use xos_step_server::v1::from_controller::Message as OfController;
use xos_step_server::v1::from_server::Message as ToController;
use xos_step_server::v1::request::Request as Asked;
use xos_step_server::v1::step_server_server::{StepServer, StepServerServer};
use xos_step_server::v1::{
    self, Begin, DescribeRequest, DescribeResponse, FromController, FromServer, Kind, Outcome, Step, answer,
};

/// What the server does in a call.
type Work = Arc<dyn Fn(Begin, Talk) -> BoxFuture<'static, Result<v1::Result, Status>> + Send + Sync>;

/// The server.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
    health: HealthReporter,
    seen: Arc<Mutex<Vec<String>>>,
}

/// What a server has, and what it does.
#[derive(Clone)]
pub(crate) struct Plan {
    describe: DescribeResponse,
    work: Work,
    identity: Option<(String, String)>,
}

#[derive(Clone)]
struct Steps {
    plan: Plan,
    seen: Arc<Mutex<Vec<String>>>,
}

/// The stream of a call, as the server has it.
pub(crate) struct Talk {
    messages: Streaming<FromController>,
    sender: Sender<Result<FromServer, Status>>,
    asked: u64,
}

impl Plan {
    /// Returns one with these steps: their kinds and names.
    pub(crate) fn of<F>(steps: &[(Kind, &str)], work: impl Fn(Begin, Talk) -> F + Send + Sync + Clone + 'static) -> Self
    where
        F: Future<Output = Result<v1::Result, Status>> + Send + 'static,
    {
        let step =
            |(kind, name): &(Kind, &str)| Step { name: (*name).to_owned(), kind: (*kind).into(), ..Step::default() };
        let describe = DescribeResponse {
            name: "test".to_owned(),
            version: "1".to_owned(),
            steps: steps.iter().map(step).collect(),
            max_concurrency: 0,
        };
        let work = move |begin, talk| {
            let work = work.clone();
            async move { work(begin, talk).await }.boxed()
        };
        Self { describe, work: Arc::new(work), identity: None }
    }

    pub(crate) fn limited(mut self, max_concurrency: u32) -> Self {
        self.describe.max_concurrency = max_concurrency;
        self
    }

    pub(crate) fn handling_deletions(mut self) -> Self {
        self.describe.steps.iter_mut().for_each(|step| step.handles_delete = true);
        self
    }

    /// With a certificate and its key.
    pub(crate) fn with_tls(mut self, certificate: String, key: String) -> Self {
        self.identity = Some((certificate, key));
        self
    }

    pub(crate) fn start(self) -> Served {
        self.start_at("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn start_at(self, address: SocketAddr) -> Served {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (health, health_service) = tonic_health::server::health_reporter();
        let identity = self.identity.clone();
        let steps = StepServerServer::new(Steps { plan: self, seen: Arc::clone(&seen) });
        runtime.spawn(async move {
            let mut builder = Tonic::builder();
            if let Some((certificate, key)) = identity {
                let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
                builder = builder.tls_config(tls).unwrap();
            }
            let incoming = TcpIncoming::from(TcpListener::from_std(listener).unwrap());
            let router = builder.add_service(health_service).add_service(steps);
            router.serve_with_incoming(incoming).await.unwrap();
        });
        Served { address, runtime: Some(runtime), health, seen }
    }
}

impl Served {
    /// Returns settings with its address.
    pub(crate) fn settings(&self) -> Value {
        json!({"server": self.address.to_string()})
    }

    /// Returns the calls since the last time: `SyncRecord person ada`.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub(crate) async fn is_well(&self, is_well: bool) {
        let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.health.set_service_status("", status).await;
    }

    /// Ends it, with all its connections.
    pub(crate) fn kill(mut self) {
        self.runtime.take().unwrap().shutdown_background();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Talk {
    /// Asks the controller for something.
    pub(crate) async fn ask(&mut self, request: Asked) -> answer::Answer {
        self.asked += 1;
        let request = v1::Request { id: self.asked, request: Some(request) };
        self.send(ToController::Request(request)).await;
        match self.messages.message().await.unwrap().unwrap().message.unwrap() {
            OfController::Answer(answer) => {
                assert_eq!(answer.id, self.asked);
                answer.answer.unwrap()
            }
            _ => panic!("another message than the answer"),
        }
    }

    /// Waits for the controller to say that it stops.
    pub(crate) async fn stopped(&mut self) -> bool {
        let message = self.messages.message().await.unwrap().unwrap().message.unwrap();
        matches!(message, OfController::Stop(_))
    }

    /// Waits for the controller to cancel the call.
    pub(crate) async fn is_cancelled(&mut self) {
        while let Ok(Some(_)) = self.messages.message().await {}
    }

    async fn send(&mut self, message: ToController) {
        let _ = self.sender.send(Ok(FromServer { message: Some(message) })).await;
    }
}

/// A success that changes these fields.
pub(crate) fn done(changed: &Value) -> v1::Result {
    v1::Result { outcome: Outcome::Succeeded.into(), changed: changed.to_string(), ..v1::Result::default() }
}

pub(crate) fn ended(outcome: Outcome, message: &str) -> v1::Result {
    v1::Result { outcome: outcome.into(), message: message.to_owned(), ..v1::Result::default() }
}

type Answers = mpsc::Receiver<Result<FromServer, Status>>;

impl Steps {
    async fn called(
        &self,
        method: &'static str,
        request: Request<Streaming<FromController>>,
    ) -> Result<Response<Answers>, Status> {
        let mut messages = request.into_inner();
        let Some(OfController::Begin(begin)) = messages.message().await?.and_then(|first| first.message) else {
            return Err(Status::invalid_argument("the first message is no `begin`"));
        };
        let name = begin.object.as_ref().map_or("", |object| &object.name);
        self.seen.lock().unwrap().push(format!("{method} {} {name}", begin.step).trim().to_owned());
        let (mut sender, answers) = mpsc::channel(4);
        let talk = Talk { messages, sender: sender.clone(), asked: 0 };
        let work = (self.plan.work)(begin, talk);
        tokio::spawn(async move {
            let last = work.await.map(|result| FromServer { message: Some(ToController::Result(result)) });
            let _ = sender.send(last).await;
        });
        Ok(Response::new(answers))
    }
}

macro_rules! methods {
    ($($method:ident $stream:ident $name:literal,)*) => {
        #[tonic::async_trait]
        impl StepServer for Steps {
            async fn describe(&self, _: Request<DescribeRequest>) -> Result<Response<DescribeResponse>, Status> {
                Ok(Response::new(self.plan.describe.clone()))
            }

            $(
                type $stream = Answers;

                async fn $method(
                    &self,
                    request: Request<Streaming<FromController>>,
                ) -> Result<Response<Answers>, Status> {
                    self.called($name, request).await
                }
            )*
        }
    };
}

methods! {
    sync_record SyncRecordStream "SyncRecord",
    delete_record DeleteRecordStream "DeleteRecord",
    handle_create HandleCreateStream "HandleCreate",
    handle_update HandleUpdateStream "HandleUpdate",
    handle_delete HandleDeleteStream "HandleDelete",
    pull_records PullRecordsStream "PullRecords",
    process_event ProcessEventStream "ProcessEvent",
}
