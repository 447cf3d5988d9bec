//! The deletion of a set of models: XOS's unload.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use kube::api::{Api, DeleteParams};
use xos_engine::api_error::explain;
use xos_engine::installation;
use xos_kinds::{Cleanup, Id, reasons};

use super::count::{self, Counts};
use super::{Cluster, OwnKind, Seen, Told};
use crate::content::choose::Spec;
use crate::content::news::Leaving;

/// What is to be done next with a set that is being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It waits for somebody.
    Wait(Leaving),
    /// Its objects are deleted, with their steps or without.
    DeleteObjects { purges: bool },
    /// It is left out of what works.
    LeaveOut,
    /// Its definitions go, and then it goes itself.
    Release,
}

/// Decides it.
pub(super) fn next(seen: &Seen, told: &Told, counts: &Counts) -> Step {
    let cleanup = match &seen.now.spec {
        Spec::Models(spec) => spec.cleanup,
        Spec::Document(_) => Cleanup::default(),
    };
    let works = told.verdict.in_force.is_some();
    match cleanup {
        _ if !told.needed_by.is_empty() => Step::Wait(used_by(&told.needed_by)),
        Cleanup::RequireClean if !counts.is_empty() => Step::Wait(objects_exist(counts)),
        Cleanup::AutomaticallyClean if !counts.is_empty() => Step::DeleteObjects { purges: false },
        _ if works && !told.is_out => Step::LeaveOut,
        Cleanup::Purge if !counts.is_empty() => Step::DeleteObjects { purges: true },
        _ => Step::Release,
    }
}

fn used_by(users: &[Id]) -> Leaving {
    let names: Vec<_> = users.iter().map(ToString::to_string).collect();
    let message =
        format!("the deletion waits: {} use it; delete these first, or change their `uses`", names.join(", "));
    Leaving { reason: reasons::USED_BY_OTHERS, message, goes_on: false }
}

fn objects_exist(counts: &Counts) -> Leaving {
    let message = format!(
        "the deletion waits: there are objects ({}); delete them, or set spec.cleanup to AUTOMATICALLY_CLEAN (they are \
         deleted, with their steps) or PURGE (without their steps: what they stand for stays)",
        count::told(counts)
    );
    Leaving { reason: reasons::OBJECTS_EXIST, message, goes_on: false }
}

impl Cluster {
    /// Does what is to be done next with a set that is being deleted. Returns what is told of it; nothing if it is gone.
    pub(super) async fn leave(&self, client: &Client, seen: &Seen, told: &Told, counts: &Counts) -> Option<Leaving> {
        let going = |reason, message: String| Some(Leaving { reason, message, goes_on: true });
        let failed = |what: &str, error: &kube::Error| {
            Some(Leaving {
                reason: reasons::UNLOAD_FAILED,
                message: format!("{what}: {}; it is tried again", explain(error)),
                goes_on: true,
            })
        };
        match next(seen, told, counts) {
            Step::Wait(leaving) => Some(leaving),
            Step::DeleteObjects { purges } => match self.delete_objects(client, &told.kinds, purges).await {
                Ok(()) => {
                    going(reasons::DELETING_OBJECTS, format!("its objects are being deleted: {}", count::told(counts)))
                }
                Err(error) => failed("cannot delete its objects", &error),
            },
            Step::LeaveOut => {
                let key = (seen.id.clone(), seen.uid.clone());
                self.out.send_if_modified(|out| {
                    let mut new = (**out).clone();
                    let is_new = new.insert(key);
                    *out = new.into();
                    is_new
                });
                going(reasons::UNLOADING, "its models are taken out of what works".to_owned())
            }
            Step::Release => match self.release(client, seen, &told.kinds).await {
                Ok(()) => None,
                Err(error) => failed("cannot remove its definitions", &error),
            },
        }
    }

    async fn release(&self, client: &Client, seen: &Seen, kinds: &[OwnKind]) -> kube::Result<()> {
        let others = match installation::list(client).await {
            Ok(others) => others,
            Err(error) => {
                tracing::warn!(%error, "{}: it is not known who else needs its definitions: they stay", seen.id);
                return self.write_finalizer(client, seen, false).await;
            }
        };
        let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
        for OwnKind { definition, resource } in kinds.iter().filter(|_| self.applies) {
            let is_other = |one: &&installation::Installation| one.spec.synchronizer != self.synchronizer;
            if let Some(other) = others.0.iter().filter(is_other).find(|one| one.handles(resource)) {
                let name = &other.spec.synchronizer;
                tracing::info!(definition, "the definition stays: the synchronizer {name} looks after its objects");
                continue;
            }
            match definitions.delete(definition, &DeleteParams::default()).await {
                Ok(_) => tracing::info!(definition, "removed the definition: {} is deleted", seen.id),
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        self.write_finalizer(client, seen, false).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::content::choose::{Verdict, Version};

    fn set(cleanup: &str) -> Seen {
        let spec = serde_json::from_value(json!({"xprotos": {}, "cleanup": cleanup})).unwrap();
        Seen {
            id: Id::model_set("a"),
            uid: "u".to_owned(),
            now: Version { generation: 2, spec: Spec::Models(Arc::new(spec)) },
            is_leaving: true,
            finalizers: vec![],
            status: xos_kinds::ModelSetStatus::default(),
        }
    }

    fn told(seen: &Seen, works: bool, is_out: bool) -> Told {
        Told {
            uid: "u".to_owned(),
            generation: 2,
            verdict: Verdict { in_force: works.then(|| seen.now.clone()), refused: None },
            changes: vec![],
            kinds: vec![],
            needed_by: vec![],
            is_out,
        }
    }

    #[test]
    fn objects_are_asked_for_before_anything_goes() {
        let some: Counts = vec![("Site".to_owned(), 2), ("Node".to_owned(), 1)];
        let none = Counts::new();
        let table = [
            ("AUTOMATICALLY_CLEAN", true, false, &some, Step::DeleteObjects { purges: false }),
            ("AUTOMATICALLY_CLEAN", true, false, &none, Step::LeaveOut),
            ("AUTOMATICALLY_CLEAN", false, true, &none, Step::Release),
            ("REQUIRE_CLEAN", true, false, &none, Step::LeaveOut),
            // Its steps must not run.
            ("PURGE", true, false, &some, Step::LeaveOut),
            ("PURGE", false, true, &some, Step::DeleteObjects { purges: true }),
            ("PURGE", false, true, &none, Step::Release),
            // It was never accepted.
            ("REQUIRE_CLEAN", false, false, &none, Step::Release),
        ];
        for (cleanup, works, is_out, counts, expected) in table {
            let seen = set(cleanup);
            let step = next(&seen, &told(&seen, works, is_out), counts);
            assert_eq!(step, expected, "{cleanup} {works} {is_out} {counts:?}");
        }
        let seen = set("REQUIRE_CLEAN");
        let Step::Wait(leaving) = next(&seen, &told(&seen, true, false), &some) else { panic!() };
        assert!(leaving.reason == "ObjectsExist" && leaving.message.contains("(2 Site, 1 Node)"), "{leaving:?}");
        let used = Told { needed_by: vec![Id::model_set("b")], ..told(&seen, true, false) };
        let Step::Wait(leaving) = next(&set("PURGE"), &used, &none) else { panic!() };
        assert!(leaving.message.contains("ModelSet b use it"), "{leaving:?}");
    }
}
