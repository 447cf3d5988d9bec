//! Computed properties of models (XOS's convenience methods), as YAML files beside the models.
//!
//! A file in a folder `convenience` has expressions by model and name. [`Convenience`] reads such files, and checks them
//! against the models and against each other; everything that is wrong with them is told at once, with its place.
//!
//! ```
//! use xos_properties::Convenience;
//! use xos_xproto::{Sources, compile};
//!
//! let mut sources = Sources::new();
//! sources.add("person.xproto", "option app_label = \"example\";
//!     message Person (XOSBase) { required string first_name = 1 [max_length = 9]; required string last_name = 2 [max_length = 9]; }");
//! let mut convenience = Convenience::default();
//! convenience.add("convenience/person.yaml", "Person: {full_name: \"self.first_name + ' ' + self.last_name\"}");
//! convenience.announce(&mut sources);
//! let (models, properties) = convenience.compile(&compile(&sources).models).map_err(|found| format!("{found:?}"))?;
//! assert!(models.get("Person").is_some_and(|person| person.property("full_name").is_some()));
//! assert!(properties.get("Person", "full_name").is_some());
//! # Ok::<(), String>(())
//! ```

mod convenience;
mod files;
mod problem;

pub use convenience::Convenience;
pub use files::{FOLDER, has_properties, is_in_folder, of_folder};
pub use problem::{Diagnostic, Problem};
