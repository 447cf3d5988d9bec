//! The controllers that are measured, and how each is started.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use xos_harness::{paths, process::Child};

use super::{
    Error,
    documents::step::DOCUMENT,
    load::Writes,
    programs,
    stage::{GROUP, Stage},
    step::{HTTP, NONE, RESYNC, STEP, TAKES},
    usage::Usage,
};

/// Our program.
const OURS: &str = "xos-bench-synchronizer";
/// How long a controller may take to end.
const STOPPED: Duration = Duration::from_secs(20);
/// How many objects the peers handle at once: our default.
const WORKERS: &str = "16";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    /// No controller: the load generator writes finalizer and status itself.
    Raw,
    /// The same, but the objects are created with the finalizer.
    RawWithFinalizer,
    /// Our controller; it sets the finalizer before the first sync.
    Ours,
    /// Our controller; an admission policy sets the finalizer when an object is created.
    OursAtCreation,
    /// Our controller with a step that sends a request, in Rust.
    RustStep,
    /// The same step as a document.
    DocumentStep,
    /// A controller in Go with defaults: it reads an unstructured object from the API server before it handles it.
    ControllerRuntime,
    /// The same, with reads from its cache.
    ControllerRuntimeCached,
    /// A controller in Python.
    Kopf,
}

impl Contestant {
    /// Returns the name in tables.
    #[must_use]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Raw => "raw writes",
            Self::RawWithFinalizer => "raw writes, finalizer at creation",
            Self::Ours => "XOS controller",
            Self::OursAtCreation => "XOS controller, finalizer at creation",
            Self::RustStep => "XOS controller, an HTTP step in Rust",
            Self::DocumentStep => "XOS controller, an HTTP step as a document",
            Self::ControllerRuntime => "controller-runtime (Go)",
            Self::ControllerRuntimeCached => "controller-runtime (Go), reads cached",
            Self::Kopf => "kopf (Python)",
        }
    }

    /// Returns who does the same writes without a controller.
    #[must_use]
    pub(super) fn limit(self) -> Self {
        if self == Self::OursAtCreation { Self::RawWithFinalizer } else { Self::Raw }
    }

    /// Returns who writes finalizers and status.
    #[must_use]
    pub(super) fn writes(self) -> Writes {
        match self {
            Self::Raw => Writes::Raw,
            Self::RawWithFinalizer => Writes::RawWithFinalizer,
            _ => Writes::Controller,
        }
    }
}

/// Settings of our step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tuning {
    /// How often clean objects are synchronized again.
    pub(super) resync: Option<Duration>,
    /// How long the step takes.
    pub(super) takes: Option<Duration>,
}

/// A running controller.
pub(super) struct Controller {
    child: Child,
    /// When the process was started.
    pub(super) started: Instant,
}

impl Controller {
    /// Starts a controller, or nothing for raw writes.
    pub(super) fn start(stage: &Stage, who: Contestant, namespace: &str) -> Result<Option<Self>, Error> {
        let started = Instant::now();
        let child = match who {
            Contestant::Raw | Contestant::RawWithFinalizer => return Ok(None),
            Contestant::Ours | Contestant::OursAtCreation | Contestant::RustStep | Contestant::DocumentStep => {
                return Self::ours(stage, who, namespace, Tuning::default()).map(Some);
            }
            Contestant::ControllerRuntime => controller_runtime(stage, namespace, false)?,
            Contestant::ControllerRuntimeCached => controller_runtime(stage, namespace, true)?,
            Contestant::Kopf => kopf(stage, namespace)?,
        };
        Ok(Some(Self { child, started }))
    }

    /// Starts our controller with settings for its step.
    pub(super) fn ours(stage: &Stage, who: Contestant, namespace: &str, tuning: Tuning) -> Result<Self, Error> {
        let started = Instant::now();
        Ok(Self { child: ours(stage, who, namespace, tuning)?, started })
    }

    /// Returns the memory and processor time that it has used so far.
    pub(super) fn usage(&self) -> Result<Usage, Error> {
        Ok(Usage::of(self.child.id().ok_or(Error::ControllerEnded)?)?)
    }

    /// Asks the controller to end, and waits until it has ended.
    pub(super) async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(STOPPED).await?;
        Ok(())
    }
}

fn ours(stage: &Stage, who: Contestant, namespace: &str, tuning: Tuning) -> Result<Child, Error> {
    let config = stage.file("ours.yaml");
    let at_creation = who == Contestant::OursAtCreation;
    // JSON is YAML.
    let mut text = json!({
        "name": "bench", "namespaces": [namespace], "finalizers_at_creation": at_creation,
        "settings": {"backend_url": stage.backend()},
    });
    if who == Contestant::DocumentStep {
        fs::create_dir_all(stage.file("documents"))?;
        fs::write(stage.file("documents").join("thing.yaml"), DOCUMENT)?;
        text["documents_dir"] = json!("documents");
    }
    fs::write(&config, text.to_string())?;
    let step = match who {
        Contestant::RustStep => HTTP,
        Contestant::DocumentStep => NONE,
        _ => "",
    };
    let child = Child::start(OURS, &stage.file("ours.log"), &paths::program(OURS)?, |command| {
        command.args(["run", "--config"]).arg(&config).env("KUBECONFIG", stage.kubeconfig()).env(STEP, step);
        for (name, value) in [(RESYNC, tuning.resync), (TAKES, tuning.takes)] {
            if let Some(value) = value {
                command.env(name, value.as_millis().to_string());
            }
        }
    })?;
    Ok(child)
}

fn controller_runtime(stage: &Stage, namespace: &str, cached: bool) -> Result<Child, Error> {
    let program = stage.programs().controller_runtime();
    let child = Child::start("controller-runtime", &stage.file("controller-runtime.log"), &program, |command| {
        command.args(["-kind", &format!("{GROUP}/v1/Thing"), "-namespace", namespace, "-workers", WORKERS]);
        command.arg(format!("-cached={cached}"));
        command.env("KUBECONFIG", stage.kubeconfig());
    })?;
    Ok(child)
}

fn kopf(stage: &Stage, namespace: &str) -> Result<Child, Error> {
    let program = stage.programs().kopf().ok_or(Error::NoKopf)?;
    let child = Child::start("kopf", &stage.file("kopf.log"), program, |command| {
        command
            .args(["run", "--standalone", "--namespace", namespace])
            .arg(programs::sources().join("peer-kopf/main.py"));
        command.env("KUBECONFIG", stage.kubeconfig()).env("BENCH_GROUP", GROUP).env("BENCH_PLURAL", "things");
    })?;
    Ok(child)
}
