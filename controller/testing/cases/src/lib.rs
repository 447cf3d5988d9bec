//! Test cases of services as YAML documents: what an operator applies and what backends answer, then what is asked of
//! them, saved and told. They run in the world in memory (`xos-testing`): no cluster, no network, no process is started,
//! and time passes as fast as it is said to.
//!
//! [`Files::read`] reads files, [`Case::run`] runs a case. What is wrong, and what is not as expected, are
//! [`Diagnostic`]s with their places.

mod answers;
mod compare;
mod expect;
mod foreign;
mod objects;
mod outside;
mod problem;
mod read;
mod run;
pub mod spec;

pub use problem::{CaseProblem, Diagnostic};
pub use read::{Case, Files};
pub use run::Service;
