//! The pages of docs/ for authors: their examples run as tests.

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
