//! The control plane as processes.
//!
//! [`serve`] is the process that owns etcd, kube-apiserver and kube-controller-manager, and a node ([`crate::node`]) if
//! one is asked for. They are killed when it ends,
//! and it ends when the process that started it does. [`Served`] is the starter's side. [`detached`] is a control plane
//! in the background, for manual use.

mod components;
mod data;
pub mod detached;
pub(crate) mod keys;
mod kubeconfig;
mod network;
mod ports;
pub mod serve;
mod served;

pub use ports::free as free_ports;
pub(crate) use served::client;
pub use served::{ClientError, Error, Ready, ServeOptions, Served, start};

/// The beginning of the name of a cluster's folder.
pub(crate) const FOLDER_PREFIX: &str = "xos-cluster-";
