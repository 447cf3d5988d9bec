//! The English plural of a model's name, as XOS forms it (inflect 2.1.0's `plural_noun`).
//!
//! The plural is part of XOS's interface: it names the message of a list and is part of the paths of the REST
//! interface. So it has to be the very word that XOS makes, also where English would have another one:
//!
//! - A name that begins with a capital letter is a proper noun: `ServiceDependency` becomes `ServiceDependencys`, and
//!   what ends in `es` is taken for a singular: `Proxies` becomes `Proxieses`.
//! - A name in capital letters has its plural in capital letters: `VLAN` becomes `VLANS`.
//! - Some words are irregular only when they are the whole name (`Child`, `Series`, not `BigChild`, `TimeSeries`),
//!   others also at the end of one (`PortPerson`, `WorkLife`).

mod words;

use std::collections::HashSet;
use std::sync::LazyLock;

use words::{ALONE, ENDING_O, ENDINGS, SAME, SAME_ENDINGS, SINGULAR_S};

/// Returns the plural of a model that sets no option `plural`.
#[must_use]
pub fn plural(name: &str) -> String {
    let lower = name.to_lowercase();
    let plural = irregular(name, &lower).unwrap_or_else(|| regular(name, &lower));
    in_the_case_of(name, plural)
}

/// Returns the plural of words that have one of their own.
fn irregular(name: &str, lower: &str) -> Option<String> {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| SAME.split(' ').collect());
    if WORDS.contains(lower) || ends(lower, SAME_ENDINGS) {
        return Some(name.to_owned());
    }
    if let Some((_, plural)) = ALONE.iter().find(|(singular, _)| *singular == lower) {
        return Some((*plural).to_owned());
    }
    let family = ENDINGS.iter().find(|family| ends(lower, family.words))?;
    Some(replace_end(name, family.cut, family.ending))
}

/// Returns the plural by the rules of spelling.
fn regular(name: &str, lower: &str) -> String {
    let (cut, ending) = if hisses(name, lower) || (lower.ends_with('o') && !is_plain_o(lower)) {
        (0, "es")
    } else if lower.ends_with('z') {
        (0, "zes")
    } else if ends(lower, &["elf", "alf", "olf", "arf"]) || (ends(lower, &["eaf"]) && !ends(lower, &["deaf"])) {
        (1, "ves")
    } else if ends(lower, &["nife", "life", "wife"]) {
        (2, "ves")
    } else if lower.ends_with('y') && !is_proper(name) && !after_vowel(lower) {
        (1, "ies")
    } else {
        (0, "s")
    };
    replace_end(name, cut, ending)
}

/// Returns whether the word ends in a sound that takes `es`.
fn hisses(name: &str, lower: &str) -> bool {
    static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| SINGULAR_S.split(' ').collect());
    ends(lower, &["ss", "us", "itis", "ch", "sh", "x", "zz", "quartz", "topaz"])
        || (lower.ends_with("es") && is_proper(name))
        || (lower.ends_with('s') && WORDS.contains(lower))
}

/// Returns whether a word in `o` takes an `s` only.
fn is_plain_o(lower: &str) -> bool {
    ends(lower, &["ao", "eo", "io", "oo", "uo"]) || ENDING_O.split(' ').any(|end| lower.ends_with(end))
}

fn ends(word: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| word.ends_with(end))
}

/// Returns whether XOS takes the name for a proper noun: it does not begin with a small letter.
fn is_proper(name: &str) -> bool {
    !name.starts_with(char::is_lowercase)
}

/// Returns whether the letter before the last one is a vowel, or missing.
fn after_vowel(lower: &str) -> bool {
    lower.chars().rev().nth(1).is_none_or(|c| "aeiou".contains(c))
}

/// Returns the name without its last `cut` letters, and with another ending.
fn replace_end(name: &str, cut: usize, ending: &str) -> String {
    let keep = name.chars().count().saturating_sub(cut);
    name.chars().take(keep).chain(ending.chars()).collect()
}

/// Returns the plural in capital letters if the name is, with a capital letter first if the name is one word.
fn in_the_case_of(name: &str, plural: String) -> String {
    if name == "I" {
        return plural;
    }
    if !name.contains(char::is_lowercase) {
        return plural.to_uppercase();
    }
    let mut rest = name.chars();
    let is_capitalized = rest.next().is_some_and(|first| !first.is_lowercase()) && !rest.any(char::is_uppercase);
    if !is_capitalized {
        return plural;
    }
    let mut letters = plural.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn plurals_are_those_of_xos() {
        let table = include_str!("../../tests/data/plurals.tsv");
        let mut rows = 0;
        for row in table.lines().filter(|row| !row.starts_with('#')) {
            let (name, expected) = row.split_once('\t').unwrap();
            assert_eq!(plural(name), expected, "{name}");
            rows += 1;
        }
        assert!(rows > 150, "{rows}");
    }

    #[test]
    fn any_text_has_a_plural() {
        for (name, expected) in [("", "S"), ("_", "_S"), ("ß", "ßs"), ("Élan", "Élans"), ("I", "we")] {
            assert_eq!(plural(name), expected, "{name}");
        }
    }
}
