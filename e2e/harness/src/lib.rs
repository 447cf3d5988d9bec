//! A real control plane, Kafka and the example's processes, for tests, benchmarks and the demo.
//!
//! etcd, kube-apiserver and kube-controller-manager run as processes of this machine, built once from Go modules and
//! cached; no container engine and no cluster is asked for. What is here:
//!
//! - [`tools`] finds or builds the programs;
//! - [`control`] runs them: the process `xos-cluster serve`, which ends when whoever started it does;
//! - [`Cluster`] is what tests and the demo hold; [`TestNamespace`] gives each test its own corner of it;
//! - [`Synchronizer`] runs a controller under a ServiceAccount of its own, with the rights it will have in the field;
//! - [`inprocess`] runs a controller with a test's own models and steps in the test's process;
//! - [`kafka`] is a real broker;
//! - [`Directory`] is the example's backend; [`example`] joins the three;
//! - [`eventually`] is the one place where anything is waited for.
//!
//! **Invariant:** nothing that is started here outlives the process that started it, however that one ends.

pub mod cache;
pub mod cli;
pub mod cluster;
pub mod control;
pub mod directory;
pub mod example;
pub mod files;
mod finalizers;
pub mod inprocess;
pub mod kafka;
pub mod kubectl;
pub mod models;
pub mod namespace;
pub mod paths;
pub mod process;
pub mod serving;
pub mod synchronizer;
pub mod tools;
pub mod wait;

pub use cluster::Cluster;
pub use directory::Directory;
pub use namespace::TestNamespace;
pub use synchronizer::Synchronizer;
pub use wait::eventually;

/// rustls takes the first provider that is named; to find ours in place already is as good.
fn choose_cryptography() {
    let _in_place = rustls::crypto::ring::default_provider().install_default();
}
