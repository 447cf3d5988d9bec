//! Rust types for the models of xproto files, made at build time.
//!
//! In `build.rs`:
//!
//! ```no_run
//! fn main() -> Result<(), xos_codegen::CodegenError> {
//!     xos_codegen::build(&["mymodel.xproto"])
//! }
//! ```
//!
//! and in the crate `xos_controller::include_models!();`. This includes
//!
//! - a **struct** for each model: its fields, [`new`](#new-objects) and the `Model` trait, which reads it from an
//!   object and writes it back. A model that others inherit from, abstract or not, is also a view of their objects;
//! - a **constant** for each field and link, for [queries](#queries), and for each reverse port of a link
//!   (`Site::SLICES`);
//! - an **enum** for each field with `choices`, called after the model that declares the field and the field
//!   (`ServiceKind`): the heirs share it. `None` among the choices is `Option`;
//! - **links** as `Link<Site>`, or `Option` or `Vec` of it;
//! - a **trait** for each model that others inherit from (`IsServiceInstance`), which these and the model itself
//!   implement: a getter for each of its fields, a setter for those that are not the framework's, the bases' traits
//!   above it. `IsA<ServiceInstance>` says the same to generic code;
//! - a **method** for each [property](#properties): `person.full_name(ctx)?`;
//! - `XPROTO`, the files' text, for `Synchronizer::models`, and `models()`, the same compiled.
//!
//! # The core's models
//!
//! `Service`, `ServiceInstance` and the other models of XOS's core come with the compiler: a file that names one as a
//! base or as the peer of a link needs no other file. The custom resources are those of the service's own models and of
//! those that they name. The generated code also has structs for models to which these lead by bases and links: a
//! `Link<Site>` that is inherited has its type. But no objects of such a model are known (it is not `Known`), so that
//! `ctx.models::<Site>()` does not compile. A file that uses more of the core says so: `option uses = "Site, Slice";`,
//! or `option uses = "core";` for all of it.
//!
//! # New objects
//!
//! ```ignore
//! let required = NewRCORDSubscriber { owner: Link::to("rcord"), onu_device: "onu-1".to_owned() };
//! let subscriber = RCORDSubscriber { c_tag: Some(111), ..RCORDSubscriber::new(required).named("alice") };
//! ```
//!
//! `NewRCORDSubscriber` has the required fields and links, those of the bases included. A field that becomes required
//! later is a compile error until it is given. All other fields have the model's default, or no value. `named` sets
//! `metadata.name`, and `in_namespace` the namespace. An object without a namespace is created in that of the object
//! that the step handles; `find_or_create` names an object that has no name. A model without required fields has
//! `new()` and `Default`.
//!
//! # Queries
//!
//! ```ignore
//! let subscribers = ctx.models::<RCORDSubscriber>().filter(RCORDSubscriber::C_TAG, 111);
//! let subscribers = subscribers.filter(XOSBase::NO_SYNC, false).all()?;
//! ```
//!
//! A constant can be used in queries of its model and of all models that inherit from it. The value must have the
//! field's type. A link is compared with a `Link`, or with the name of its peer; `()` means no value. Fields of
//! `XOSBase` are constants of `XOSBase` only.
//!
//! # Properties
//!
//! The files `convenience/*.yaml` beside the xproto files declare computed properties (XOS's convenience methods). Each is
//! a method of the struct of its model, and of those of the models that inherit from it, and a constant for queries. They
//! are a part of `XPROTO`.
//!
//! # Names
//!
//! Fields have their names from xproto, with `r#` before Rust's keywords. A name that is taken (by a model, or by
//! `meta`) ends with `_`; so does a getter whose name is a method of every object (`clone`, `write_to` …).

mod choices;
mod classes;
mod constants;
mod member;
mod names;
mod properties;
mod structs;
mod text;
mod used;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{env, fs};

use xos_properties::{Convenience, FOLDER, of_folder};
use xos_xproto::{ModelSet, Sources, compile, render};

pub use names::Names;
use used::Used;

/// An error of the generator. Its `Debug` is its message, because that is what cargo shows of a failed build script.
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
    /// The models, or their properties, have errors.
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

/// Compiles xproto files (paths relative to the package) to `models.rs` in cargo's OUT_DIR. Cargo shows the warnings.
///
/// # Errors
/// When a file cannot be read, or the models have errors; the message shows each with its place.
pub fn build(files: &[&str]) -> Result<(), CodegenError> {
    build_as("models", files)
}

