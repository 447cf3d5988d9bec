//! From the merged tree to the configuration.

use std::path::{Path, PathBuf};

use xos_documents::Folder;
use xos_model::Backoff;

use super::keys::{ApiKeys, ApiTls, Keys, LeaseKeys, has_format};
use super::misfit::problem;
use super::problem::Problem;
use super::report::Report;
use super::schema::schema;
use super::{Accessor, ApiConfig, ClusterDocuments, Config, EventBus, LeaseConfig};
use xos_yaml::{File, Fit, Misfit, Node, Place, Value, fit};

/// Keys of XOS that have no effect in this version.
const UNUSED: [&str; 4] = ["core_version", "wrappers", "blueprints", "desired_state"];
/// The kind of accessor that XOS has and this version does not.
const GRPC: &str = "grpcapi";

/// Returns the keys that are set and have no effect.
pub(super) fn unused(tree: &Node) -> Vec<String> {
    let Value::Map(entries) = &tree.value else { return Vec::new() };
    let keys = entries.iter().map(|entry| entry.key.clone());
    keys.filter(|key| UNUSED.contains(&key.as_str())).collect()
}

/// Returns the tree as far as it fits the schema; what does not fit is reported.
pub(super) fn fitted(mut tree: Node, files: &[File], report: &mut Report) -> Node {
    let missing_in = if files.is_empty() { Place::Nowhere } else { Place::File { file: 0, bytes: 0..0 } };
    if let Some((GRPC, place)) = tree.text("accessor.kind") {
        report.push(Problem::NoCore, place);
        tree.set("accessor.kind", Value::Null);
    }
    let schema = schema();
    let tells_missing = report.is_empty();
    let how =
        Fit { schema: &schema, has_format, missing_in: Some(&missing_in), tells_missing: false, keeps_null: false };
    let (tree, misfits) = fit(tree, &how);
    for (misfit, place) in misfits {
        if tells_missing || !matches!(misfit, Misfit::Missing { .. }) {
            report.push(problem(misfit, &place, &schema), &place);
        }
    }
    tree
}

/// Reads a tree that fits the schema.
pub(super) fn read(tree: &Node, files: &[File], report: &mut Report) -> Config {
    let keys: Keys = serde_json::from_value(tree.clone().into_json()).unwrap_or_else(|_| {
        // Not reached as long as the schema is right, which is made from the same types. The error may show a secret.
        report.push(Problem::Unfit, &tree.place);
        Keys::default()
    });
    let engine = xos_engine::Options::default();
    check_backoff(tree, "backoff", keys.backoff.or(engine.backoff), report);
    check_backoff(tree, "probe_backoff", keys.probe_backoff.or(engine.probe_backoff), report);
    if let Some(bus) = &keys.event_bus {
        check_backoff(tree, "event_bus.retry", bus.retry.or(xos_bus::Settings::default().retry), report);
    }
    check_lease(tree, &keys.lease, report);
    check_api(tree, report);
    config(keys, |key, path| resolve(tree, files, key, path))
}

/// Reports a longest delay that is shorter than the first. The schema cannot say this.
fn check_backoff(tree: &Node, key: &str, backoff: Backoff, report: &mut Report) {
    let Some(max) = tree.at(&format!("{key}.max")) else { return };
    let Value::Text(text) = &max.value else { return };
    if super::keys::parse_duration(text).is_some_and(|max| max < backoff.initial) {
        let problem = Problem::InvalidValue {
            key: format!("{key}.max"),
            value: text.clone(),
            expected: "a duration of at least `initial`".to_owned(),
            suggestion: None,
        };
        report.push(problem, &max.place);
    }
}

/// Reports times of the Lease that are not in order. The schema cannot say this.
fn check_lease(tree: &Node, keys: &LeaseKeys, report: &mut Report) {
    let pairs = [
        ("renew_deadline", keys.renew_deadline, "duration", keys.duration),
        ("retry_period", keys.retry_period, "renew_deadline", keys.renew_deadline),
    ];
    for (key, value, longer, limit) in pairs {
        if value < limit {
            continue;
        }
        // One of the two is set, or the defaults would be wrong.
        let (key, node) = match (tree.at(&format!("lease.{key}")), tree.at(&format!("lease.{longer}"))) {
            (Some(node), _) => (key, node),
            (None, Some(node)) => (longer, node),
            (None, None) => continue,
        };
        let Value::Text(text) = &node.value else { continue };
        let expected = format!(
            "a duration such that `retry_period` < `renew_deadline` < `duration` (here {value:?} \
                                and {limit:?})"
        );
        let problem =
            Problem::InvalidValue { key: format!("lease.{key}"), value: text.clone(), expected, suggestion: None };
        report.push(problem, &node.place);
    }
}

