//! Tests of the Helm chart: its templates alone, and releases on a real control plane, whose pods run as processes of
//! this machine.
//!
//! Run `cargo build --workspace --bins` first, or `make test`, which does both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod admission;
mod api;
mod configuration;
mod docs;
mod documents;
mod install;
mod released;
mod rights;
mod side_by_side;
mod templates;
mod uninstall;
mod upgrade;
mod used_rights;
mod values;

use serde_json::Value;
use xos_harness::helm::{Helm, chart};

/// Returns what `helm template demo` prints with these arguments, for a cluster that has admission policies.
async fn rendered(arguments: &[&str]) -> Vec<Value> {
    let home = tempfile::tempdir().unwrap();
    let helm = Helm::alone(home.path()).await.unwrap();
    let chart = chart();
    let policies = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy";
    let fixed = ["template", "demo", chart.to_str().unwrap(), "-n", "demo-ns", "--api-versions", policies];
    let text = helm.ok(&[&fixed, arguments].concat()).await.unwrap_or_else(|error| panic!("{error}"));
    let all: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    all.into_iter().filter(|one| !one.is_null()).collect()
}

/// Returns the only object of a kind whose name ends so.
fn find<'a>(all: &'a [Value], kind: &str, end: &str) -> &'a Value {
    let is_it = |one: &&Value| one["kind"] == kind && one["metadata"]["name"].as_str().unwrap().ends_with(end);
    let found: Vec<_> = all.iter().filter(is_it).collect();
    assert_eq!(
        found.len(),
        1,
        "{kind} …{end} in {:#?}",
        all.iter().map(|one| &one["metadata"]["name"]).collect::<Vec<_>>()
    );
    found[0]
}
