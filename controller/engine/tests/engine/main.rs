//! The engine over an API server in memory: every test runs in paused time.

#![allow(clippy::unwrap_used, clippy::panic)]

mod away;
mod back;
mod basics;
mod change;
mod fair;
mod idle;
mod leader;
mod links;
mod logs;
mod lost;
mod measures;
mod passes;
mod saves;
mod support;
mod upkeep;
