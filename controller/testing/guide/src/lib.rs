//! Runs the examples of docs/ as tests. They use `xos_controller` and nothing else of this workspace, as a service
//! does.

#![cfg(doctest)]

#[doc = include_str!("../../../../docs/passes.md")]
mod passes {}
#[doc = include_str!("../../../../docs/saving.md")]
mod saving {}
#[doc = include_str!("../../../../docs/order.md")]
mod order {}
#[doc = include_str!("../../../../docs/deletion.md")]
mod deletion {}
#[doc = include_str!("../../../../docs/errors.md")]
mod errors {}
#[doc = include_str!("../../../../docs/observing.md")]
mod observing {}
#[doc = include_str!("../../../../docs/context.md")]
mod context {}
#[doc = include_str!("../../../../docs/testing.md")]
mod testing {}
