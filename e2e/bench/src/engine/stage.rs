//! What all measurements need: a control plane, the kinds, the programs.

use std::{
    cell::Cell,
    collections::HashSet,
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::api::{
    admissionregistration::v1::{MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding},
    core::v1::Namespace,
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, ObjectMeta, PostParams},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use xos_engine::install::install;
use xos_harness::{Cluster, control::ServeOptions, eventually, models};

use super::{
    Error,
    counts::Counts,
    documents::Backend,
    load::{Load, Target, Writes},
    programs::Programs,
    step::MODELS,
    usage::{self, Usage},
};

/// The group of the kinds.
pub(super) const GROUP: &str = "bench.xos.opencord.org";
const THINGS: &str = "bench.xos.opencord.org/v1/things";
const LINKS: &str = "bench.xos.opencord.org/v1/links";

/// Every five minutes the API server reads all objects from etcd, to compare them with its cache. With a hundred thousand
/// objects that takes all processors for ten seconds, at a time that is not the same for those that are compared.
const NO_CHECKS: &str = "--feature-gates=DetectCacheInconsistency=false";
/// How long an admission policy may take until it is in force.
const IN_FORCE: Duration = Duration::from_secs(10);

/// The control plane with everything that the measurements need.
pub(super) struct Stage {
    cluster: Cluster,
    client: Client,
    programs: Programs,
    folder: tempfile::TempDir,
    backend: Backend,
    namespaces: Cell<u32>,
    /// Admission policies that existed before.
    policies: HashSet<String>,
}

impl Stage {
    /// Builds missing programs, starts the control plane (or uses the one of a parent process), and installs the kinds.
    pub(super) async fn set(with_kopf: bool) -> Result<Self, Error> {
        let programs = Programs::ready(with_kopf)?;
        let cluster = match std::env::var_os("XOS_E2E_KUBECONFIG") {
            Some(_) => Cluster::given_or_own().await?,
            None => Cluster::start(ServeOptions::with_api_server_flags(&[NO_CHECKS])).await?,
        };
        let client = cluster.admin().await?;
        install(&client, xos_crds::definitions(&models::from_text(MODELS)?)).await?;
        let folder = cluster.folder("xos-bench-")?;
        let policies = names::<MutatingAdmissionPolicy>(&client).await?;
        let backend = Backend::start()?;
        Ok(Self { cluster, client, programs, folder, backend, namespaces: Cell::new(0), policies })
    }

    pub(super) fn kubeconfig(&self) -> &Path {
        self.cluster.kubeconfig()
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Returns the URL of the backend of steps.
    pub(super) fn backend(&self) -> String {
        self.backend.url()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a new namespace.
    pub(super) async fn namespace(&self) -> Result<String, Error> {
        let count = self.namespaces.get() + 1;
        self.namespaces.set(count);
        let name = format!("bench-{}-{count}", std::process::id());
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(self.client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(name)
    }

    /// Starts a load generator for things.
    pub(super) fn things(&self, namespace: &str, writes: Writes) -> Result<Load, Error> {
        self.load(Target { resource: THINGS, kind: "Thing", namespace }, writes)
    }

    /// Starts a load generator for links.
    pub(super) fn links(&self, namespace: &str, writes: Writes) -> Result<Load, Error> {
        self.load(Target { resource: LINKS, kind: "Link", namespace }, writes)
    }

    fn load(&self, of: Target<'_>, writes: Writes) -> Result<Load, Error> {
        Ok(Load::start(&self.programs.load(), self.kubeconfig(), of, writes, &self.file("load.log"))?)
    }

    /// Returns the writes so far.
    pub(super) async fn counts(&self) -> Result<Counts, Error> {
        Ok(Counts::now(&self.client).await?)
    }

    /// Returns the processor time of API server and etcd so far, or nothing if another process started them.
    pub(super) fn server_cpu(&self) -> Option<Duration> {
        let folder = &self.cluster.served()?.ready().data_dir;
        let used = usage::of_control_plane(folder).into_iter().filter_map(|process| Usage::of(process).ok());
        Some(used.map(|usage| usage.cpu).sum())
    }

    /// Waits until new things are created with finalizers: a policy is in force a moment after it was made. Returns
    /// whether they are.
    pub(super) async fn sets_finalizers(&self, namespace: &str) -> Result<bool, Error> {
        let thing = GroupVersionKind::gvk(GROUP, "v1", "Thing");
        let resource = ApiResource::from_gvk_with_plural(&thing, "things");
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource);
        let trial = DynamicObject::new("trial", &resource).data(json!({"spec": {}}));
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        let look = async || match api.create(&parameters, &trial).await {
            Ok(created) if created.metadata.finalizers.is_some() => Ok(()),
            Ok(_) => Err("it has none".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        Ok(eventually(IN_FORCE, "a thing that is created with finalizers", look).await.is_ok())
    }

    /// Removes the admission policies that controllers have made, because the next controller is measured without them.
    pub(super) async fn remove_policies(&self) -> Result<(), Error> {
        let api: Api<MutatingAdmissionPolicy> = Api::all(self.client.clone());
        let bindings: Api<MutatingAdmissionPolicyBinding> = Api::all(self.client.clone());
        let listed = bindings.list(&ListParams::default()).await?;
        for name in names::<MutatingAdmissionPolicy>(&self.client).await?.difference(&self.policies) {
            let is_its = |binding: &&MutatingAdmissionPolicyBinding| {
                binding.spec.as_ref().and_then(|spec| spec.policy_name.as_ref()) == Some(name)
            };
            for binding in listed.iter().filter(is_its) {
                bindings.delete(&binding.name_any(), &DeleteParams::default()).await?;
            }
            api.delete(name, &DeleteParams::default()).await?;
        }
        Ok(())
    }
}

async fn names<K>(client: &Client) -> Result<HashSet<String>, kube::Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let all = Api::<K>::all(client.clone()).list(&ListParams::default()).await?;
    Ok(all.iter().map(K::name_any).collect())
}
