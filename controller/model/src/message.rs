//! What is said of an object: how long it may be, and the text of `backend_status`.

/// XOS's limit for `backend_status`, in characters; here it holds for conditions, history and Events, too.
pub const LONGEST: usize = 1024;
const SEPARATOR: &str = " // ";

/// The text that every object starts with.
pub(crate) const INITIAL: &str = "Provisioning in progress";
/// The text after success.
pub(crate) const OK: &str = "OK";

/// Adds a message to the present text, which has the last two distinct messages, oldest first, cut at [`LONGEST`].
///
/// XOS 4.0.4 counts its initial text as a message; here it is not one, nor is the text of a success.
pub(crate) fn join(previous: Option<&str>, message: &str) -> String {
    let message = message.trim();
    let last = previous.filter(|p| ![INITIAL, OK, ""].contains(p)).and_then(|p| p.rsplit(SEPARATOR).next());
    match (previous, last) {
        (Some(previous), Some(last)) if last == message => cut(previous),
        (_, Some(last)) => cut(&format!("{}{SEPARATOR}{message}", half(last))),
        _ => cut(message),
    }
}

/// Cuts an old message to half the room, so that the new one stays readable.
fn half(text: &str) -> String {
    text.chars().take(LONGEST / 2).collect()
}

/// Cuts a text to [`LONGEST`] characters. A text that is cut ends with `…`.
#[must_use]
pub fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some(_) => text.chars().take(LONGEST - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_two_distinct_messages() {
        let table = [
            (None, "a", "a"),
            (Some("Provisioning in progress"), "a", "a"),
            (Some("OK"), "a", "a"),
            (Some("a"), "a", "a"),
            (Some("a"), "b", "a // b"),
            (Some("a // b"), "b", "a // b"),
            (Some("a // b"), "c", "b // c"),
        ];
        for (previous, message, expected) in table {
            assert_eq!(join(previous, message), expected, "{previous:?} + {message}");
        }
        let long = "ü".repeat(2000);
        assert_eq!(join(None, &long).chars().count(), LONGEST);
        assert!(join(Some(&long), "b").ends_with(" // b"));
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut(&"ü".repeat(LONGEST)), "ü".repeat(LONGEST));
        assert_eq!(cut(&"ü".repeat(LONGEST + 1)), format!("{}…", "ü".repeat(LONGEST - 1)));
    }
}