/// Does what [`build`] does, for a file of that name and `include_models!("name")`. A crate may have several sets of
/// models, each in its own module.
///
/// # Errors
/// As for [`build`].
pub fn build_as(name: &str, files: &[&str]) -> Result<(), CodegenError> {
    let root = variable("CARGO_MANIFEST_DIR")?;
    let out = variable("OUT_DIR")?.join(format!("{name}.rs"));
    let paths: Vec<_> = files.iter().map(|file| root.join(file)).collect();
    let mut sources = Sources::new();
    for (file, path) in files.iter().zip(&paths) {
        emit(&format!("rerun-if-changed={}", path.display()));
        let text = fs::read(path).map_err(|source| CodegenError::File { path: path.clone(), source })?;
        sources.add(*file, text);
    }
    let (convenience, properties) = conveniences(&paths)?;
    convenience.announce(&mut sources);
    let compiled = compile(&sources);
    let rendered: Vec<_> = compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect();
    if compiled.has_errors() {
        return Err(CodegenError::Models(rendered.join("\n")));
    }
    for line in rendered.iter().flat_map(|text| text.lines()) {
        emit(&format!("warning={line}"));
    }
    let (models, _) = convenience.compile(&compiled.models).map_err(|found| {
        let rendered: Vec<_> = found.iter().map(|diagnostic| diagnostic.render(false)).collect();
        CodegenError::Models(rendered.join("\n"))
    })?;
    let name = |path: &Path| path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
    let of_properties = properties.iter().map(|path| (format!("{FOLDER}/{}", name(path)), path));
    let all = files.iter().zip(&paths).map(|(file, path)| (file_name(file).to_owned(), path)).chain(of_properties);
    let texts: Vec<_> = all.map(|(name, path)| (name, format!("::std::include_str!({path:?})"))).collect();
    let code = generate_used(&models) + &embedded(texts.iter().map(|(name, text)| (name.as_str(), text.clone())));
    fs::write(&out, code).map_err(|source| CodegenError::File { path: out, source })
}

/// Returns what is in the folders `convenience` beside these files, and the paths.
fn conveniences(models: &[PathBuf]) -> Result<(Convenience, Vec<PathBuf>), CodegenError> {
    let folders: BTreeSet<_> = models.iter().filter_map(|path| path.parent()).collect();
    let mut convenience = Convenience::default();
    let mut paths = vec![];
    for folder in folders {
        let found = of_folder(folder).map_err(|source| CodegenError::File { path: folder.join(FOLDER), source })?;
        if !found.is_empty() {
            emit(&format!("rerun-if-changed={}", folder.join(FOLDER).display()));
        }
        paths.extend(found);
    }
    for path in &paths {
        convenience.read(path.clone(), fs::read_to_string(path));
    }
    Ok((convenience, paths))
}

/// Returns the Rust code for all models of a set.
pub fn generate(models: &ModelSet) -> String {
    code_of(models, &models.iter().map(|model| model.name.as_str()).collect())
}

/// Returns the Rust code for a set without those of the core's models that the others do not use.
pub fn generate_used(models: &ModelSet) -> String {
    code_of(models, &used::used(models))
}

fn code_of(models: &ModelSet, used: &Used<'_>) -> String {
    let names = Names::of(models);
    let mut code = String::new();
    for model in models.iter().filter(|model| used.contains(model.name.as_str())) {
        for field in model.own_fields() {
            code.extend(names.of_choices(field).map(|name| choices::code(field, name)));
        }
        code.extend(names.of_trait(&model.name).map(|name| classes::declaration(model, name, &names)));
        let name = names.of_struct(&model.name).unwrap_or_default();
        code.push_str(&structs::code(model, name, &names));
        code.push_str(&constants::code(model, name, &names, used));
        code.push_str(&properties::code(model, name, &names, used));
        code.push_str(&classes::implementations(model, name, &names));
    }
    code
}

/// Returns the code of the constant `XPROTO` with files' names and texts, and of the function `models`, which returns
/// them compiled.
pub fn embed(files: &[(String, String)]) -> String {
    embedded(files.iter().map(|(name, text)| (name.as_str(), format!("{text:?}"))))
}

/// Does what [`embed`] does, with Rust expressions for the texts.
fn embedded<'f>(files: impl Iterator<Item = (&'f str, String)>) -> String {
    let lines: String = files.map(|(name, text)| format!("    ({name:?}, {text}),\n")).collect();
    let allow = text::ALLOW;
    let str = "&'static ::std::primitive::str";
    let set = "::xos_controller::model::xproto::ModelSet";
    format!(
        "/// The xproto files that these types are made from: name and text.
{allow}pub const XPROTO: &'static [({str}, {str})] = &[
{lines}];

/// The models that these types are made from.
{allow}pub fn models() -> &'static {set} {{
    static MODELS: ::std::sync::LazyLock<{set}> =
        ::std::sync::LazyLock::new(|| ::xos_controller::model::typed::compiled(XPROTO));
    &MODELS
}}
"
    )
}

/// Returns what a file is called in messages: its name without its folder.
fn file_name(file: &str) -> &str {
    Path::new(file).file_name().and_then(OsStr::to_str).unwrap_or(file)
}

fn variable(name: &'static str) -> Result<PathBuf, CodegenError> {
    env::var_os(name).map(PathBuf::from).ok_or(CodegenError::NotABuildScript(name))
}

/// Prints an instruction for cargo.
fn emit(instruction: &str) {
    println!("cargo::{instruction}");
}
