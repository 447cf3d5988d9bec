//! The benchmark of the engine: it is compared with its peers, on one control plane and in one run.
//!
//! `xos-bench` runs it; docs/benchmarks.md explains the output. Only figures of the same run can be compared.

mod contestant;
mod counts;
pub mod documents;
mod goals;
mod huge;
mod load;
mod many;
mod options;
mod planning;
mod programs;
mod rates;
mod report;
mod run;
mod small;
mod stage;
pub mod step;
mod usage;

use std::fs;

use clap::ValueEnum as _;

pub use contestant::Contestant;
pub use load::Spread;
pub use options::{Options, Part, Sizes};
pub use report::{Goal, Report};
pub use run::{Phase, Run};
pub use usage::Usage;

use xos_harness::{cluster, control, models, paths, process, tools};

/// The benchmark failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is missing and cannot be built.
    #[error(transparent)]
    Programs(#[from] tools::Error),
    /// There is no control plane.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] control::ClientError),
    /// The models have errors.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// The definitions cannot be installed.
    #[error(transparent)]
    Install(#[from] xos_engine::install::InstallError),
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// The load generator failed.
    #[error(transparent)]
    Load(#[from] load::Error),
    /// A program of this workspace is missing.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// A process failed.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// A controller has ended.
    #[error("a controller ended by itself")]
    ControllerEnded,
    /// kopf is not installed.
    #[error("kopf is not installed")]
    NoKopf,
    /// The program that orders objects failed.
    #[error("cannot read what the example `planning` prints: {0:?}")]
    Planning(String),
    /// Documents have errors, or their steps do not do what they are to do.
    #[error("documents: {0}")]
    Documents(String),
    /// An engine in memory cannot be used.
    #[error(transparent)]
    World(Box<xos_testing::WorldError>),
    /// A file cannot be used.
    #[error("cannot use a file or process")]
    File(#[from] std::io::Error),
}

/// Runs the parts that the options ask for.
///
/// Needs a runtime of the main thread: processes are killed when the thread that started them ends.
///
/// # Errors
/// When a process does not start, or fails.
pub async fn run(options: &Options) -> Result<Report, Error> {
    let mut report = Report { about: about(options), ..Report::default() };
    if options.wants(Part::Planning) {
        println!("planning");
        report.add(Part::Planning, planning::measure().await?);
    }
    if options.wants(Part::Documents) {
        println!("documents");
        documents::measure(options.sizes(), &mut report).await?;
    }
    let needs_stage = Part::value_variants().iter().filter(|part| **part != Part::Planning);
    if needs_stage.into_iter().any(|part| options.wants(*part)) {
        on_stage(options, &mut report).await?;
    }
    Ok(report)
}

async fn on_stage(options: &Options, report: &mut Report) -> Result<(), Error> {
    let stage = stage::Stage::set(options.wants(Part::Rate) && !options.no_kopf).await?;
    let sizes = options.sizes();
    if options.wants(Part::Writes) {
        println!("writes");
        small::writes(&stage, sizes, report).await?;
    }
    if options.wants(Part::Chain) {
        println!("chain");
        small::chain(&stage, sizes, report).await?;
    }
    if options.wants(Part::Rate) {
        println!("rate");
        rates::measure(&stage, options, report).await?;
    }
    if options.wants(Part::Scale) {
        println!("scale");
        many::scale(&stage, sizes, report).await?;
    }
    if options.wants(Part::Documents) {
        println!("documents on the control plane");
        documents::measure_on(&stage, sizes, report).await?;
    }
    if options.wants(Part::Restart) || options.wants(Part::Resync) {
        println!("restart and resync");
        many::restart_and_resync(&stage, options, report).await?;
    }
    if options.wants(Part::Rest) {
        println!("rest");
        small::rest(&stage, sizes, report).await?;
    }
    if options.wants(Part::Huge) {
        println!("huge");
        huge::measure(&stage, sizes, report).await?;
    }
    Ok(())
}

fn about(options: &Options) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let busy = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let busy: Vec<_> = busy.split(' ').take(3).collect();
    let mut about = vec![
        format!("{cores} processors, shared by API server, etcd, load generator and controller"),
        format!("load average before the start: {}", busy.join(", ")),
    ];
    if cfg!(debug_assertions) {
        about.push("our program is a debug build: its times say nothing".to_owned());
    }
    if options.quick {
        about.push("a quick run: its times say nothing".to_owned());
    }
    about
}
