//! Random model sets for tests: always the same for a seed, on every machine.
//!
//! [`generate::set`] makes everything that the original compiler accepts, in forms on which both compilers should
//! agree. [`values::with_values`] adds what concerns values: choices, defaults, and names that Rust reserves.

pub mod generate;
pub mod random;
pub mod set;
pub mod values;

pub use generate::set;
pub use random::Random;
pub use set::Set;
