//! Whether an object of Kubernetes is what its spec says, as kstatus has it (`kubectl wait`, Argo CD and Flux use the same
//! rules). Pure.

use serde_json::Value as Json;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is as it should be.
    Ready,
    /// Not yet.
    InProgress(String),
    /// It will not become so by itself.
    Failed(String),
}

use Readiness::{Failed, InProgress, Ready};

/// Returns how far an object is.
pub(crate) fn readiness(object: &Json) -> Readiness {
    let metadata = &object["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        return waits("it is being deleted");
    }
    let (status, generation) = (&object["status"], metadata["generation"].as_i64());
    if status["observedGeneration"].as_i64().zip(generation).is_some_and(|(seen, now)| seen < now) {
        return waits("its controller has not seen its present spec yet");
    }
    if is_true(status, "Stalled") {
        return Failed(message(status, "Stalled"));
    }
    if is_true(status, "Reconciling") {
        return InProgress(message(status, "Reconciling"));
    }
    let group = object["apiVersion"].as_str().unwrap_or_default().rsplit_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") => replicas(object, "availableReplicas", "available"),
        ("batch", "Job") => job(status),
        ("", "Pod") => pod(status),
        ("", "PersistentVolumeClaim") => phase(status, "Bound"),
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(status),
        _ => generic(status),
    }
}

fn waits(why: &str) -> Readiness {
    InProgress(why.to_owned())
}

fn condition<'s>(status: &'s Json, of: &str) -> Option<&'s Json> {
    status["conditions"].as_array()?.iter().find(|one| one["type"] == of)
}

fn is_true(status: &Json, of: &str) -> bool {
    condition(status, of).is_some_and(|one| one["status"] == "True")
}

/// Returns what a condition says: its message, or its reason.
fn message(status: &Json, of: &str) -> String {
    let said = condition(status, of).and_then(|one| {
        let texts = [&one["message"], &one["reason"]].map(|text| text.as_str().unwrap_or_default());
        texts.into_iter().find(|text| !text.is_empty()).map(str::to_owned)
    });
    said.unwrap_or_else(|| format!("its condition {of}"))
}

fn count(status: &Json, key: &str) -> i64 {
    status[key].as_i64().unwrap_or_default()
}

fn wanted(object: &Json) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// Compares a count of replicas with what is wanted.
fn replicas(object: &Json, key: &str, what: &str) -> Readiness {
    let (wanted, is) = (wanted(object), count(&object["status"], key));
    if is < wanted { InProgress(format!("{is} of {wanted} replicas are {what}")) } else { Ready }
}

fn deployment(object: &Json) -> Readiness {
    let status = &object["status"];
    let progress = condition(status, "Progressing");
    if progress.is_some_and(|one| one["reason"] == "ProgressDeadlineExceeded") {
        return Failed(message(status, "Progressing"));
    }
    if status["observedGeneration"].is_null() {
        return waits("its controller has not seen it yet");
    }
    let updated = replicas(object, "updatedReplicas", "updated");
    if updated != Ready {
        return updated;
    }
    let (updated, all) = (count(status, "updatedReplicas"), count(status, "replicas"));
    if all > updated {
        return InProgress(format!("{} old replicas are still there", all - updated));
    }
    replicas(object, "availableReplicas", "available")
}

fn stateful_set(object: &Json) -> Readiness {
    let status = &object["status"];
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return replicas(object, "readyReplicas", "ready");
    }
    let ready = replicas(object, "readyReplicas", "ready");
    if ready != Ready {
        return ready;
    }
    let partition = object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or_default();
    let to_update = (wanted(object) - partition).max(0);
    let updated = count(status, "updatedReplicas");
    let is_rolling = status["currentRevision"] != status["updateRevision"];
    if is_rolling && updated < to_update {
        return InProgress(format!("{updated} of {to_update} replicas are updated"));
    }
    Ready
}

fn daemon_set(object: &Json) -> Readiness {
    let status = &object["status"];
    if status["observedGeneration"].is_null() {
        return waits("its controller has not seen it yet");
    }
    let wanted = count(status, "desiredNumberScheduled");
    for (key, what) in
        [("updatedNumberScheduled", "updated"), ("numberAvailable", "available"), ("numberReady", "ready")]
    {
        let is = count(status, key);
        if is < wanted {
            return InProgress(format!("{is} of {wanted} pods are {what}"));
        }
    }
    Ready
}

/// A Job is ready when it has succeeded: what comes after it counts on that.
fn job(status: &Json) -> Readiness {
    if is_true(status, "Failed") {
        return Failed(message(status, "Failed"));
    }
    if is_true(status, "Complete") {
        return Ready;
    }
    let (active, failed) = (count(status, "active"), count(status, "failed"));
    InProgress(format!("it is not complete: {active} pods are active, {failed} have failed"))
}

fn pod(status: &Json) -> Readiness {
    match status["phase"].as_str() {
        Some("Succeeded") => Ready,
        Some("Failed") => Failed(status["message"].as_str().unwrap_or("the pod has failed").to_owned()),
        Some("Running") if is_true(status, "Ready") => Ready,
        Some(phase) => InProgress(waiting_container(status).unwrap_or_else(|| format!("its phase is {phase}"))),
        None => waits("it has no phase yet"),
    }
}

/// Returns why a container of a pod does not run.
fn waiting_container(status: &Json) -> Option<String> {
    let all = status["containerStatuses"].as_array()?;
    let (name, waiting) = all.iter().find_map(|one| Some((one["name"].as_str()?, one["state"].get("waiting")?)))?;
    Some(format!("container {name} waits: {}", waiting["reason"].as_str().unwrap_or("it has not started")))
}

