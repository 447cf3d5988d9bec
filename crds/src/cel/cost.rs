//! The cost of a rule by the API server's estimate.
//!
//! The API server estimates it before it accepts a definition: a text's length is the most bytes it can have (four for
//! each character of its `maxLength`, or else a whole request), a comparison costs a tenth of the shorter text,
//! `contains` a tenth of one text times a tenth of the other; a rule may cost 10 million
//! (`k8s.io/apiserver/pkg/apis/cel`). Here a rule may cost a part of that.

use xos_xproto::model::Expr;

use super::translate::Left;

/// A part of the API server's 10 million, because this estimate leaves something out.
const MOST: u64 = 5_000_000;
/// The longest text of a field without `max_length`: the API server's request limit, 3 MiB.
const UNBOUNDED: u64 = 3 * 1024 * 1024;
const BYTES_OF_CHARACTER: u64 = 4;

fn units(longest: Option<u32>) -> u64 {
    let bytes = longest.map_or(UNBOUNDED, |n| (u64::from(n) * BYTES_OF_CHARACTER).min(UNBOUNDED));
    bytes.div_ceil(10).max(1)
}

/// Returns the cost of `text.contains(part)`.
pub(super) fn of_contains(text: Option<u32>, part: Option<u32>) -> u64 {
    units(text).saturating_mul(units(part))
}

/// Returns the cost of `one == other`.
pub(super) fn of_comparison(one: Option<u32>, other: Option<u32>) -> u64 {
    units(one).min(units(other))
}

/// Refuses a rule that costs too much.
pub(super) fn check(cost: u64, whole: &Expr) -> Result<(), Left> {
    if cost > MOST { Err(Left::Costly { what: whole.to_string() }) } else { Ok(()) }
}
