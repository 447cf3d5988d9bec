//! A real control plane, Kafka and the example's processes, for tests, benchmarks and the demo.
//!
//! etcd, kube-apiserver and kube-controller-manager run as processes on this machine, and so does a node if one is
//! wanted. They are built once from Go modules and cached; neither a container engine nor a cluster is needed.
//!
//! - [`tools`] finds or builds the programs;
//! - [`control`] runs them, in the process `xos-cluster serve`, which ends with the process that started it;
//! - [`node`] adds a node, on which pods run;
//! - [`Cluster`] is the cluster of tests and the demo; [`TestNamespace`] is the namespace of one test;
//! - [`Synchronizer`] runs a controller as in production, with its own ServiceAccount and rights;
//! - [`inprocess`] runs a controller in the test's process, with models and steps of the test;
//! - [`helm`] runs helm; [`pods`] runs the pods of a namespace as processes, where there is no node;
//! - [`kafka`] runs a real broker;
//! - [`kstatus`] checks the conditions of every state that a test's objects ever have;
//! - [`Original`] is the original XOS client;
//! - [`Directory`] is the example's backend; [`example`] runs the example with it;
//! - [`eventually`] waits for a condition; nothing else waits.
//!
//! **Invariant:** nothing that is started here outlives the process that started it, however that process ends.

pub mod cache;
pub mod cli;
pub mod cluster;
pub mod control;
pub mod directory;
pub mod documents;
pub mod example;
pub mod files;
mod finalizers;
pub mod helm;
pub mod inprocess;
pub mod kafka;
pub mod kstatus;
pub mod kubectl;
pub mod models;
pub mod namespace;
pub mod node;
pub mod original;
pub mod paths;
pub mod pods;
pub mod process;
pub mod serving;
pub mod synchronizer;
pub mod tools;
pub mod wait;

pub use cluster::Cluster;
pub use directory::Directory;
pub use namespace::TestNamespace;
pub use original::Original;
pub use synchronizer::Synchronizer;
pub use wait::eventually;

/// Names the provider of rustls. The call fails when a provider was named before, which does not matter.
fn choose_cryptography() {
    let _in_place = rustls::crypto::ring::default_provider().install_default();
}
