//! The control plane as processes.
//!
//! [`serve`] is the process that owns etcd, kube-apiserver and kube-controller-manager: they are on its leash, and it
//! is on its starter's, by the pipe that is its standard input. [`Served`] is the starter's end. [`detached`] keeps one
//! running in the background for a person.

mod components;
mod data;
pub mod detached;
pub(crate) mod keys;
mod kubeconfig;
mod ports;
pub mod serve;
mod served;

pub(crate) use ports::free as free_ports;
pub(crate) use served::client;
pub use served::{ClientError, Error, Ready, ServeOptions, Served, start};

/// How a cluster's folder is called, before the part that makes it unique.
const FOLDER_PREFIX: &str = "xos-cluster-";
