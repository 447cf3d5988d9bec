//! The original compiler, and ours, asked for the API of model sets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xos_grpc::Api;
use xos_xproto::{Severity, Sources, compile, render};

use crate::common::{message_rows, method_rows};

/// The base of all models, which is built into our compiler.
const BASE: &str = include_str!("../../../xproto/src/base.xproto");

/// The files of a model set: names and texts.
pub(crate) type Files = Vec<(String, String)>;

/// The normal form of an API, or why there is none.
pub(crate) type Outcome = Result<Vec<String>, String>;

/// Compiles each set with the original compiler, which runs once for all of them.
pub(crate) fn theirs(sets: &[Files]) -> Vec<Outcome> {
    let folder = tempfile::tempdir().unwrap();
    for (at, files) in sets.iter().enumerate() {
        let set = folder.path().join(format!("{at:05}"));
        fs::create_dir(&set).unwrap();
        if !files.iter().any(|(_, text)| text.contains("message XOSBase")) {
            fs::write(set.join("+base.xproto"), BASE).unwrap();
        }
        for (name, text) in files {
            fs::write(set.join(name), text).unwrap();
        }
    }
    let mut outcomes = read(&run(&["compile", folder.path().to_str().unwrap()]));
    (0..sets.len()).map(|at| outcomes.remove(&at).unwrap_or_else(|| Err("no answer".to_owned()))).collect()
}

/// Returns the model sets in `config`: the core's, and each service's with the core's.
pub(crate) fn repository() -> Vec<Files> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        fs::read_to_string(path).ok().map(|text| (name, text))
    };
    let core = read(config.join("core.xproto"));
    let example = read(config.join("example/mymodel.xproto"));
    let both = core.iter().chain(&example).cloned().collect();
    let alone = core.into_iter().chain(example).map(|file| vec![file]);
    alone.chain([both]).collect()
}

/// Has protoc compile the .proto files in a folder.
pub(crate) fn protoc(folder: &Path) {
    run(&["protoc", folder.to_str().unwrap()]);
}

/// Runs the oracle and gives what it prints.
fn run(arguments: &[&str]) -> String {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/oracle/oracle");
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the oracle ended with {}:\n{complaint}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Reads the outcomes that the oracle printed, by set.
fn read(printed: &str) -> BTreeMap<usize, Outcome> {
    let mut outcomes = BTreeMap::new();
    let mut current: Option<(usize, Outcome)> = None;
    for row in printed.lines() {
        match row.split_once('\t') {
            Some(("set", name)) => {
                outcomes.extend(current.replace((name.parse().unwrap(), Ok(Vec::new()))));
            }
            Some(("error", why)) => current.as_mut().unwrap().1 = Err(why.replace('\t', ": ")),
            _ => current.as_mut().unwrap().1.as_mut().unwrap().push(row.to_owned()),
        }
    }
    outcomes.extend(current);
    outcomes
}

/// Compiles a set with our compiler.
pub(crate) fn ours(files: &Files) -> Outcome {
    let api = api(files)?;
    Ok([message_rows(&api), method_rows(&api)].concat())
}

/// Returns the API that our compiler makes of a set, or all errors.
pub(crate) fn api(files: &Files) -> Result<Api, String> {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(name.as_str(), text.as_str());
    }
    let compiled = compile(&sources);
    if compiled.has_errors() {
        let errors = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.severity() == Severity::Error);
        return Err(errors.map(|error| render(error, &sources, false)).collect::<Vec<_>>().join("\n"));
    }
    Api::of(&compiled.models).map_err(|error| error.to_string())
}
