//! The subcommands of the program, one module each: its arguments, and a function `run` that carries it out.

pub(crate) mod admission;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod config;
mod content;
pub(crate) mod crds;
pub(crate) mod events;
pub(crate) mod explain;
mod findings;
mod folder;
mod format;
pub(crate) mod generate;
pub(crate) mod graph;
pub(crate) mod hash_password;
pub(crate) mod loglevel;
pub(crate) mod new;
mod objects;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod proto;
pub(crate) mod pull;
pub(crate) mod rbac;
pub(crate) mod resync;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod self_test;
mod source;
pub(crate) mod test;
pub(crate) mod tree;
pub(crate) mod uninstall;
pub(crate) mod validate;
pub(crate) mod why;

use std::fmt;
use std::process::ExitCode;

use crate::models::ModelsError;

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0
    Success,
    /// 1: the command did not succeed, or found something wrong.
    Failed,
    /// 2: wrong usage, or files that cannot be read.
    Usage,
    /// 3: `run` would refuse a change of the definitions.
    Refused,
}

impl Exit {
    /// Returns the number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The error of a command, which knows its exit code.
pub(crate) trait CommandError: fmt::Display {
    /// Returns the exit code; 1 if the command says nothing else.
    fn exit(&self) -> Exit {
        Exit::Failed
    }
}

impl CommandError for ModelsError {
    fn exit(&self) -> Exit {
        match self {
            Self::Files(_) | Self::Unnamed { .. } => Exit::Usage,
            Self::Invalid(_) => Exit::Failed,
        }
    }
}

/// A command that failed: what is printed, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) exit: Exit,
}

impl Failure {
    /// Returns the failure of a command line that cannot be read.
    pub(crate) fn usage(error: &clap::Error) -> Self {
        Self { message: error.to_string(), exit: Exit::Usage }
    }
}

impl<E: CommandError> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: error.to_string(), exit: error.exit() }
    }
}