fn phase(status: &Json, wanted: &str) -> Readiness {
    match status["phase"].as_str() {
        Some(phase) if phase == wanted => Ready,
        Some(phase) => InProgress(format!("its phase is {phase}")),
        None => waits("it has no phase yet"),
    }
}

fn service(object: &Json) -> Readiness {
    let has_none = object["status"]["loadBalancer"]["ingress"].as_array().is_none_or(Vec::is_empty);
    let is_external = object["spec"]["type"] == "LoadBalancer";
    if is_external && has_none { waits("its load balancer has no address yet") } else { Ready }
}

fn definition(status: &Json) -> Readiness {
    if condition(status, "NamesAccepted").is_some_and(|one| one["status"] == "False") {
        return Failed(message(status, "NamesAccepted"));
    }
    if is_true(status, "Established") { Ready } else { waits("it is not established yet") }
}

/// An object of another kind: its condition `Ready`, if it has one.
fn generic(status: &Json) -> Readiness {
    match condition(status, "Ready") {
        None => Ready,
        Some(one) if one["status"] == "True" => Ready,
        Some(_) => InProgress(message(status, "Ready")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(kind: &str, spec: &Json, status: &Json) -> Json {
        let (version, kind) = kind.rsplit_once(' ').unwrap();
        json!({"apiVersion": version, "kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status})
    }

    fn with(of: &str, is: &str, why: &str) -> Json {
        json!({"observedGeneration": 2, "conditions": [{"type": of, "status": is, "reason": "R", "message": why}]})
    }

    #[test]
    fn objects_are_judged_as_kstatus_does() {
        let ready = json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2,
            "readyReplicas": 2});
        let changed = |key: &str, value: i64| {
            let mut status = ready.clone();
            status[key] = json!(value);
            status
        };
        let two = json!({"replicas": 2});
        let late = json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "too slow"}]});
        let daemons = json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2,
            "numberAvailable": 1, "numberReady": 2});
        let waiting = json!({"phase": "Pending", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ErrImagePull"}}}]});
        let table = [
            ("v1 ConfigMap", json!({}), json!(null), "ready"),
            ("apps/v1 Deployment", two.clone(), ready.clone(), "ready"),
            ("apps/v1 Deployment", two.clone(), json!(null), "not yet: its controller has not seen it yet"),
            (
                "apps/v1 Deployment",
                two.clone(),
                changed("observedGeneration", 1),
                "not yet: its controller has not seen its present spec yet",
            ),
            ("apps/v1 Deployment", two.clone(), changed("updatedReplicas", 1), "not yet: 1 of 2 replicas are updated"),
            ("apps/v1 Deployment", two.clone(), changed("replicas", 3), "not yet: 1 old replicas are still there"),
            (
                "apps/v1 Deployment",
                two.clone(),
                changed("availableReplicas", 0),
                "not yet: 0 of 2 replicas are available",
            ),
            ("apps/v1 Deployment", two.clone(), late, "failed: too slow"),
            ("apps/v1 Deployment", json!({"replicas": 0}), json!({"observedGeneration": 2}), "ready"),
            ("apps/v1 StatefulSet", two.clone(), changed("readyReplicas", 1), "not yet: 1 of 2 replicas are ready"),
            ("apps/v1 StatefulSet", two.clone(), ready.clone(), "ready"),
            ("apps/v1 DaemonSet", json!({}), daemons, "not yet: 1 of 2 pods are available"),
            (
                "batch/v1 Job",
                json!({}),
                json!({"active": 1}),
                "not yet: it is not complete: 1 pods are active, 0 have failed",
            ),
            ("batch/v1 Job", json!({}), with("Complete", "True", ""), "ready"),
            ("batch/v1 Job", json!({}), with("Failed", "True", "no luck"), "failed: no luck"),
            ("v1 Pod", json!({}), waiting, "not yet: container a waits: ErrImagePull"),
            ("v1 Pod", json!({}), json!({"phase": "Failed", "message": "evicted"}), "failed: evicted"),
            (
                "v1 Pod",
                json!({}),
                json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
                "ready",
            ),
            ("v1 PersistentVolumeClaim", json!({}), json!({"phase": "Pending"}), "not yet: its phase is Pending"),
            ("v1 Service", json!({"type": "LoadBalancer"}), json!({}), "not yet: its load balancer has no address yet"),
            ("v1 Service", json!({}), json!({}), "ready"),
            ("x.org/v1 Other", json!({}), with("Ready", "False", "soon"), "not yet: soon"),
            ("x.org/v1 Other", json!({}), with("Ready", "Unknown", ""), "not yet: R"),
            ("x.org/v1 Other", json!({}), with("Ready", "True", ""), "ready"),
            ("x.org/v1 Other", json!({}), with("Stalled", "True", "stuck"), "failed: stuck"),
            ("x.org/v1 Other", json!({}), with("Reconciling", "True", "busy"), "not yet: busy"),
            ("apiextensions.k8s.io/v1 CustomResourceDefinition", json!({}), with("Established", "True", ""), "ready"),
        ];
        for (kind, spec, status, expected) in table {
            let told = match readiness(&object(kind, &spec, &status)) {
                Ready => "ready".to_owned(),
                InProgress(why) => format!("not yet: {why}"),
                Failed(why) => format!("failed: {why}"),
            };
            assert_eq!(told, expected, "{kind} {spec} {status}");
        }
        let leaving = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"deletionTimestamp": "now"}});
        assert_eq!(readiness(&leaving), waits("it is being deleted"));
    }
}
