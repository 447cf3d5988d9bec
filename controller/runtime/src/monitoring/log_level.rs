//! `/loglevel`: tells the level of the log, and changes it for those on the same machine or in the same pod.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get};

use crate::logging::{self, LogLevelError};

/// The longest filter that is taken.
const LONGEST: usize = 4096;

type Answer = (StatusCode, String);

/// Returns the handlers of `/loglevel`.
pub(super) fn log_level() -> MethodRouter {
    get(async || told(logging::level()))
        .put(async |ConnectInfo(peer): ConnectInfo<SocketAddr>, filter: String| change(peer.ip(), &filter))
        .layer(DefaultBodyLimit::max(LONGEST))
}

fn change(peer: IpAddr, filter: &str) -> Answer {
    if !peer.to_canonical().is_loopback() {
        let told = "the log level is changed from the same machine or pod only: use 127.0.0.1 there, or `kubectl \
                    port-forward`\n";
        return (StatusCode::FORBIDDEN, told.to_owned());
    }
    told(logging::set_level(filter.trim()))
}

fn told(level: Result<String, LogLevelError>) -> Answer {
    match level {
        Ok(level) => (StatusCode::OK, format!("{level}\n")),
        Err(error @ LogLevelError::Unreadable { .. }) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
        Err(error @ LogLevelError::NotOurs) => (StatusCode::CONFLICT, format!("{error}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_machine_changes_it() {
        logging::start("info", logging::LogFormat::Text);
        for other in ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1"] {
            let (status, text) = change(other.parse().unwrap(), "debug");
            assert!(status == StatusCode::FORBIDDEN && text.contains("kubectl port-forward"), "{other}: {text}");
        }
        assert!(!told(logging::level()).1.contains("debug"));
        for own in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let (status, text) = change(own.parse().unwrap(), " info,xos_engine=debug\n");
            assert_eq!((status, text.as_str()), (StatusCode::OK, "xos_engine=debug,info\n"), "{own}");
        }
        let (status, text) = change("::1".parse().unwrap(), "debugg");
        assert!(status == StatusCode::BAD_REQUEST && text.contains("`debugg`"), "{text}");
        assert_eq!(change("::1".parse().unwrap(), "info").1, "info\n");
    }
}
