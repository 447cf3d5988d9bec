//! What a process writes on the Leases.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::roll::{Roll, Write};
use super::{Presence, Process, Role, lease};
use crate::api_error::explain;

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// After this time a write that had no answer is tried again.
const AGAIN: Duration = Duration::from_secs(1);

impl Presence {
    /// Writes on a Lease. Returns whether that succeeded.
    pub(super) async fn write(&mut self, namespace: &str, write: Write) -> bool {
        let mut role = self.process.role;
        if self.rolls.get(namespace).is_some_and(Roll::has_claimed) {
            role = Role::Works;
        }
        let (call, is_call, removed, version) = match write {
            Write::Call(silent) => (format!("{:016x}", rand::random::<u64>()), true, silent, None),
            Write::Answer(call) => (call, false, vec![], None),
            Write::Claim(call) => {
                role = Role::Works;
                (call, false, vec![], self.versions.get(namespace).copied())
            }
        };
        let process = Process { call, role, ..self.process.clone() };
        let patch = lease::patch(&self.id, &process, is_call, &removed, version);
        match self.send(namespace, &patch).await {
            Ok(lease) => {
                // What else is to be written follows from what the watch shows.
                let _later = self.take_in(namespace, &lease);
                return true;
            }
            // The watch shows what has changed, and has mostly done so.
            Err(kube::Error::Api(status)) if status.is_conflict() => self.again = Some(Instant::now() + AGAIN),
            Err(kube::Error::Api(status)) if (400..500).contains(&status.code) && status.code != 429 => {
                self.refused(&status.message);
                self.unseen.insert(namespace.to_owned());
            }
            Err(error) => {
                tracing::debug!(cause = explain(&error), "this process is not known to others of its name yet");
                self.again = Some(Instant::now() + AGAIN);
            }
        }
        false
    }

    /// Changes the Lease, or makes it.
    async fn send(&self, namespace: &str, patch: &Value) -> kube::Result<Lease> {
        let api: Api<Lease> = Api::namespaced(self.client.clone(), namespace);
        let field_manager = Some(lease::manager(&self.synchronizer));
        let parameters = PatchParams { field_manager: field_manager.clone(), ..PatchParams::default() };
        let name = lease::name(&self.synchronizer);
        match api.patch(&name, &parameters, &Patch::Merge(patch)).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => {}
            answer => return answer,
        }
        let new = lease::new(&self.synchronizer, patch).map_err(kube::Error::SerdeError)?;
        match api.create(&PostParams { field_manager, ..PostParams::default() }, &new).await {
            // Another process was faster.
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                api.patch(&name, &parameters, &Patch::Merge(patch)).await
            }
            answer => answer,
        }
    }

    pub(super) fn refused(&mut self, cause: &str) {
        if std::mem::replace(&mut self.is_refused, true) {
            tracing::debug!(cause, "another process of this name would not be noticed");
            return;
        }
        tracing::warn!(
            cause,
            "another process of this name would not be noticed: allow the controller to create leases \
             (API group coordination.k8s.io), and to list, watch and patch the one called {}",
            lease::name(&self.synchronizer)
        );
    }

    /// Takes leave, so that the others need not find out.
    pub(super) async fn leave(&self) {
        let farewells = self.rolls.keys().map(|namespace| async move {
            let api: Api<Lease> = Api::namespaced(self.client.clone(), namespace);
            let field_manager = Some(lease::manager(&self.synchronizer));
            let parameters = PatchParams { field_manager, ..PatchParams::default() };
            let patch = Patch::Merge(lease::farewell(&self.id));
            // The others find out within two minutes.
            let _sent = api.patch(&lease::name(&self.synchronizer), &parameters, &patch).await;
        });
        let _in_time = timeout(FAREWELL, join_all(farewells)).await;
    }
}
