//! What a kubelet writes of a pod.

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::{
    Api, ResourceExt as _,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::FINALIZER;

/// How often finalizers are written again because the pod was changed meanwhile.
const TRIES: usize = 10;

/// Sets the finalizer.
pub(super) async fn hold(api: &Api<Pod>, name: &str) -> Result<(), kube::Error> {
    finalizers(api, name, |all| {
        if !all.iter().any(|one| one == FINALIZER) {
            all.push(FINALIZER.to_owned());
        }
    })
    .await
}

/// Removes the finalizer, if the pod is still there.
pub(super) async fn release(api: &Api<Pod>, name: &str) -> Result<(), kube::Error> {
    finalizers(api, name, |all| all.retain(|one| one != FINALIZER)).await
}

async fn finalizers(api: &Api<Pod>, name: &str, change: impl Fn(&mut Vec<String>)) -> Result<(), kube::Error> {
    for tries in 1.. {
        let Some(pod) = api.get_opt(name).await? else { return Ok(()) };
        let mut all = pod.finalizers().to_vec();
        change(&mut all);
        let version = pod.resource_version();
        let patch = json!({"metadata": {"resourceVersion": version, "finalizers": all}});
        match api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(_) => break,
            Err(kube::Error::Api(status)) if status.is_not_found() => break,
            Err(kube::Error::Api(status)) if status.is_conflict() && tries < TRIES => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Says that the container runs.
pub(super) async fn running(api: &Api<Pod>, name: &str, container: &Container) -> Result<(), kube::Error> {
    write(api, name, "Running", container, false, &json!({"running": {"startedAt": now()}})).await
}

/// Says that it is ready.
pub(super) async fn ready(api: &Api<Pod>, name: &str, container: &Container) -> Result<(), kube::Error> {
    write(api, name, "Running", container, true, &json!({"running": {"startedAt": now()}})).await
}

/// Says how it has ended.
pub(super) async fn ended(api: &Api<Pod>, name: &str, container: &Container, code: i32) -> Result<(), kube::Error> {
    let phase = if code == 0 { "Succeeded" } else { "Failed" };
    let state = json!({"terminated": {"exitCode": code, "finishedAt": now(), "startedAt": now()}});
    write(api, name, phase, container, false, &state).await
}

async fn write(
    api: &Api<Pod>,
    name: &str,
    phase: &str,
    container: &Container,
    is_ready: bool,
    state: &Value,
) -> Result<(), kube::Error> {
    let is = |kind: &str, value: bool| json!({"type": kind, "status": if value { "True" } else { "False" }, "lastTransitionTime": now()});
    let status = json!({"status": {
        "phase": phase,
        "startTime": now(),
        "podIP": "127.0.0.1",
        "conditions": [is("PodScheduled", true), is("Initialized", true), is("ContainersReady", is_ready),
            is("Ready", is_ready)],
        "containerStatuses": [{
            "name": container.name, "image": container.image, "imageID": "", "restartCount": 0, "ready": is_ready,
            "started": true, "state": state,
        }],
    }});
    match api.patch_status(name, &PatchParams::default(), &Patch::Merge(status)).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

fn now() -> String {
    k8s_openapi::jiff::Timestamp::now().to_string()
}
