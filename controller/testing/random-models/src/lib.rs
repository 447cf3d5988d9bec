//! Random model sets for tests: the same for a seed on every machine and for ever.
//!
//! [`generate::set`] makes everything that the original compiler accepts, in forms on which both compilers are to
//! agree. [`values::with_values`] adds what concerns values: choices, defaults, and names that Rust keeps for itself.

pub mod generate;
pub mod random;
pub mod set;
pub mod values;

pub use generate::set;
pub use random::Random;
pub use set::Set;
