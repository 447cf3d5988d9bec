//! What a person writes for objects: `mymodel ada grace`, `mymodel/ada team/engines`, `mymodel --all`.

/// An object, or all objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) kind: String,
    /// None for all.
    pub(crate) name: Option<String>,
}

/// Words that name no object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NamesError {
    #[error("`{0}` names no object: write KIND/NAME, or KIND NAME")]
    NoName(String),
    #[error("`{0}` is no KIND/NAME: write all objects so, or the kind once and then only names")]
    Mixed(String),
    #[error("--all needs a kind, and no names: `{0}` names an object")]
    NameAndAll(String),
    #[error("this is about one object, and these are several: {0}")]
    Several(String),
}

/// Returns the objects that words name.
pub(crate) fn several(words: &[String], all: bool) -> Result<Vec<Named>, NamesError> {
    let named = |kind: &str, name: Option<&str>| Named { kind: kind.to_owned(), name: name.map(str::to_owned) };
    if all {
        return match words {
            [kind] if !kind.contains('/') => Ok(vec![named(kind, None)]),
            _ => Err(NamesError::NameAndAll(words.join(" "))),
        };
    }
    let pair = |word: &String| word.split_once('/').filter(|(kind, name)| !kind.is_empty() && is_name(name)).is_some();
    match words {
        [] => Err(NamesError::NoName(String::new())),
        [first, ..] if first.contains('/') => {
            let bad = words.iter().find(|word| !pair(word));
            if let Some(bad) = bad {
                return Err(NamesError::Mixed(bad.clone()));
            }
            Ok(words
                .iter()
                .filter_map(|word| word.split_once('/'))
                .map(|(kind, name)| named(kind, Some(name)))
                .collect())
        }
        [kind] => Err(NamesError::NoName(kind.clone())),
        [kind, names @ ..] => match names.iter().find(|name| !is_name(name)) {
            Some(bad) => Err(NamesError::Mixed(bad.clone())),
            None => Ok(names.iter().map(|name| named(kind, Some(name))).collect()),
        },
    }
}

/// Returns the one object that words name: its kind, and its name.
pub(crate) fn one(words: &[String]) -> Result<(String, String), NamesError> {
    let mut all = several(words, false)?;
    match (all.pop(), all.is_empty()) {
        (Some(Named { kind, name: Some(name) }), true) => Ok((kind, name)),
        _ => Err(NamesError::Several(words.join(" "))),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn objects_are_named_as_for_kubectl() {
        let shown = |text: &str| {
            let named = several(&words(text), false).unwrap();
            named.into_iter().map(|one| format!("{} {}", one.kind, one.name.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(shown("mymodel ada grace"), ["mymodel ada", "mymodel grace"]);
        assert_eq!(
            shown("mymodel/ada teams.example.xos.opencord.org/engines"),
            ["mymodel ada", "teams.example.xos.opencord.org engines"]
        );
        let all = several(&words("mymodel"), true).unwrap();
        assert_eq!(all, [Named { kind: "mymodel".to_owned(), name: None }]);
        assert_eq!(one(&words("mymodel/ada")).unwrap(), ("mymodel".to_owned(), "ada".to_owned()));
        assert_eq!(one(&words("mymodel ada")).unwrap(), ("mymodel".to_owned(), "ada".to_owned()));
    }

    #[test]
    fn what_names_no_object_is_told() {
        for (text, all, expected) in [
            ("mymodel", false, "`mymodel` names no object: write KIND/NAME, or KIND NAME"),
            (
                "mymodel/ada grace",
                false,
                "`grace` is no KIND/NAME: write all objects so, or the kind once and then only names",
            ),
            (
                "mymodel ada team/x",
                false,
                "`team/x` is no KIND/NAME: write all objects so, or the kind once and then only names",
            ),
            (
                "mymodel/",
                false,
                "`mymodel/` is no KIND/NAME: write all objects so, or the kind once and then only names",
            ),
            ("/ada", false, "`/ada` is no KIND/NAME: write all objects so, or the kind once and then only names"),
            ("mymodel ada", true, "--all needs a kind, and no names: `mymodel ada` names an object"),
            ("mymodel/ada", true, "--all needs a kind, and no names: `mymodel/ada` names an object"),
        ] {
            assert_eq!(several(&words(text), all).unwrap_err().to_string(), expected);
        }
        let error = one(&words("mymodel a b")).unwrap_err().to_string();
        assert_eq!(error, "this is about one object, and these are several: mymodel a b");
    }
}
