//! The contents that texts can have (option `content_type`), as the API server checks them.

use std::net::IpAddr;

use xos_xproto::ContentType;

/// Returns whether a text is what a content type asks for. A moment in time is a format of the schema instead.
pub(crate) fn complies(content: ContentType, text: &str) -> bool {
    match content {
        ContentType::Stripped => text == text.trim(),
        ContentType::Url => text.is_empty() || is_url(text),
        ContentType::Ip => text.is_empty() || is_ip(text),
        ContentType::Date => true,
    }
}

/// Returns what a text of a content type is.
pub(crate) fn expected(content: ContentType) -> &'static str {
    match content {
        ContentType::Stripped => "a text without blanks at its ends",
        ContentType::Url => "a URL, such as `http://example.org/path`",
        ContentType::Ip => "an IP address, such as `192.0.2.1` or `2001:db8::1`",
        ContentType::Date => "a moment in time, such as `2026-01-31T12:00:00Z`",
    }
}

/// Returns whether a text is a URL for Go's `url.ParseRequestURI`, as far as that is easy to say: a few texts that are
/// none are let through.
fn is_url(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_scheme = |scheme: &str| scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(inner);
    !text.contains(|c: char| c.is_ascii_control()) && (text.starts_with('/') || scheme.is_some_and(is_scheme))
}

/// Returns whether a text is an IP address for the API server, which takes no IPv4 address in the form of an IPv6 one.
fn is_ip(text: &str) -> bool {
    match text.parse() {
        Ok(IpAddr::V4(_)) => true,
        Ok(IpAddr::V6(address)) => address.to_ipv4_mapped().is_none(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents() {
        for (content, text, fits) in [
            (ContentType::Url, "http://example.org/a b", true),
            (ContentType::Url, "/path", true),
            (ContentType::Url, "mailto:a@example.org", true),
            (ContentType::Url, "", true),
            (ContentType::Url, "example.org", false),
            (ContentType::Url, "127.0.0.1:80", false),
            (ContentType::Url, "http://a\n", false),
            (ContentType::Ip, "192.0.2.1", true),
            (ContentType::Ip, "2001:db8::1", true),
            (ContentType::Ip, "::ffff:192.0.2.1", false),
            (ContentType::Ip, "192.0.2.1/24", false),
            (ContentType::Stripped, "a b", true),
            (ContentType::Stripped, "a ", false),
            (ContentType::Date, "anything", true),
        ] {
            assert_eq!(complies(content, text), fits, "{content:?} {text:?}");
        }
    }
}
