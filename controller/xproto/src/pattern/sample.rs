//! Texts that match a pattern.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::Pattern;

/// The characters that are taken rather than others.
const LIKED: [char; 4] = ['a', 'A', '1', '0'];
/// How many parts are looked at: nested repetitions make many.
const MOST: usize = 10_000;

impl Pattern {
    /// Returns a text that matches, in which each repetition is made `more` times more than it has to; nothing if none
    /// is found.
    ///
    /// ```
    /// use xos_xproto::pattern::Pattern;
    ///
    /// let vlan = Pattern::new("^v[0-9]+$")?;
    /// assert_eq!(vlan.sample(0).as_deref(), Some("v1"));
    /// assert_eq!(vlan.sample(2).as_deref(), Some("v111"));
    /// # Ok::<(), xos_xproto::pattern::PatternError>(())
    /// ```
    #[must_use]
    pub fn sample(&self, more: u32) -> Option<String> {
        let tree = regex_syntax::parse(self.0.as_str()).ok()?;
        let mut sampler = Sampler { more, left: MOST, text: String::new() };
        sampler.write(&tree)?;
        Some(sampler.text).filter(|text| self.matches(text))
    }
}

/// Writes a text.
struct Sampler {
    more: u32,
    left: usize,
    text: String,
}

impl Sampler {
    /// Writes what a part matches; nothing if there is no such text, or it takes too long.
    fn write(&mut self, part: &Hir) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        match part.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.text.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(Class::Unicode(class)) => self.text.push(pick(class)?),
            HirKind::Class(Class::Bytes(_)) => return None,
            HirKind::Repetition(repetition) => {
                let count = repetition.min.saturating_add(self.more).min(repetition.max.unwrap_or(u32::MAX));
                for _ in 0..count {
                    self.write(&repetition.sub)?;
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub)?,
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.write(part))?,
            HirKind::Alternation(parts) => {
                let before = self.text.len();
                parts.iter().find_map(|part| {
                    self.text.truncate(before);
                    self.write(part)
                })?;
            }
        }
        Some(())
    }
}

/// Returns a character of a class: one that people like to read, or else one that can be seen.
fn pick(class: &ClassUnicode) -> Option<char> {
    let ranges = class.ranges();
    let has = |c: &char| ranges.iter().any(|range| (range.start()..=range.end()).contains(c));
    let seen = || ('!'..='~').find(|c| c.is_ascii_alphanumeric() && has(c)).or_else(|| ('!'..='~').find(has));
    LIKED.into_iter().find(has).or_else(seen).or_else(|| ranges.first().map(ClassUnicodeRange::start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_match() {
        for (pattern, more, expected) in [
            ("^[0-9]{3}$", 0, Some("111")),
            ("^[0-9]{3,5}$", 9, Some("11111")),
            (r"^(\d+\.)?[b-d]+$", 0, Some("b")),
            (r"^(\d+\.)?[b-d]+$", 1, Some("11.bb")),
            ("^(of:|netconf:)[a-f]{2}$", 0, Some("of:aa")),
            (r"^([^\s\w]|x)$", 0, Some("!")),
            ("b", 0, Some("b")),
            (r"^\pL\p{Greek}$", 0, Some("aͰ")),
            (r"^a\b.$", 0, None),
            ("((((a*)*)*)*)*", 20, None),
            ("", 0, Some("")),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().sample(more).as_deref(), expected, "{pattern}");
        }
    }
}
