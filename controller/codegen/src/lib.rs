//! Rust structs for the models of xproto files, made at build time.
//!
//! In `build.rs`:
//!
//! ```no_run
//! fn main() -> Result<(), xos_codegen::CodegenError> {
//!     xos_codegen::build(&["mymodel.xproto"])
//! }
//! ```
//!
//! and in the crate: `xos_controller::include_models!();`, which brings in a struct for each model (with docs), and `XPROTO`, the
//! files' text, for `Synchronizer::models`.

mod rust;

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use xos_xproto::{ModelSet, Sources, compile, render};

pub use rust::model_struct;

/// Why no Rust code could be made. Its `Debug` is its text: that is what cargo shows of a failed build script.
#[derive(thiserror::Error)]
pub enum CodegenError {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The models have errors.
    #[error("the models have errors:\n{0}")]
    Models(String),
    /// Not called from a build script.
    #[error("{0} is not set: call this from build.rs")]
    NotABuildScript(&'static str),
}

impl fmt::Debug for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Compiles xproto files (paths relative to the package) to `models.rs` in cargo's OUT_DIR. Warnings are shown by cargo.
///
/// # Errors
/// When a file cannot be read, or the models have errors; the message shows each with its place.
pub fn build(files: &[&str]) -> Result<(), CodegenError> {
    let root = variable("CARGO_MANIFEST_DIR")?;
    let out = variable("OUT_DIR")?.join("models.rs");
    let paths: Vec<_> = files.iter().map(|file| root.join(file)).collect();
    let mut sources = Sources::new();
    for (file, path) in files.iter().zip(&paths) {
        emit(&format!("rerun-if-changed={}", path.display()));
        let text = fs::read(path).map_err(|source| CodegenError::File { path: path.clone(), source })?;
        sources.add(*file, text);
    }
    let compiled = compile(&sources);
    let rendered: Vec<_> = compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect();
    if compiled.has_errors() {
        return Err(CodegenError::Models(rendered.join("\n")));
    }
    for line in rendered.iter().flat_map(|text| text.lines()) {
        emit(&format!("warning={line}"));
    }
    let code = generate(&compiled.models) + &embedded(files, &paths);
    fs::write(&out, code).map_err(|source| CodegenError::File { path: out, source })
}

/// The Rust code for all models that have objects.
pub fn generate(models: &ModelSet) -> String {
    models.concrete().map(model_struct).collect()
}

/// The constant with the files' names and text.
fn embedded(files: &[&str], paths: &[PathBuf]) -> String {
    let mut code = String::from("/// The xproto files that these models are made from: name and text.\n");
    code.push_str("pub const XPROTO: &[(&str, &str)] = &[\n");
    for (file, path) in files.iter().zip(paths) {
        let name = Path::new(file).file_name().map_or_else(|| (*file).into(), |n| n.to_string_lossy());
        let _ = writeln!(code, "    ({name:?}, include_str!({path:?})),");
    }
    code + "];\n"
}

fn variable(name: &'static str) -> Result<PathBuf, CodegenError> {
    env::var_os(name).map(PathBuf::from).ok_or(CodegenError::NotABuildScript(name))
}

/// A line for cargo.
fn emit(instruction: &str) {
    println!("cargo::{instruction}");
}
