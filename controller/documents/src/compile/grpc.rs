//! Steps of step servers.

use std::sync::Arc;
use std::time::Duration;

use xos_expressions::{Scope, Template, Type};
use xos_step_server::{Address, Kind, Wanted};
use xos_xproto::Model;
use xos_yaml::Node;

use super::event::event_type;
use super::{Compiler, of_class};
use crate::kinds::{EventStepSpec, GrpcPolicy, GrpcStep, ModelPolicySpec, PullStepSpec, parse_duration};
use crate::problem::Problem;
use crate::read::Document;
use crate::run::{GrpcDocument, GrpcEventDocument, GrpcPolicyDocument, GrpcPullDocument};

/// How long a call may take, if the document does not say it.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What the server does itself.
const OF_POLICY: [&str; 3] = ["set", "do", "onDelete"];
const OF_PULL: [&str; 9] = ["http", "exec", "items", "when", "key", "fields", "namespace", "vanished", "yielding"];
const OF_EVENT: [&str; 4] = ["key", "fields", "create", "save"];

/// How a connection is protected.
#[derive(Clone, Debug)]
pub(crate) struct CompiledGrpcTls {
    pub(crate) ca: Option<Template>,
    pub(crate) identity: Option<(Template, Template)>,
    pub(crate) server_name: Option<Template>,
}

/// Returns whether a document is of a step server.
pub(super) fn is_grpc(document: &Document) -> bool {
    document.spec.at("grpc").is_some()
}

impl Compiler<'_> {
    pub(super) fn grpc_policy(&mut self, document: &Document) -> Option<GrpcPolicyDocument> {
        let spec: ModelPolicySpec = self.read(&document.spec, &document.place)?;
        let GrpcPolicy { step, handles_delete } = spec.grpc?;
        self.check_without(&document.spec, &OF_POLICY);
        let model = self.model(&document.spec, "model");
        let scope = self.scope().with("self", of_class(model));
        let when = self.condition(document.spec.at("when"), &scope);
        let grpc = self.grpc(document, &step, (Kind::Policy, model, handles_delete), &scope);
        let model = model?.name.clone();
        Some(GrpcPolicyDocument { name: document.name.clone(), model, when: when?, grpc: grpc? })
    }

    pub(super) fn grpc_pull(&mut self, document: &Document) -> Option<GrpcPullDocument> {
        let spec: PullStepSpec = self.read(&document.spec, &document.place)?;
        self.check_without(&document.spec, &OF_PULL);
        let model = self.model(&document.spec, "model");
        let grpc = self.grpc(document, &spec.grpc?, (Kind::PullStep, model, false), &self.scope());
        let every = spec.every.as_deref().and_then(parse_duration);
        Some(GrpcPullDocument { name: document.name.clone(), model: model?.name.clone(), every, grpc: grpc? })
    }

    pub(super) fn grpc_event(&mut self, document: &Document) -> Option<GrpcEventDocument> {
        let spec: EventStepSpec = self.read(&document.spec, &document.place)?;
        self.check_without(&document.spec, &OF_EVENT);
        let model = spec.model.is_some().then(|| self.model(&document.spec, "model"));
        let scope = self.scope().with("event", event_type());
        let when = self.condition(document.spec.at("when"), &scope);
        self.check_topics(&document.spec, &spec);
        let grpc = self.grpc(document, spec.grpc.as_ref()?, (Kind::EventStep, model.flatten(), false), &scope);
        if matches!(model, Some(None)) {
            return None;
        }
        Some(GrpcEventDocument {
            name: document.name.clone(),
            topics: spec.topics,
            pattern: spec.pattern,
            group: spec.group,
            concurrency: spec.concurrency.map(std::num::NonZeroUsize::get),
            when: when?,
            grpc: grpc?,
        })
    }

    /// Reads the step of a server. Its address and files are expressions of settings only, since all objects have the
    /// same ones.
    pub(super) fn grpc(
        &mut self,
        document: &Document,
        spec: &GrpcStep,
        (kind, model, handles_delete): (Kind, Option<&Model>, bool),
        scope: &Scope<'_>,
    ) -> Option<GrpcDocument> {
        let node = document.spec.at("grpc")?;
        let settings = self.scope();
        let address = self.address(node, &settings);
        self.check_constant(node, "step");
        let input = self.value_at(node, "input", scope);
        let tls = node.at("tls").map_or(Some(None), |at| self.grpc_tls(at, &settings).map(Some));
        let step = spec.step.clone().unwrap_or_else(|| document.name.clone());
        let model = model.map(|model| model.name.clone());
        let grpc = GrpcDocument {
            servers: Arc::clone(&self.servers),
            address: address?,
            tls: tls?,
            wanted: Wanted { kind, step, model, handles_delete },
            timeout: spec.timeout.as_deref().and_then(parse_duration).unwrap_or(TIMEOUT),
            input: input?,
        };
        self.served.push(grpc.clone());
        Some(grpc)
    }

    fn address(&mut self, node: &Node, settings: &Scope<'_>) -> Option<Template> {
        let template = self.template_at(node, "address", settings, &Type::Text)?;
        let (text, place) = node.text("address")?;
        match text.parse::<Address>() {
            Err(error) if !text.contains("${") => {
                let place = place.clone();
                self.report.push(Problem::Address { message: error.to_string() }, &place);
                None
            }
            _ => Some(template),
        }
    }

    fn grpc_tls(&mut self, node: &Node, settings: &Scope<'_>) -> Option<CompiledGrpcTls> {
        let mut file = |key| node.at(key).map_or(Some(None), |at| self.template(at, settings, &Type::Text).map(Some));
        let (ca, certificate, key, server_name) = (file("ca"), file("certificate"), file("key"), file("serverName"));
        let identity = match (certificate?, key?) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (certificate, _) => {
                let (there, missing) =
                    if certificate.is_some() { ("certificate", "key") } else { ("key", "certificate") };
                self.report.push(Problem::HalfIdentity { there, missing }, &node.place);
                return None;
            }
        };
        Some(CompiledGrpcTls { ca: ca?, identity, server_name: server_name? })
    }

    /// Notes keys whose work is the server's.
    fn check_without(&mut self, node: &Node, keys: &[&'static str]) {
        for key in keys {
            if let Some(at) = node.at(key) {
                self.report.push(Problem::NotWithGrpc { key }, &at.place);
            }
        }
    }
}
