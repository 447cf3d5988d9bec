//! What a new service is called.

/// Words that cannot be a crate's name: Rust's own, and those of crates that a service has.
const TAKEN: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "tokio",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "xos",
    "xos-codegen",
    "xos-controller",
    "yield",
    "build",
    "deps",
    "incremental",
];
/// Kubernetes allows 63 characters in the names that are made of it.
const MOST: usize = 40;

/// Why a name cannot be a service's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    #[error("a service needs a name, such as `my-service`")]
    Empty,
    #[error("`{0}` has more than {MOST} characters")]
    TooLong(String),
    #[error("`{name}` has `{character}` in it: a name has lower-case letters, digits and `-`, such as `my-service`")]
    Character { name: String, character: char },
    #[error("`{0}` does not begin with a letter and end with a letter or a digit")]
    Ends(String),
    #[error("`{0}` is taken: it is a word of Rust, or a crate that every service uses; try `{0}-service`")]
    Taken(String),
}

/// The name of a service, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// Checks a name by the rules of crates, of Kubernetes and of model groups.
    pub(crate) fn new(name: &str) -> Result<Self, NameError> {
        let owned = || name.to_owned();
        let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(character) = name.chars().find(|&c| !is_allowed(c)) {
            return Err(NameError::Character { name: owned(), character });
        }
        if name.len() > MOST {
            return Err(NameError::TooLong(owned()));
        }
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name.ends_with('-') {
            return Err(NameError::Ends(owned()));
        }
        if TAKEN.contains(&name) {
            return Err(NameError::Taken(owned()));
        }
        Ok(Self(owned()))
    }

    /// The name as given: of the crate, the program and the synchronizer.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The crate's name in Rust, which is also the group of the models.
    pub(crate) fn module(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The name of the model, in CamelCase.
    pub(crate) fn model(&self) -> String {
        let words = self.0.split('-').filter_map(|word| Some((word.chars().next()?, word.get(1..)?)));
        words.map(|(first, rest)| format!("{}{rest}", first.to_ascii_uppercase())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_from_a_name() {
        let table = [("spy", "spy", "Spy"), ("my-service", "my_service", "MyService"), ("a2-4g", "a2_4g", "A24g")];
        for (name, module, model) in table {
            let name = Name::new(name).unwrap();
            assert_eq!((name.module().as_str(), name.model().as_str()), (module, model));
        }
    }

    #[test]
    fn what_is_no_name_is_said() {
        let table = [
            ("", "a service needs a name"),
            ("MyService", "has `M` in it: a name has lower-case letters"),
            ("a_b", "has `_` in it"),
            ("../a", "has `.` in it"),
            ("2nd", "does not begin with a letter"),
            ("a-", "does not begin with a letter and end with"),
            ("core", "is taken"),
            ("async", "is taken: it is a word of Rust"),
        ];
        for (name, expected) in table {
            let message = Name::new(name).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(Name::new(&"a".repeat(41)), Err(NameError::TooLong("a".repeat(41))));
    }
}
