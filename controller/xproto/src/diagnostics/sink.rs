//! Where the passes put their diagnostics.

use std::collections::HashMap;

use super::{Diagnostic, Kind, OptionError, Syntax};

/// The most diagnostics that one compilation keeps: garbage must not fill the memory.
const MOST: usize = 500;

/// The most of them that may be dear to make.
const MOST_DEAR: usize = 100;

/// Collects diagnostics up to a limit and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    kept: Vec<Diagnostic>,
    left_out: usize,
    dear: usize,
    last: Option<Diagnostic>,
    strict: bool,
}

impl Sink {
    /// Makes an empty sink; if `strict`, XOS's own rules are errors.
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, ..Self::default() }
    }

    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let diagnostic = Diagnostic { strict: self.strict, ..diagnostic };
        if self.kept.len() < MOST {
            self.kept.push(diagnostic);
        } else {
            self.left_out += 1;
            self.last = Some(diagnostic);
        }
    }

    /// Adds a diagnostic that is expensive to make, such as one with a suggestion; once there are many of them, the
    /// fallback.
    pub(crate) fn push_with(&mut self, make: impl FnOnce() -> Diagnostic, fallback: impl FnOnce() -> Diagnostic) {
        let make_it = self.kept.len() < MOST && self.dear < MOST_DEAR;
        self.dear += usize::from(make_it);
        let diagnostic = if make_it { make() } else { fallback() };
        self.push(diagnostic);
    }

    /// Returns the diagnostics by file and place, and then one that counts those left out.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        once_an_option(&mut self.kept);
        self.kept.sort_by_key(|d| (d.primary, d.severity(), d.code()));
        if let Some(last) = self.last {
            let more = Syntax::TooManyDiagnostics { left_out: self.left_out };
            self.kept.push(Diagnostic::new(more, last.primary));
        }
        self.kept
    }
}

/// Keeps one finding for each option, the most severe one: what else is wrong with an option often follows from it.
///
/// An option ends where its value ends, whether the mark is on both or on the value.
fn once_an_option(all: &mut Vec<Diagnostic>) {
    let is_of_option = |d: &Diagnostic| matches!(d.kind, Kind::Option(_) | Kind::Choice(_));
    let place = |d: &Diagnostic| (d.primary.source, d.primary.end);
    let rank = |d: &Diagnostic| (d.severity(), d.code());
    let mut best: HashMap<_, _> = HashMap::new();
    for (at, one) in all.iter().enumerate().filter(|(_, one)| is_of_option(one) && names_option(one)) {
        let kept = best.entry(place(one)).or_insert(at);
        if rank(one) < rank(&all[*kept]) {
            *kept = at;
        }
    }
    let mut at = 0;
    all.retain(|one| {
        let keep = !is_of_option(one) || !names_option(one) || best.get(&place(one)) == Some(&at);
        at += 1;
        keep
    });
}

/// Returns whether the mark is on an option, and not on its field.
fn names_option(diagnostic: &Diagnostic) -> bool {
    !matches!(
        diagnostic.kind,
        Kind::Option(
            OptionError::ConflictingStates { .. }
                | OptionError::UnknownSibling { .. }
                | OptionError::LeakingFileOption { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{SourceId, Span};

    #[test]
    fn diagnostics_are_sorted_by_place_and_limited() {
        let mut sink = Sink::default();
        for start in (0..700).rev() {
            sink.push(Diagnostic::new(Syntax::ExtraSemicolon, Span { source: SourceId(1), start, end: start }));
        }
        let all = sink.finish();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(all[0].primary.start, 200);
        assert_eq!(all[MOST].message(), "200 more diagnostics are not shown");
    }
}
