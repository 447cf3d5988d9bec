//! The xproto language: source text to a resolved model set, with diagnostics.
//!
//! [`compile`] takes a set of files and returns the models that could be resolved together with everything that is
//! wrong with the text; it never fails, does no input or output, and never panics, whatever the bytes are.
//!
//! ```
//! use xos_xproto::{Sources, compile, render};
//!
//! let mut sources = Sources::new();
//! sources.add(
//!     "site.xproto",
//!     r#"
//!     option app_label = "example";
//!     message Site (XOSBase) {
//!         required string name = 1 [max_length = 200];
//!     }
//!     "#,
//! );
//! let compiled = compile(&sources);
//! for diagnostic in &compiled.diagnostics {
//!     eprintln!("{}", render(diagnostic, &sources, false));
//! }
//! assert!(!compiled.has_errors());
//! let site = compiled.models.get("Site").ok_or("no such model")?;
//! assert_eq!(site.plural, "Sites");
//! assert!(site.is_a("XOSBase") && site.field("backend_status").is_some());
//! # Ok::<(), &str>(())
//! ```
//!
//! The passes, in order: [`source`] text, tokens, tree (one file at a time, with recovery), then names, bases, options
//! and fields over the whole set ([`model`]), then the rules, one small function each. What each diagnostic means and
//! how to fix it is documented at its variant in [`diagnostics`].

pub mod diagnostics;
mod limits;
pub mod model;
mod nearest;
mod parse;
pub mod pattern;
pub mod plural;
pub mod reference;
mod render;
mod resolve;
mod rules;
pub mod source;
mod token;
mod tree;

pub use diagnostics::{Code, Diagnostic, Kind, Label, Severity};
pub use model::{
    Choice, Compiled, ContentType, Field, FieldState, Link, LinkKind, Literal, Member, Model, ModelSet, Name, Policy,
    Property, RawOption, Reverse, ReverseLink, ScalarType, Section, Validator, ValueForm, ValueType, XOS_BASE,
    camel_case,
};
pub use nearest::nearest;
pub use render::{DiagnosticJson, Position, Range, RelatedJson, render, to_json};
pub use resolve::{ALL_OF_CORE, Options, compile, compile_with, core_names};
pub use source::{SourceId, Sources, Span};
