//! The rules: one small function each, with one code.

pub(crate) mod choices;
pub(crate) mod fields;
pub(crate) mod inherited;
pub(crate) mod links;
pub(crate) mod models;
pub(crate) mod options;
pub(crate) mod policies;
pub(crate) mod siblings;
pub(crate) mod words;
