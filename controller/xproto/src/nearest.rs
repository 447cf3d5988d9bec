//! "Did you mean …?"

/// Returns the candidate that a name was most likely meant to be, if one is near: at most a third of the letters
/// differ, and case does not count.
pub fn nearest<S: AsRef<str>>(name: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    // The cost grows with the product of the lengths; no real name is this long.
    const LONGEST: usize = 64;
    let written = name.to_lowercase();
    let length = written.chars().count();
    if length > LONGEST {
        return None;
    }
    let limit = (length / 3).max(1);
    let distance = |candidate: &str| -> Option<usize> {
        if candidate.len() > LONGEST || candidate.chars().count().abs_diff(length) > limit {
            return None;
        }
        let distance = strsim::damerau_levenshtein(&written, &candidate.to_lowercase());
        (distance <= limit && distance < length).then_some(distance)
    };
    let near = candidates.into_iter().filter_map(|candidate| {
        let candidate = candidate.as_ref();
        Some((distance(candidate)?, candidate.to_owned()))
    });
    near.min().map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_name_is_suggested_only_when_it_is_near() {
        let names = ["XOSBase", "Service", "ServiceInstance", "first_name", "firstName"];
        for (written, meant) in [
            ("XosBas", Some("XOSBase")),
            ("SerivceInstance", Some("ServiceInstance")),
            ("fist_name", Some("first_name")),
            ("Port", None),
            ("", None),
            (&"x".repeat(1000), None),
        ] {
            assert_eq!(nearest(written, names).as_deref(), meant, "{written}");
        }
    }
}
