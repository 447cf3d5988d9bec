//! Whose fault an error is: that of what was to be done, or that of a target which is away.

use std::error::Error;
use std::io;

use kube::core::Status;

use super::StepError;
use crate::bus_event::EventError;
use crate::call::CallError;
use crate::producer::ProduceError;
use crate::store::StoreError;

/// What an error says of the step's target, and of the event that was to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The target is away: the step says so, or the API server cannot be reached, or cannot do it now.
    Away,
    /// The call did not reach its target, or that answered that it cannot do it now (HTTP 429, 503).
    Unreached,
    /// There was no answer in time, or one that speaks of the target's own trouble (HTTP 5xx): the target may be away,
    /// or the event may be to blame.
    Unanswered,
    /// Something that it needs is not there yet.
    NotYet,
    /// The API server does not take what the step writes, and never will.
    Refused,
    /// The event cannot be read.
    Unreadable,
    /// Not done, but no harm.
    Innocuous,
    /// It failed, and may succeed another time.
    Failed,
}

impl StepError {
    /// Returns what the error says of the target, and of what was to be done. The outermost cause that is known decides.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable(_) => ErrorKind::Away,
            Self::Deferred(_) | Self::WaitsFor(_) | Self::Awaits(_) => ErrorKind::NotYet,
            Self::Innocuous(_) => ErrorKind::Innocuous,
            Self::Failed(error) => of_causes(error.as_ref()),
        }
    }
}

fn of_causes(error: &(dyn Error + 'static)) -> ErrorKind {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    let mut unsaid = ErrorKind::Failed;
    for cause in causes {
        match of_cause(cause) {
            Some(Said::Surely(kind)) => return kind,
            Some(Said::UnlessCausesKnow(kind)) => unsaid = kind,
            None => {}
        }
    }
    unsaid
}

/// What one error of a chain of causes says.
enum Said {
    Surely(ErrorKind),
    UnlessCausesKnow(ErrorKind),
}

fn of_cause(error: &(dyn Error + 'static)) -> Option<Said> {
    use Said::{Surely, UnlessCausesKnow};
    if error.is::<EventError>() {
        return Some(Surely(ErrorKind::Unreadable));
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return of_store(error).map(Surely);
    }
    if let Some(error) = error.downcast_ref::<kube::Error>() {
        return Some(Surely(of_kube(error)));
    }
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return of_http(error);
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error.kind()).map(Surely);
    }
    if matches!(error.downcast_ref(), Some(ProduceError::NotNow { .. })) {
        return Some(Surely(ErrorKind::Unreached));
    }
    if matches!(error.downcast_ref(), Some(CallError::TimedOut(_))) || error.is::<tokio::time::error::Elapsed>() {
        return Some(UnlessCausesKnow(ErrorKind::Unanswered));
    }
    None
}

fn of_store(error: &StoreError) -> Option<ErrorKind> {
    Some(match error {
        StoreError::Unavailable { .. } => ErrorKind::Away,
        StoreError::Unsettled { .. } => ErrorKind::NotYet,
        StoreError::Refused { source, .. } => of_refusal(&source.to_string()),
        StoreError::Backend { .. } => return None,
        _ => ErrorKind::Failed,
    })
}

fn of_kube(error: &kube::Error) -> ErrorKind {
    match error {
        kube::Error::Api(status) => of_status(status),
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) | kube::Error::Auth(_) => {
            ErrorKind::Away
        }
        _ => ErrorKind::Failed,
    }
}

/// Returns what an answer of the API server says.
fn of_status(status: &Status) -> ErrorKind {
    match status.code {
        // etcd's limit is answered as an error of the server's own.
        500.. if status.message.contains("request is too large") => ErrorKind::Refused,
        // Of a kind that is not served it says so in plain text: its definition may come.
        404 if status.reason != "NotFound" => ErrorKind::Away,
        401 | 408 | 429 | 500.. => ErrorKind::Away,
        409 if status.reason != "AlreadyExists" => ErrorKind::NotYet,
        400 | 403 | 413 | 422 => of_refusal(&status.message),
        _ => ErrorKind::Failed,
    }
}

