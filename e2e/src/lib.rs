//! Services that the tests run in separate processes. The tests are in `tests`; `xos-harness` runs what they need.

pub mod chaos;
pub mod ledger;
