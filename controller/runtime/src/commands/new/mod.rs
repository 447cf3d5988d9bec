//! `new`: writes the crate of a new service, which builds, is tested and runs as it stands; or a service of documents.

mod base;
mod files;
mod framework;
mod name;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CommandError, Exit};
use base::Base;
use files::{File, ModelError};
use framework::{Framework, FrameworkArgs, FrameworkError};
use name::{Name, NameError};

#[derive(Debug, Args)]
#[command(after_help = "\
The crate has a model, a sync step, a policy, a test of these, a configuration, and the rights for a cluster. Its README says how to \
test and run it.
  xos new my-service --base ServiceInstance
With --yaml nothing is to be compiled: the service is a folder of models, documents and test cases, which `xos run` runs and `xos test` tests.
Exit code: 0 written, 1 a file cannot be written, 2 wrong usage.")]
pub(crate) struct NewArgs {
    /// The name of the service, its crate and its folder: lower-case letters, digits and `-`. The model has it in
    /// CamelCase
    #[arg(value_name = "NAME")]
    name: String,
    /// What the model inherits from
    #[arg(long, value_enum, default_value_t, value_name = "MODEL")]
    base: Base,
    /// The folder in which the service's folder is made
    #[arg(long, value_name = "DIR", default_value = ".")]
    parent: PathBuf,
    /// Write a service of YAML documents in place of a crate
    #[arg(long, conflicts_with_all = ["framework_path", "framework_git", "framework_version"])]
    yaml: bool,
    #[command(flatten)]
    framework: FrameworkArgs,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NewError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Framework(#[from] FrameworkError),
    #[error("{} is there already: take another name, or remove it", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl CommandError for NewError {
    fn exit(&self) -> Exit {
        match self {
            Self::Write { .. } => Exit::Failed,
            Self::Name(_) | Self::Model(_) | Self::Framework(_) | Self::Exists(_) => Exit::Usage,
        }
    }
}

/// Writes the service, and prints what to do next.
pub(crate) fn run(args: &NewArgs, out: &mut dyn Write) -> Result<Exit, NewError> {
    let name = Name::new(&args.name)?;
    let next = if args.yaml { of_documents(args, &name)? } else { of_crate(args, &name)? };
    writeln!(out, "{next}").map_err(|source| NewError::Write { path: "standard output".into(), source })?;
    Ok(Exit::Success)
}

fn of_crate(args: &NewArgs, name: &Name) -> Result<String, NewError> {
    let framework = Framework::of(&args.framework)?;
    let files = files::of(name, args.base, &framework)?;
    let folder = args.parent.join(name.as_str());
    write(&folder, &files)?;
    let folder = folder.display();
    let name = name.as_str();
    Ok(format!(
        "{folder}: a service with {} files. Next:
  cd {folder}
  cargo test                               # its steps, without a cluster
  cargo run -- run --config config.yaml    # with the cluster that kubectl uses
README.md has more, `cargo run -- help` all commands of `{name}`.",
        files.len()
    ))
}

fn of_documents(args: &NewArgs, name: &Name) -> Result<String, NewError> {
    let files = files::of_documents(name, args.base)?;
    let folder = args.parent.join(name.as_str());
    write(&folder, &files)?;
    let folder = folder.display();
    Ok(format!(
        "{folder}: a service of documents with {} files. Next:
  cd {folder}
  xos check config.yaml                              # models, steps, configuration
  xos validate objects.yaml --config config.yaml     # objects, without a cluster
  xos test                                           # steps and policies, without a cluster and without a backend
  xos run --config config.yaml                       # with the cluster that kubectl uses
README.md has more.",
        files.len()
    ))
}

fn write(folder: &Path, files: &[File]) -> Result<(), NewError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| NewError::Write { path, source }
    };
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(NewError::Exists(folder.to_owned())),
        made => made.map_err(failed(folder))?,
    }
    for (path, text) in files {
        let path = folder.join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed(&path))?;
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
