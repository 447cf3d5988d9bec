//! The text of `backend_status`.

/// XOS's limit for `backend_status`, in characters.
pub(crate) const STATUS_LIMIT: usize = 1024;
const SEPARATOR: &str = " // ";

/// The text that every object starts with.
pub(crate) const INITIAL: &str = "Provisioning in progress";
/// The text after success.
pub(crate) const OK: &str = "OK";

/// Adds a message to the present text, which has the last two distinct messages, oldest first, cut at [`STATUS_LIMIT`].
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
    text.chars().take(STATUS_LIMIT / 2).collect()
}

fn cut(text: &str) -> String {
    text.chars().take(STATUS_LIMIT).collect()
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
        assert_eq!(join(None, &long).chars().count(), STATUS_LIMIT);
        assert!(join(Some(&long), "b").ends_with(" // b"));
    }
}
