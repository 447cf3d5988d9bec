//! Steps of step servers.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use xos_expressions::{EvaluationError, Template, Values};
use xos_model::{Object, Operation};
use xos_step_server::{AddressError, Call, Method, Server, Servers, Subject, Target, Tls, Wanted};
use xos_steps::{Act, AtStart, BusEvent, DynPolicy, DynPullStep, EventStep, StepContext, StepError};

use super::event::{CONCURRENCY, seen};
use super::pull::PERIOD;
use super::{is_met, values};
use crate::compile::{CompiledGrpcTls, Tree};

/// A step of a step server.
#[derive(Clone, Debug)]
pub(crate) struct GrpcDocument {
    pub(crate) servers: Arc<Servers>,
    pub(crate) address: Template,
    pub(crate) tls: Option<CompiledGrpcTls>,
    pub(crate) wanted: Wanted,
    pub(crate) timeout: Duration,
    pub(crate) input: Option<Tree>,
}

/// Why there is no server to call.
#[derive(Debug, thiserror::Error)]
enum ServerError {
    #[error(transparent)]
    Expression(#[from] EvaluationError),
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl GrpcDocument {
    /// Calls the step.
    pub(crate) async fn call(
        &self,
        ctx: &StepContext,
        values: &Values,
        method: Method,
        subject: Subject<'_>,
    ) -> Result<(), StepError> {
        let input = match &self.input {
            Some(input) => input.value(values)?.to_string(),
            None => String::new(),
        };
        let call = Call { ctx, wanted: &self.wanted, method, input, timeout: self.timeout };
        if let Some(outside) = ctx.outside() {
            return call.answered_by(outside, subject);
        }
        self.server(values)?.call(call, subject).await
    }

    fn server(&self, values: &Values) -> Result<Arc<Server>, ServerError> {
        let address = self.address.text(values)?.parse()?;
        let tls = self.tls.as_ref().map(|tls| tls.evaluated(values)).transpose()?;
        Ok(self.servers.at(&Target { address, tls }))
    }
}

impl CompiledGrpcTls {
    fn evaluated(&self, values: &Values) -> Result<Tls, EvaluationError> {
        let text = |template: &Option<Template>| template.as_ref().map(|text| text.text(values)).transpose();
        let identity = match &self.identity {
            Some((certificate, key)) => Some((certificate.text(values)?.into(), key.text(values)?.into())),
            None => None,
        };
        Ok(Tls { ca: text(&self.ca)?.map(Into::into), identity, server_name: text(&self.server_name)? })
    }
}

/// All steps of step servers. They are looked for when the program starts, so that one that is missing is told before an
/// object needs it.
pub(crate) struct Served(pub(crate) Vec<GrpcDocument>);

impl AtStart for Served {
    fn start<'a>(&'a self, ctx: &'a StepContext) -> BoxFuture<'a, Vec<String>> {
        let values = values(ctx);
        async move {
            let mut wrong = vec![];
            for grpc in &self.0 {
                let found = match grpc.server(&values) {
                    Ok(server) => server.check(&grpc.wanted).await,
                    Err(error) => Err(error.to_string()),
                };
                // A server that is away is said once.
                wrong.extend(found.err().filter(|words| !wrong.contains(words)));
            }
            wrong
        }
        .boxed()
    }
}

/// A policy of a step server.
pub(crate) struct GrpcPolicyDocument {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) when: Option<Template>,
    pub(crate) grpc: GrpcDocument,
}

impl DynPolicy for GrpcPolicyDocument {
    fn name(&self) -> &str {
        &self.name
    }

    fn observes(&self) -> &str {
        &self.model
    }

    fn handles_delete(&self) -> bool {
        self.grpc.wanted.handles_delete
    }

    fn handle<'a>(&'a self, operation: Operation, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let values = values(ctx).with_object("self", &Arc::new(object.clone()));
            if !is_met(self.when.as_ref(), &values)? {
                return Ok(());
            }
            let (method, subject) = match operation {
                Operation::PolicyCreate => (Method::HandleCreate, Subject::Object(object)),
                Operation::PolicyDelete => (Method::HandleDelete, Subject::Deleted(object)),
                _ => (Method::HandleUpdate, Subject::Object(object)),
            };
            self.grpc.call(ctx, &values, method, subject).await
        }
        .boxed()
    }

    fn saved<'a>(&'a self, _: &'a StepContext, _: &'a Object) -> Act<'a> {
        async { Ok(()) }.boxed()
    }
}

/// A pull step of a step server.
pub(crate) struct GrpcPullDocument {
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) every: Option<Duration>,
    pub(crate) grpc: GrpcDocument,
}

impl DynPullStep for GrpcPullDocument {
    fn name(&self) -> &str {
        &self.name
    }

    fn observes(&self) -> &str {
        &self.model
    }

    fn period(&self) -> Duration {
        self.every.unwrap_or(PERIOD)
    }

    fn time_limit(&self) -> Option<Duration> {
        None
    }

    fn pull<'a>(&'a self, ctx: &'a StepContext) -> Act<'a> {
        async move { self.grpc.call(ctx, &values(ctx), Method::PullRecords, Subject::Nothing).await }.boxed()
    }
}

/// An event step of a step server.
pub(crate) struct GrpcEventDocument {
    pub(crate) name: String,
    pub(crate) topics: Vec<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) concurrency: Option<usize>,
    pub(crate) when: Option<Template>,
    pub(crate) grpc: GrpcDocument,
}

impl EventStep for GrpcEventDocument {
    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }

    fn pattern(&self) -> Option<String> {
        self.pattern.clone()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn group(&self, synchronizer: &str) -> String {
        self.group.clone().unwrap_or_else(|| format!("{synchronizer}.{}", self.name))
    }

    fn concurrency(&self) -> usize {
        self.concurrency.unwrap_or(CONCURRENCY)
    }

    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let values = values(ctx).with("event", &seen(event));
        if !is_met(self.when.as_ref(), &values)? {
            return Ok(());
        }
        self.grpc.call(ctx, &values, Method::ProcessEvent, Subject::Event(event)).await
    }
}
