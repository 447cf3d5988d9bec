//! The programs beside ours: the load, and the peers. Built once, and kept in the cache.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use xos_harness::{
    paths,
    process::{self, Child},
    tools::{GoError, go, key},
};

/// The Go programs: package in e2e/bench, and the file that is made of it.
const GO_PROGRAMS: [&str; 2] = [LOAD, PEER];
const LOAD: &str = "load";
const PEER: &str = "peer-controller-runtime";
/// How much of a failed build's log the message shows.
const SHOWN_LINES: usize = 20;

/// A program that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cache.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Go.
    #[error(transparent)]
    Go(#[from] GoError),
    /// A process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// A file or folder.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The operating system's reason.
        #[source]
        source: io::Error,
    },
    /// A build that did not succeed.
    #[error("making {what} failed ({status}); the log's end:\n{end}")]
    Failed {
        /// What was made.
        what: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log.
        end: String,
    },
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// The folder of the Go programs.
    go: PathBuf,
    /// kopf's command, if it was asked for.
    kopf: Option<PathBuf>,
}

impl Programs {
    /// Builds what is not in the cache yet.
    ///
    /// # Errors
    /// When Go or Python is missing, or a build fails.
    pub(super) async fn ready(with_kopf: bool) -> Result<Self, Error> {
        let cache = paths::cache()?.join("tools");
        let go = go_programs(&cache).await?;
        let kopf = if with_kopf { Some(kopf(&cache).await?) } else { None };
        Ok(Self { go, kopf })
    }

    /// The load.
    #[must_use]
    pub(super) fn load(&self) -> PathBuf {
        self.go.join(LOAD)
    }

    /// The peer in Go.
    #[must_use]
    pub(super) fn controller_runtime(&self) -> PathBuf {
        self.go.join(PEER)
    }

    /// The peer in Python: kopf's command.
    #[must_use]
    pub(super) fn kopf(&self) -> Option<&Path> {
        self.kopf.as_deref()
    }
}

/// The folder of the peers' and the load's sources.
pub(super) fn sources() -> PathBuf {
    paths::repository().join("e2e/bench")
}

async fn go_programs(cache: &Path) -> Result<PathBuf, Error> {
    let (sources, found) = (sources(), go::Go::find()?);
    let flags = ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", "-s -w"].map(str::to_owned);
    let mut parts = flags.to_vec();
    for program in GO_PROGRAMS {
        parts.extend(texts(&sources.join(program))?);
    }
    let key = key::of(&sources, &parts, found.version()).map_err(at(&sources))?;
    let folder = cache.join(format!("bench-{key}"));
    let _lock = lock(&folder)?;
    for program in GO_PROGRAMS {
        let (place, making) = (folder.join(program), folder.join(format!("{program}.making")));
        if place.is_file() {
            continue;
        }
        eprintln!("building {program}, once; up to 3 minutes on two cores");
        make(program, &folder, Path::new(go::PROGRAM), |command| {
            command.arg("build").args(&flags).arg("-o").arg(&making).arg(format!("./{program}"));
            command.current_dir(&sources).env("CGO_ENABLED", "0").env("GOWORK", "off");
        })
        .await?;
        fs::rename(&making, &place).map_err(at(&place))?;
    }
    Ok(folder)
}

/// Whatever changes the program: its files, by name.
fn texts(folder: &Path) -> Result<Vec<String>, Error> {
    let names = fs::read_dir(folder).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let mut names: Vec<PathBuf> = names.map_err(at(folder))?;
    names.sort();
    names.iter().map(|path| fs::read_to_string(path).map_err(at(path))).collect()
}

/// kopf in a Python environment of its own, by its requirements.
async fn kopf(cache: &Path) -> Result<PathBuf, Error> {
    let requirements = sources().join("peer-kopf/requirements.txt");
    let text = fs::read_to_string(&requirements).map_err(at(&requirements))?;
    let folder = cache.join(format!("bench-kopf-{}", key::of_texts(&[&text])));
    let _lock = lock(&folder)?;
    let (environment, complete) = (folder.join("environment"), folder.join("complete"));
    if !complete.is_file() {
        eprintln!("installing kopf, once");
        make("a Python environment", &folder, Path::new("python3"), |command| {
            command.args(["-m", "venv", "--clear"]).arg(&environment);
        })
        .await?;
        make("kopf", &folder, &environment.join("bin/python"), |command| {
            command.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "-r"]);
            command.arg(&requirements);
        })
        .await?;
        fs::write(&complete, "").map_err(at(&complete))?;
    }
    Ok(environment.join("bin/kopf"))
}

/// Runs a program to its end, with its log in `folder`.
async fn make(
    what: &str,
    folder: &Path,
    program: &Path,
    configure: impl FnOnce(&mut std::process::Command),
) -> Result<(), Error> {
    let log = folder.join(format!("{}.log", what.replace(' ', "-")));
    let status = Child::start(what, &log, program, configure)?.wait().await?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: what.to_owned(), status, end: process::tail(&log, SHOWN_LINES) })
}

/// One process at a time makes what is in a folder.
fn lock(folder: &Path) -> Result<File, Error> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(at(&path))?;
    file.lock().map_err(at(&path))?;
    Ok(file)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}
