//! XOS's gRPC API, served over custom resources: what a core of XOS is for its clients.
//!
//! There is no database: an object of the API is the custom resource. It is read from the view that steps have, too, and
//! written by the same path, so that what a client saves is what kubectl shows, and the other way round.
//!
//! - [`Core`] has the rules: what a reply says of an object, and what a request makes of it.
//! - [`ids`] gives objects the numbers by which the API names them.
//! - [`Gate`] knows the users.
//! - [`ModelSets`] are where models go that clients load.
//! - [`Server`] listens.

mod caller;
mod core;
mod error;
mod gate;
pub mod ids;
mod loading;
mod server;

pub use caller::Caller;
pub use core::{Core, CoreOptions};
pub use error::ApiError;
pub use gate::{Gate, GateError, LIMITED, Login, hash};
pub use loading::ModelSets;
pub use server::{Server, ServerError, Tls};
