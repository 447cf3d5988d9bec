//! Expressions over models, in CEL (the Common Expression Language of Kubernetes).
//!
//! [`Expression::compile`] checks a text against the models: every field, link, function and operator. An expression
//! that is wrong is refused with its place and what was probably meant, before anything runs. A [`Template`] is a text
//! with expressions in `${…}`.
//!
//! ```
//! use std::sync::Arc;
//! use serde_json::json;
//! use xos_expressions::{Expression, NoObjects, Scope, Type, Values};
//! use xos_model::Object;
//! use xos_xproto::{Sources, compile};
//!
//! let mut sources = Sources::new();
//! sources.add("person.xproto", "option app_label = \"example\";
//!     message Person (XOSBase) { required string name = 1 [max_length = 30]; optional string title = 2 [max_length = 9]; }");
//! let models = compile(&sources).models;
//! let scope = Scope::new(&models).with("self", Type::object("Person"));
//! let full_name = Expression::compile("self.title == null ? self.name : self.title + ' ' + self.name", &scope)?;
//! assert_eq!(full_name.of(), &Type::Text);
//!
//! let mut ada = Object::named("Person", "default", "ada");
//! ada.set("name", json!("Ada"));
//! let values = Values::new(Arc::new(NoObjects::of(models))).with_object("self", &Arc::new(ada));
//! assert_eq!(full_name.evaluate(&values)?, json!("Ada"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A field without a value is null, and so is a link that leads nowhere. A link to one object is that object, one to
//! many is a list, as is a reverse link.

mod check;
mod environment;
mod expression;
mod fault;
mod functions;
mod json;
mod metadata;
mod object;
mod objects;
mod owned;
pub mod properties;
mod reads;
mod run;
mod scope;
mod template;
mod types;
mod values;

pub use expression::{EvaluationError, Expression};
pub use fault::{Fault, Faults};
pub use objects::{NoObjects, Objects};
pub use properties::Properties;
pub use reads::{Aspect, Reads, changes};
pub use scope::Scope;
pub use template::Template;
pub use types::{Record, Type};
pub use values::Values;
