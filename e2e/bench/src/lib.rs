//! Benchmarks.
//!
//! - [`engine`] measures the engine next to its peers (`xos-bench`);
//! - [`bus`] measures pull steps and event steps (`xos-bench-bus`).
//!
//! The load generator and the peers are the Go and Python programs beside `src`.

pub mod bus;
pub mod engine;