/// Returns what it means that the API server does not take a write, by its words. A right that is missing is missing for
/// all that the step writes: it is no fault of one event. A quota may have room again, a namespace that ends may be made
/// anew.
fn of_refusal(words: &str) -> ErrorKind {
    let is_right = words.contains("is forbidden: User ") && words.contains(" cannot ");
    if is_right {
        ErrorKind::Away
    } else if words.contains("exceeded quota") || words.contains("because it is being terminated") {
        ErrorKind::Failed
    } else {
        ErrorKind::Refused
    }
}

fn of_http(error: &reqwest::Error) -> Option<Said> {
    if let Some(status) = error.status() {
        return match status.as_u16() {
            429 | 503 => Some(Said::Surely(ErrorKind::Unreached)),
            500.. => Some(Said::Surely(ErrorKind::Unanswered)),
            _ => Some(Said::Surely(ErrorKind::Failed)),
        };
    }
    if error.is_connect() {
        Some(Said::Surely(ErrorKind::Unreached))
    } else if error.is_timeout() {
        Some(Said::Surely(ErrorKind::Unanswered))
    } else if error.is_request() || error.is_body() {
        Some(Said::UnlessCausesKnow(ErrorKind::Unanswered))
    } else {
        None
    }
}

/// A connection that breaks may have been broken by what was sent.
fn of_io(kind: io::ErrorKind) -> Option<ErrorKind> {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable, NotConnected, TimedOut,
    };
    match kind {
        ConnectionRefused | HostUnreachable | NetworkUnreachable | NetworkDown | NotConnected => {
            Some(ErrorKind::Unreached)
        }
        ConnectionReset | ConnectionAborted | BrokenPipe | TimedOut => Some(ErrorKind::Unanswered),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bus_event::BusEvent;

    #[derive(Debug, thiserror::Error)]
    #[error("could not do it")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    fn io(kind: io::ErrorKind) -> StepError {
        Outer(Box::new(io::Error::from(kind))).into()
    }

    fn api(code: u16, reason: &str, message: &str) -> StepError {
        kube::Error::Api(Status::failure(message, reason).with_code(code).boxed()).into()
    }

    fn refused(words: &str) -> StepError {
        StoreError::Refused { what: "Onu default/a cannot be saved".to_owned(), source: words.into() }.into()
    }

    #[test]
    fn whose_fault_an_error_is() {
        use io::ErrorKind as Io;
        let what = || "Onu default/a cannot be saved".to_owned();
        let table = [
            (StepError::unavailable("x"), ErrorKind::Away),
            (StepError::deferred("x"), ErrorKind::NotYet),
            (StepError::waits_for("Olt", "a"), ErrorKind::NotYet),
            (StepError::innocuous("x"), ErrorKind::Innocuous),
            (StepError::failed("connection refused"), ErrorKind::Failed),
            (BusEvent::unusable("x"), ErrorKind::Unreadable),
            (io(Io::ConnectionRefused), ErrorKind::Unreached),
            (io(Io::HostUnreachable), ErrorKind::Unreached),
            (io(Io::ConnectionReset), ErrorKind::Unanswered),
            (io(Io::TimedOut), ErrorKind::Unanswered),
            (io(Io::PermissionDenied), ErrorKind::Failed),
            (CallError::TimedOut(Duration::ZERO).into(), ErrorKind::Unanswered),
            (CallError::Panicked("x".to_owned()).into(), ErrorKind::Failed),
            (ProduceError::NotNow { topic: "t".to_owned(), source: "x".into() }.into(), ErrorKind::Unreached),
            (ProduceError::Refused { topic: "t".to_owned(), source: "x".into() }.into(), ErrorKind::Failed),
            (StoreError::Unavailable { what: what(), source: "etcd".into() }.into(), ErrorKind::Away),
            (StoreError::Unsettled { what: what(), source: "conflict".into() }.into(), ErrorKind::NotYet),
            (StoreError::Backend { what: what(), source: "no JSON".into() }.into(), ErrorKind::Failed),
            (StoreError::NoStore.into(), ErrorKind::Failed),
            (kube::Error::Service(Box::new(io::Error::from(Io::TimedOut))).into(), ErrorKind::Away),
        ];
        for (error, kind) in table {
            assert_eq!(error.kind(), kind, "{error}");
        }
    }

    #[test]
    fn what_the_api_server_says() {
        let right = "onus.xos \"a\" is forbidden: User \"me\" cannot patch resource \"onus\" in API group \"xos\"";
        let quota = "onus.xos \"a\" is forbidden: exceeded quota: few, requested: count/onus=1, used: 9, limited: 9";
        let ends = "onus.xos \"a\" is forbidden: unable to create new content in namespace x because it is being \
                    terminated";
        let webhook = "admission webhook \"onus.example.org\" denied the request: no such vendor";
        let table = [
            (400, "BadRequest", "the object is invalid", ErrorKind::Refused),
            (401, "Unauthorized", "Unauthorized", ErrorKind::Away),
            (403, "Forbidden", webhook, ErrorKind::Refused),
            (403, "Forbidden", right, ErrorKind::Away),
            (403, "Forbidden", quota, ErrorKind::Failed),
            (403, "Forbidden", ends, ErrorKind::Failed),
            (404, "NotFound", "onus.xos \"a\" not found", ErrorKind::Failed),
            (404, "Failed to parse error data", "404 page not found", ErrorKind::Away),
            (409, "AlreadyExists", "onus.xos \"a\" already exists", ErrorKind::Failed),
            (409, "Conflict", "the object has been modified", ErrorKind::NotYet),
            (413, "RequestEntityTooLarge", "limit is 3145728", ErrorKind::Refused),
            (422, "Invalid", "spec.name: Too long", ErrorKind::Refused),
            (429, "TooManyRequests", "too many requests", ErrorKind::Away),
            (500, "InternalError", "failed calling webhook: connection refused", ErrorKind::Away),
            (500, "InternalError", "etcdserver: request is too large", ErrorKind::Refused),
            (503, "ServiceUnavailable", "the server is currently unable", ErrorKind::Away),
            (504, "Timeout", "request did not complete within the allotted time", ErrorKind::Away),
        ];
        for (code, reason, message, kind) in table {
            assert_eq!(api(code, reason, message).kind(), kind, "{code} {message}");
        }
        for (words, kind) in [
            (webhook, ErrorKind::Refused),
            (right, ErrorKind::Away),
            (quota, ErrorKind::Failed),
            (ends, ErrorKind::Failed),
        ] {
            assert_eq!(refused(words).kind(), kind, "{words}");
        }
    }

    #[tokio::test]
    async fn what_an_http_client_says() {
        let client = crate::Services::default().http.get();
        let status = async |code: u16| -> StepError {
            let url = answering(&format!("HTTP/1.1 {code} X\r\ncontent-length: 0\r\n\r\n")).await;
            client.get(url).send().await.unwrap().error_for_status().unwrap_err().into()
        };
        for (code, kind) in [
            (400, ErrorKind::Failed),
            (404, ErrorKind::Failed),
            (429, ErrorKind::Unreached),
            (500, ErrorKind::Unanswered),
            (502, ErrorKind::Unanswered),
            (503, ErrorKind::Unreached),
            (504, ErrorKind::Unanswered),
        ] {
            assert_eq!(status(code).await.kind(), kind, "{code}");
        }
        let broken = client.get(answering("").await).send().await.unwrap_err();
        assert_eq!(StepError::from(broken).kind(), ErrorKind::Unanswered);
        let nobody = client.get("http://127.0.0.1:1").send().await.unwrap_err();
        assert_eq!(StepError::from(nobody).kind(), ErrorKind::Unreached);
        let unknown = client.get("http://no-such-host.invalid").send().await.unwrap_err();
        assert_eq!(StepError::from(unknown).kind(), ErrorKind::Unreached);
        let url = format!("http://{}", silent().await);
        let late = client.get(url).timeout(Duration::from_millis(50)).send().await.unwrap_err();
        assert_eq!(StepError::from(late).kind(), ErrorKind::Unanswered);
    }

    /// Returns the address of a server that answers one request with this text, and closes the connection.
    async fn answering(text: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let text = text.to_owned();
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _request = connection.read(&mut [0; 4096]).await;
            connection.write_all(text.as_bytes()).await.unwrap();
        });
        url
    }

    /// Returns the address of a server that takes connections, and never answers.
    async fn silent() -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let mut kept = vec![];
            while let Ok((connection, _)) = listener.accept().await {
                kept.push(connection);
            }
        });
        address
    }
}
