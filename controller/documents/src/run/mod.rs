//! Steps and policies that do what documents say.

mod ansible;
mod event;
mod exec;
mod grpc;
mod hidden;
mod http;
mod kubernetes;
mod policy;
mod pull;
mod secrets;
mod sync;
mod tls;

use std::sync::Arc;

use serde_json::Value as Json;
use xos_expressions::{EvaluationError, Template, Values};
use xos_model::Object;
use xos_steps::{StepContext, StoreObjects};

use crate::compile::Target;

pub(crate) use ansible::AnsibleDocument;
pub(crate) use event::EventDocument;
pub(crate) use exec::ExecDocument;
pub(crate) use grpc::{GrpcDocument, GrpcEventDocument, GrpcPolicyDocument, GrpcPullDocument, Served};
pub(crate) use http::HttpDocument;
pub(crate) use kubernetes::KubernetesDocument;
pub(crate) use policy::{CompiledAction, CompiledApply, PolicyDocument, What};
pub(crate) use pull::{PullDocument, Source};
pub(crate) use sync::{SyncDocument, SyncHow};

/// Returns the variables that all expressions have.
fn values(ctx: &StepContext) -> Values {
    Values::new(Arc::new(StoreObjects::of(ctx.shared_store()))).with("settings", ctx.settings())
}

/// Returns whether a condition is met; one that is not there is.
fn is_met(condition: Option<&Template>, values: &Values) -> Result<bool, EvaluationError> {
    match condition.map(|condition| (condition, condition.expression())) {
        None => Ok(true),
        Some((_, Some(expression))) => expression.is_true(values),
        Some((text, None)) => Ok(text.value(values)? == Json::Bool(true)),
    }
}

/// Sets fields of an object.
fn set_all(targets: &[Target], object: &mut Object, values: &Values) -> Result<(), EvaluationError> {
    for target in targets {
        let value = target.value(values, &object.meta.namespace)?;
        object.set(&target.name, value);
    }
    Ok(())
}
