//! The reconciler: **load** (from the watch cache, no call) → **decide** (pure: a [`decide::Plan`]) → **act** (the author's code) →
//! **record** (one status write).
//!
//! One loop ([`Engine::run`]) owns cache and queue; workers run steps and write. Woken by events only: nothing polls, and nothing is
//! written at rest.
//!
//! **Invariant:** an object is handled by one worker at a time. **Invariant:** [`decide`], [`queue`] and [`cache`] do no IO.

pub mod birth;
pub mod cache;
pub mod clock;
pub mod decide;
pub mod doubts;
mod duty;
mod engine;
pub mod events;
pub mod install;
pub mod memory;
pub mod options;
mod pace;
mod planner;
pub mod pull;
pub mod queue;
mod refusals;
pub mod registry;
mod rooms;
mod store;
mod view;
pub mod watch;
mod work;
pub mod writer;

#[cfg(test)]
mod fake;

pub use engine::{Engine, EngineError};
pub use options::Options;
pub use registry::{Registry, RegistryError};
pub use view::Observer;
pub use writer::{KubeWriter, SpecSave, WriteError, Writer};
