//! What becomes of stored objects when a kind's definition is replaced by another one.
//!
//! [`compare`] finds all [`Difference`]s of two definitions and sorts them: harmless; tightening (CEL rules, which do
//! not touch what is stored until it is edited); breaking for the objects that [`Difference::affects`] says; or nothing
//! that the API server takes. [`Change`] adds what the stored objects say and gives the [`Verdict`], in words for
//! people or as JSON.
//!
//! **Invariant:** where a change is called safe, no stored object becomes invalid by it or loses a value (a property
//! test), but for values that are computed (`status.properties`), which are computed again.

mod definition;
mod difference;
mod field_path;
mod fits;
mod formats;
mod keywords;
mod report;
mod schema;
mod values;
mod verdict;

pub use definition::{CompareError, compare, taken_names};
pub use difference::{Difference, Effect, FIELD, OTHER_FIELDS, REQUIRED, RULE, Requirement};
pub use field_path::FieldPath;
pub use formats::has_format;
pub use report::{Refusal, Report};
pub(crate) use values::complies;
pub use verdict::{Affected, Change, Finding, Verdict};
