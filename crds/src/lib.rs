//! XOS models as Kubernetes custom resources: a model set becomes CustomResourceDefinitions, an object becomes a custom
//! resource and back.
//!
//! **Invariant:** nothing here talks to an API server.

pub mod cel;
pub mod change;
mod columns;
mod convert;
mod definition;
mod identity;
mod links;
pub mod names;
mod received;
mod rules;
mod schema;
mod selectable;
mod sources;
mod status_schema;
pub mod typed;
mod violations;
pub mod yaml;

pub use change::has_format;
pub use convert::{
    DecodeError, from_custom_resource, from_received, new_custom_resource, new_status, quiet_save_patch, rehash,
    spec_hash, status_json, to_custom_resource,
};
pub use definition::{api_resource, definition, definitions};
pub use identity::{kept_status, recall};
pub use names::Names;
pub use received::Received;
pub use typed::{CustomResource, TypedError};
pub use violations::SpecSchema;
