//! The API as a client sees it, over a world in memory.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod access;
mod errors;
mod filter;
mod ids;
mod objects;
mod support;
mod synchronizer;
