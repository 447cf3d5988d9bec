//! XOS's wire contract: the gRPC API that a core serves for a set of models, and a client of it.
//!
//! [`Api::of`] flattens a model set into messages with numbered fields, as XOS 4.0.4 does; [`Api::to_proto`] writes
//! them as the file `xos.proto`, which clients compile. [`wire`] reads and writes objects, [`Schema`] is what a core
//! tells clients, and [`Client`] calls a core: this one, or the original.
//!
//! ```
//! use xos_grpc::Api;
//! use xos_xproto::{Sources, compile};
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
//! let api = Api::of(&compile(&sources).models)?;
//! let site = api.message("Site").ok_or("no such message")?;
//! assert_eq!(site.content_type, "example.site");
//! // XOSBase has the numbers 1 to 99, the first model that adds fields 101 to 199.
//! assert_eq!(site.field("name").map(|field| field.number), Some(101));
//! assert!(api.to_proto().contains("rpc ListSite(google.protobuf.Empty) returns (Sites)"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api;
pub mod client;
pub mod codec;
pub mod messages;
mod schema;
pub mod wire;

pub use api::{Api, ApiError, Field, FieldKind, Message, Problem};
pub use client::{Client, ClientError, Connection, Record, Saving};
pub use schema::{Schema, SchemaError};