/// Returns the path that a key has as its value. A relative path is relative to the file that contains it.
pub(super) fn resolve(tree: &Node, files: &[File], key: &str, path: &str) -> PathBuf {
    match tree.at(key).map(|node| &node.place) {
        Some(Place::File { file, .. }) => files.get(*file).map_or_else(|| path.into(), |file| file.resolve(path)),
        Some(Place::Variable(_) | Place::Nowhere) | None => Path::new(path).to_owned(),
    }
}

fn config(keys: Keys, resolve: impl Fn(&str, &str) -> PathBuf) -> Config {
    let path = |key: &str, path: Option<String>| path.map(|path| resolve(key, &path));
    let folders = [
        ("documents_dir", &keys.documents_dir),
        ("steps_dir", &keys.steps_dir),
        ("model_policies_dir", &keys.model_policies_dir),
        ("pull_steps_dir", &keys.pull_steps_dir),
        ("event_steps_dir", &keys.event_steps_dir),
    ];
    let folder = |(key, path): (&'static str, &Option<String>)| {
        path.as_ref().map(|path| Folder { key, path: resolve(key, path) })
    };
    let documents = folders.into_iter().filter_map(folder).collect();
    let engine = engine(&keys);
    let cluster_documents = keys.cluster_documents.filter(|keys| keys.enabled);
    let cluster_documents =
        cluster_documents.map(|keys| ClusterDocuments { namespace: keys.namespace, selector: keys.selector });
    let event_bus = |bus| EventBus::new(bus, |key, path| resolve(key, path).display().to_string());
    Config {
        name: keys.name,
        desired_state: keys.desired_state,
        definitions: keys.definitions,
        accessor: Accessor {
            kind: keys.accessor.kind,
            endpoint: keys.accessor.endpoint,
            username: keys.accessor.username,
            password: keys.accessor.password,
        },
        models_dir: path("models_dir", keys.models_dir),
        uses: keys.uses.into_iter().chain(keys.required_models).collect(),
        documents,
        cluster_documents,
        event_bus: keys.event_bus.map(event_bus),
        http_ca: path("http.ca", keys.http.ca),
        dependency_graph: path("dependency_graph", keys.dependency_graph),
        logging: keys.logging,
        tracing: keys.tracing,
        settings: keys.settings,
        api_timeout: keys.api_timeout,
        finalizers_at_creation: keys.finalizers_at_creation,
        leader_election: keys.leader_election,
        lease: LeaseConfig { times: keys.lease.times(), namespace: keys.lease.namespace, name: keys.lease.name },
        api: keys.api.map(|keys| api(keys, &resolve)),
        monitoring_address: keys.monitoring_address.and_then(|address| address.parse().ok()),
        engine,
    }
}

fn api(keys: ApiKeys, resolve: impl Fn(&str, &str) -> PathBuf) -> ApiConfig {
    let address = |address: Option<String>| address.and_then(|address| address.parse().ok());
    let path = |key: &str, path: Option<String>| resolve(key, &path.unwrap_or_default());
    let tls = |tls: ApiTls| (path("api.tls.certificate", tls.certificate), path("api.tls.key", tls.key));
    ApiConfig {
        address: address(keys.address),
        plain_address: address(keys.plain_address),
        users_file: path("api.users_file", keys.users_file),
        tls: keys.tls.map(tls),
        namespace: keys.namespace,
    }
}

/// Reports an API that is served nowhere, or whose certificate is missing. The schema cannot say this.
fn check_api(tree: &Node, report: &mut Report) {
    let Some(api) = tree.at("api").filter(|api| matches!(api.value, Value::Map(_))) else { return };
    let missing = match (api.at("address"), api.at("tls"), api.at("plain_address")) {
        (None, _, None) => ("api.address", api),
        (Some(address), None, _) => ("api.tls", address),
        _ => return,
    };
    report.push(Problem::Missing { key: missing.0.to_owned() }, &missing.1.place);
}

fn engine(keys: &Keys) -> xos_engine::Options {
    let defaults = xos_engine::Options::default();
    let backoff = keys.backoff.or(defaults.backoff);
    // Without backoff the delay does not grow.
    let max = if keys.backoff_disabled { backoff.initial } else { backoff.max };
    xos_engine::Options {
        concurrency: keys.concurrency.get(),
        slow_after: keys.slow_after,
        slow_concurrency: keys.slow_concurrency.get(),
        step_timeout: keys.step_timeout,
        backoff: Backoff { max, ..backoff },
        probe_backoff: keys.probe_backoff.or(defaults.probe_backoff),
        deferred_every: keys.deferred_every,
        resync: keys.resync,
        brakes: keys.brakes.brakes(),
        shutdown_grace: keys.shutdown_grace,
        namespaces: keys.namespaces.clone(),
        ..defaults
    }
}
