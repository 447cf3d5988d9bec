//! YAML whose keys and values know their places.
//!
//! [`parse`] reads a file to a tree of [`Node`]s; [`fit()`] compares the tree with a JSON schema, and says of all that does
//! not fit what it is, where, and what was probably meant; a [`Diagnostic`] shows that with the line of the file.

mod diagnostic;
mod file;
mod fit;
mod node;
mod parse;

pub use diagnostic::Diagnostic;
pub use file::{File, Place, part_of};
pub use fit::{
    DURATION, Expected, Fit, Misfit, choice, did_you_mean, expected, expected_number, fit, type_help, words,
};
pub use node::{Entry, Kind, Node, Value};
pub use parse::{NotYaml, parse, parse_all, parse_scalar};
