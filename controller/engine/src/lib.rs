//! The reconciler: **load** (from the watch cache, no call) → **decide** (pure) → **act** (the author's code) →
//! **record** (one status write).
//!
//! One loop ([`Engine::run`]) owns view and queue; workers call steps and write. Woken by events only: nothing polls,
//! and nothing is written at rest.
//!
//! **Invariant:** an object is reconciled by one worker at a time. **Invariant:** `decide`, `queue`, `objects`,
//! `dependencies`, `brake` and the watch cache do no IO.

pub mod admission;
pub mod api_error;
mod awaited;
mod brake;
pub mod clock;
mod computing;
mod decide;
mod dependencies;
mod duty;
mod engine;
pub mod events;
mod gate;
pub mod heartbeat;
pub mod install;
pub mod installation;
pub mod leader;
pub mod memory;
mod objects;
mod options;
pub mod presence;
pub mod pull;
mod queue;
mod registry;
mod resyncs;
mod secrets;
pub mod stats;
mod store;
mod turns;
mod view;
pub mod watch;
mod work;
mod workers;
mod writer;

#[cfg(test)]
mod fixtures;

pub use engine::{Engine, EngineError, RegistryChange};
pub use options::Options;
pub use queue::Priority;
pub use registry::{Difference, Entry, Finalizers, LiveRegistry, Registry, RegistryError};
pub use secrets::{SECRETS, SecretData, SecretName, SecretNews, SecretWatch, secret_watches};
pub use turns::TURNS;
pub use view::Observer;
pub use writer::{API_TIMEOUT, KubeWriter, SpecSave, WriteError, Writer, Written};
