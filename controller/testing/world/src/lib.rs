//! A world in memory for unit tests of steps and policies.
//!
//! It is the controller itself, with the same rules about when a step runs, what is saved and how, what waits and what
//! is deleted. Only the API server is replaced by one in memory, and the clock by one that the test sets forward: tests
//! need no server, and do not sleep.
//!
//! ```
//! # mod xos_controller { pub use {xos_steps::*, xos_model as model, xos_testing as testing}; }
//! use xos_controller::model::Object;
//! use xos_controller::testing::{World, WorldError};
//! use xos_controller::{StepContext, StepError, SyncStep};
//!
//! struct SyncPerson;
//!
//! impl SyncStep for SyncPerson {
//!     type Model = Object; // or a struct generated from xproto
//!
//!     fn observes(&self) -> &str {
//!         "Person"
//!     }
//!
//!     async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
//!         o.set("backend_handle", "p-1".into());
//!         Ok(())
//!     }
//!
//!     async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), WorldError> {
//! let models = "option app_label = \"people\";
//!     message Person (XOSBase) { required string name = 1 [max_length = 32]; }";
//! let mut world = World::of(&[("people.xproto", models)]).sync_step(SyncPerson).start()?;
//! let mut ada = Object::named("Person", "default", "ada");
//! ada.set("name", "Ada".into());
//! world.apply(&ada)?;
//! world.settle().await;
//! let ada: Object = world.get("ada")?;
//! assert_eq!(ada.text("backend_status"), Some("OK"));
//! assert_eq!(ada.text("backend_handle"), Some("p-1"));
//! # Ok(()) }
//! ```

mod builder;
mod clock;
mod cluster;
mod flows;
mod waiting;
mod world;

pub use builder::{Builder, WorldError};
pub use clock::TestClock;
pub use cluster::{Cluster, Refused};
pub use world::World;
pub use xos_engine::memory::{Change, ChangeKind, Fault};
