//! How values are written, and where an axis ends.

use crate::dashboard::Unit;

/// Returns a value as a person reads it.
pub(super) fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Short => number(value),
        Unit::Ops => format!("{} ops/s", number(value)),
        Unit::S if value == 0.0 => "0 s".to_owned(),
        Unit::S if value.abs() < 1e-3 => format!("{} µs", number(value * 1e6)),
        Unit::S if value.abs() < 1.0 => format!("{} ms", number(value * 1e3)),
        Unit::S => format!("{} s", number(value)),
    }
}

/// Returns a number with three decimals at most, and none that says nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Returns a round number above all values, for the end of an axis that begins at 0.
pub(super) fn top(values: impl Iterator<Item = f64>, unit: Unit) -> f64 {
    let most = values.fold(0.0, f64::max);
    if most <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(most.log10().floor());
    let round = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0];
    // A line at the very edge is hard to see.
    let top = round.iter().map(|factor| factor * power).find(|top| most * 1.04 <= *top).unwrap_or(most * 1.04);
    // Half an object is none.
    if unit == Unit::Short { top.max(1.5) } else { top }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_unit() {
        assert_eq!(written(2.5, Unit::Ops), "2.5 ops/s");
        assert_eq!(written(0.25, Unit::S), "250 ms");
        assert_eq!(written(0.000_05, Unit::S), "50 µs");
        assert_eq!(written(12.0, Unit::S), "12 s");
        assert_eq!(written(0.0, Unit::S), "0 s");
        assert_eq!(written(1200.0, Unit::Short), "1200");
        assert_eq!(written(-0.0001, Unit::Short), "0");
    }

    #[test]
    fn an_axis_ends_at_a_round_number_above_all() {
        assert_eq!(top([0.0, 7.0].into_iter(), Unit::Ops), 8.0);
        assert_eq!(top([10.0].into_iter(), Unit::Ops), 15.0);
        assert!((top([0.021].into_iter(), Unit::S) - 0.03).abs() < 1e-9);
        assert_eq!(top([1.0].into_iter(), Unit::Short), 1.5);
        assert_eq!(top(std::iter::empty(), Unit::Ops), 1.0);
        assert_eq!(top([9.9].into_iter(), Unit::Ops), 15.0);
    }
}
