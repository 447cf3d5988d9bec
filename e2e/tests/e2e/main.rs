//! Tests on a real control plane, one behaviour per file.
//!
//! Run `cargo build --workspace --bins` first, or `make test`, which does both. A test that fails prints its
//! controller's log and the objects of its namespace.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod api;
mod background;
mod benchmark;
mod brakes;
mod cascade;
mod changed_models;
mod chaos;
mod columns;
mod controller_killed;
mod core_kinds;
mod crd_established;
mod delete;
mod delete_while_backend_fails;
mod documents;
mod ends;
mod failing_backend;
mod fairness;
mod finalizers_at_creation;
mod first_sync;
mod flows;
mod foreign;
mod graceful_shutdown;
mod harness;
mod installation;
mod leader;
mod live;
mod log_level;
mod metrics;
mod model_sets;
mod monitoring;
mod new_service;
mod no_sync;
mod no_writes_at_rest;
mod not_accepted;
mod object_events;
mod operator_and_controller;
mod options;
mod order;
mod parallel_namespaces;
mod passes;
mod planned;
mod plugin;
mod properties;
mod rbac;
mod ready_waits;
mod refused_save;
mod rejected;
mod restarted_api_server;
mod restored;
mod secrets;
mod several_synchronizers;
mod step_servers;
mod touch;
mod tour;
mod traces;
mod uninstall;
mod unique;
mod update;
mod validators;
mod watches;

use std::error::Error;

use xos_harness::{example::Example, namespace};

/// Runs a test with its own example: namespace, directory and controller.
async fn with_example(title: &str, test: impl AsyncFnOnce(&mut Example<'_>)) {
    with_configured_example(title, &serde_json::Value::Null, test).await;
}

/// Does the same, with additional configuration.
async fn with_configured_example(title: &str, more: &serde_json::Value, test: impl AsyncFnOnce(&mut Example<'_>)) {
    let whole = namespace::with(title, async |namespace| {
        let started = Example::start_with(namespace, more).await;
        test(&mut started.unwrap_or_else(|error| panic!("the example does not start: {}", causes(&error)))).await;
    });
    whole.await.unwrap_or_else(|error| panic!("no namespace to test in: {}", causes(&error)));
}

/// An error with all its causes.
fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
