//! Steps and policies that are written as YAML documents, for services without a compiler.
//!
//! A document is one of four [kinds]: `SyncStep`, `ModelPolicy`, `PullStep`, `EventStep`. [`read`] reads files;
//! [`Documents::compile`] checks them against the models and makes the steps that the engine runs. Everything that is
//! wrong with them is told at once, with its place.

mod compile;
mod files;
pub mod kinds;
pub mod limited;
mod problem;
mod read;
mod run;

pub use files::files_below;
pub use problem::{Diagnostic, Problem};
pub use read::{Documents, Folder, Text, has_documents, is_document, is_test, read, texts};
