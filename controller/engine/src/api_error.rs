//! What errors of the API server's client say, in words.

use std::error::Error;

/// Returns an error of the API server or of the way to it as one text for people: the API server's own words, or all
/// causes of a failed connection.
pub fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if is_unserved(error) => {
            let said = status.message.trim();
            format!("the API server does not serve this kind, so its definition is not there ({said})")
        }
        kube::Error::Api(status) if status.message.is_empty() => format!("{} ({})", status.reason, status.code),
        kube::Error::Api(status) => status.message.clone(),
        kube::Error::Service(cause) => with_causes(cause.as_ref()),
        error => with_causes(error),
    }
}

/// Returns whether the API server does not serve what was asked for. Of an object that is not there it says so as a
/// status with a reason, of a kind in plain text.
pub(crate) fn is_unserved(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 && status.reason != "NotFound")
}

/// Returns an error with all its causes, each once: many errors repeat those below them.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_kind_that_is_not_served_is_told_from_an_object_that_is_not_there() {
        let plain = Status::failure("404 page not found\n", "Failed to parse error data").with_code(404);
        let plain = kube::Error::Api(plain.boxed());
        assert!(is_unserved(&plain));
        assert_eq!(
            explain(&plain),
            "the API server does not serve this kind, so its definition is not there (404 page not found)"
        );
        let object = Status::failure("teams \"a\" not found", "NotFound").with_code(404);
        let object = kube::Error::Api(object.boxed());
        assert!(!is_unserved(&object));
        assert_eq!(explain(&object), "teams \"a\" not found");
    }

    #[test]
    fn a_status_without_words_is_its_reason() {
        let status = Status::failure("", "Conflict").with_code(409);
        assert_eq!(explain(&kube::Error::Api(status.boxed())), "Conflict (409)");
    }

    #[test]
    fn all_causes_of_a_failed_connection_are_told_once() {
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let error = kube::Error::Service(Box::new(std::io::Error::other(refused)));
        assert_eq!(explain(&error), "connection refused");
    }
}
