//! Parks events, keeps the order of their keys, lists and replays them.

mod assigned;
mod clients;
mod groups;
mod logs;
mod notices;
mod park;
mod reader;
mod seen;
mod tool;
mod topics;
mod turn;

#[cfg(test)]
mod order;

pub(crate) use logs::{Logs, OfStep};
pub(crate) use notices::Notices;
pub use tool::{ParkedError, ParkedEvents, Stored};
pub(crate) use topics::ParkedTopics;
#[cfg(test)]
pub(crate) use topics::{Store, StoreError as NotStored};
pub(crate) use turn::Next;
