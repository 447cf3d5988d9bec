//! A service whose controller is killed and whose API server misbehaves, and what has to be the end of it.
//!
//! [`steps`] is the service, [`backend`] what it keeps in step, [`churn`] an operator who makes, changes and deletes its objects and knows what
//! should be in the end, [`proxy`] an API server that does what networks and servers do at their worst.

pub mod backend;
pub mod churn;
pub mod proxy;
mod server;
pub mod steps;

use xos_runtime::Synchronizer;

/// The service's synchronizer: settings `backend_url`.
pub fn synchronizer() -> Synchronizer {
    Synchronizer::new("xos-chaos-synchronizer")
        .models(&[("chaos.xproto", steps::MODELS)])
        .policy(steps::OnePort)
        .sync_step(steps::SyncSite)
        .sync_step(steps::SyncSlice)
        .sync_step(steps::SyncPort)
}
