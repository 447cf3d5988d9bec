//! How the engine works.

use std::time::Duration;

use xos_model::Backoff;
use xos_model::graph::ExtraDependency;

/// How the engine works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects handled at once, those not counted that take long.
    pub concurrency: usize,
    /// An object that is handled for that long takes long: its place is another's.
    pub slow_after: Duration,
    /// Objects handled at once that take long.
    pub slow_concurrency: usize,
    /// A step's time limit.
    pub step_timeout: Duration,
    /// The delay after failures.
    pub backoff: Backoff,
    /// The even pace at which deferred objects are tried again.
    pub deferred_every: Duration,
    /// How long running steps may go on after shutdown began.
    pub shutdown_grace: Duration,
    /// How long an object waits for another before its status says so.
    pub patience: Duration,
    /// Dependencies beside the links: XOS's `dependency_graph`.
    pub dependencies: Vec<ExtraDependency>,
    /// The namespaces that are watched; none: all.
    pub namespaces: Vec<String>,
    /// How many watches have to show all that there is before any object is handled: only then do queries see everything.
    pub watches: usize,
}

impl Default for Options {
    /// 16 at once, and 256 that take longer than 1 s; 10 min a step; 1 s to 5 min after failures; 5 s for the deferred, as in XOS; 30 s of grace; waits are told after 3 s; all
    /// namespaces, and no waiting for watches.
    fn default() -> Self {
        Self {
            concurrency: 16,
            slow_after: Duration::from_secs(1),
            slow_concurrency: 256,
            step_timeout: Duration::from_secs(600),
            backoff: Backoff::default(),
            deferred_every: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(30),
            patience: Duration::from_secs(3),
            dependencies: vec![],
            namespaces: vec![],
            watches: 0,
        }
    }
}
