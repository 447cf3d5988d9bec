//! Sync steps.

use std::sync::Arc;

use futures::FutureExt as _;
use xos_expressions::{NoObjects, Properties, Template, Values};
use xos_model::{Object, Resync};
use xos_step_server::{Method, Subject};
use xos_steps::{Act, DynSyncStep, StepContext};
use xos_xproto::ModelSet;

use super::{AnsibleDocument, ExecDocument, GrpcDocument, HttpDocument, KubernetesDocument, is_met, values};

/// A sync step.
pub(crate) struct SyncDocument {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) models: Arc<ModelSet>,
    pub(crate) properties: Arc<Properties>,
    pub(crate) model: String,
    pub(crate) when: Option<Template>,
    pub(crate) resync: Resync,
    pub(crate) concurrency: Option<usize>,
    pub(crate) external: Vec<String>,
    pub(crate) how: SyncHow,
}

/// What a sync step does.
pub(crate) enum SyncHow {
    Http(Box<HttpDocument>),
    Exec(Box<ExecDocument>),
    Grpc(Box<GrpcDocument>),
    Kubernetes(Box<KubernetesDocument>),
    Ansible(Box<AnsibleDocument>),
}

impl DynSyncStep for SyncDocument {
    fn name(&self) -> &str {
        &self.name
    }

    fn revision(&self) -> Option<&str> {
        Some(&self.revision)
    }

    fn observes(&self) -> Vec<String> {
        vec![self.model.clone()]
    }

    fn external_dependencies(&self) -> Vec<String> {
        self.external.clone()
    }

    /// An object whose condition has no value is the step's: it runs, and its error says why.
    fn is_ours(&self, object: &Object) -> bool {
        if self.when.is_none() {
            return true;
        }
        let alone = NoObjects::of(Arc::clone(&self.models)).with_properties(Arc::clone(&self.properties));
        let values = Values::new(Arc::new(alone));
        is_met(self.when.as_ref(), &values.with_object("self", &Arc::new(object.clone()))).unwrap_or(true)
    }

    fn resync(&self) -> Resync {
        self.resync
    }

    fn concurrency(&self) -> Option<usize> {
        self.concurrency
    }

    fn runs_at_start(&self) -> bool {
        matches!(self.how, SyncHow::Kubernetes(_))
    }

    fn sync<'a>(&'a self, ctx: &'a StepContext, object: &'a mut Object) -> Act<'a> {
        async move {
            let values = values(ctx).with_object("self", &Arc::new(object.clone()));
            is_met(self.when.as_ref(), &values)?;
            match &self.how {
                SyncHow::Http(http) => http.sync(ctx, object, values).await,
                SyncHow::Exec(exec) => exec.sync(ctx, object, values).await,
                SyncHow::Grpc(grpc) => grpc.call(ctx, &values, Method::SyncRecord, Subject::Object(object)).await,
                SyncHow::Kubernetes(kubernetes) => kubernetes.sync(ctx, object, values).await,
                SyncHow::Ansible(ansible) => ansible.sync(ctx, object, values).await,
            }
        }
        .boxed()
    }

    fn delete<'a>(&'a self, ctx: &'a StepContext, object: &'a Object) -> Act<'a> {
        let values = values(ctx).with_object("self", &Arc::new(object.clone()));
        match &self.how {
            SyncHow::Http(http) => http.delete(ctx, values).boxed(),
            SyncHow::Exec(exec) => exec.delete(ctx, values).boxed(),
            SyncHow::Grpc(grpc) => {
                async move { grpc.call(ctx, &values, Method::DeleteRecord, Subject::Deleted(object)).await }.boxed()
            }
            SyncHow::Kubernetes(kubernetes) => kubernetes.delete(ctx, object).boxed(),
            SyncHow::Ansible(ansible) => ansible.delete(ctx, values).boxed(),
        }
    }

    fn saved<'a>(&'a self, _: &'a StepContext, _: &'a Object) -> Act<'a> {
        async { Ok(()) }.boxed()
    }
}
