//! The rules: one small function each, with one code.

pub(crate) mod fields;
pub(crate) mod inherited;
pub(crate) mod models;
pub(crate) mod siblings;
pub(crate) mod words;
