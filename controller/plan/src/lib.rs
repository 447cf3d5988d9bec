//! What an apply would do: the objects that change, what policies make of them, which steps run in which order and why,
//! what a deletion takes along, what a brake would hold.
//!
//! It is found out and not guessed: the objects as they are now are put into a world in memory (`xos-testing`), and the
//! change is made there. The engine is the real one, and so are the policies that are documents. Steps only note that they
//! are called, and succeed. So a plan does not know what steps set from the answers of their backends, nor what follows
//! from that.

mod difference;
mod order;
mod plan;
mod print;
mod recording;
mod world;

pub use plan::{Because, FieldChange, Held, ObjectChange, Plan, StepCall, Unsettled, What};
pub use world::{Change, Given, PlanError, Service, plan};
