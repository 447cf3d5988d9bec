//! How the engine works.

use std::time::Duration;

use xos_model::Backoff;
use xos_model::brake::Brakes;
use xos_model::graph::ExtraDependency;

/// How the engine works.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many objects are reconciled at once, slow ones not counted.
    pub concurrency: usize,
    /// An object that has been reconciled for this long is slow, and makes room for another one.
    pub slow_after: Duration,
    /// How many slow objects of a step are reconciled at once.
    pub slow_concurrency: usize,
    /// A step's time limit.
    pub step_timeout: Duration,
    /// The delay after failures.
    pub backoff: Backoff,
    /// The delay between attempts to reach a step's target that is away.
    pub probe_backoff: Backoff,
    /// The even pace at which deferred objects are tried again.
    pub deferred_every: Duration,
    /// How often clean objects are synchronized again, unless they or their steps say something else; never, if it is
    /// none.
    pub resync: Option<Duration>,
    /// How long running steps may go on after shutdown began.
    pub shutdown_grace: Duration,
    /// How long an object waits for another before its status says so.
    pub report_waits_after: Duration,
    /// What is held until somebody confirms it.
    pub brakes: Brakes,
    /// Dependencies beside the links: XOS's `dependency_graph`.
    pub dependencies: Vec<ExtraDependency>,
    /// The namespaces that are watched; all, if there is none.
    pub namespaces: Vec<String>,
}

impl Default for Options {
    /// 16 objects at once, and 512 of each step that take longer than 1 s; 10 min for a step; 1 s to 5 min after
    /// failures; 1 s to 30 s between attempts to reach a target; 5 s for deferred objects, as in XOS; a resync every
    /// 10 h; 30 s of grace; waits are reported after 3 s; all namespaces.
    fn default() -> Self {
        Self {
            concurrency: 16,
            slow_after: Duration::from_secs(1),
            slow_concurrency: 512,
            step_timeout: Duration::from_secs(600),
            backoff: Backoff::default(),
            probe_backoff: Backoff { max: Duration::from_secs(30), ..Backoff::default() },
            deferred_every: Duration::from_secs(5),
            resync: Some(Duration::from_secs(36_000)),
            shutdown_grace: Duration::from_secs(30),
            report_waits_after: Duration::from_secs(3),
            brakes: Brakes::default(),
            dependencies: vec![],
            namespaces: vec![],
        }
    }
}
