//! The HTTP client of steps.

use std::ops::Deref;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{IntoUrl, Method, RequestBuilder};

/// The header of the W3C's Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A [`reqwest::Client`] with time-outs. While traces are exported each of its requests carries the header `traceparent`,
/// so that the spans of a backend are in the trace of the object.
#[derive(Clone, Copy, Debug)]
pub struct Http<'a> {
    client: &'a reqwest::Client,
    traceparent: Option<fn() -> Option<String>>,
}

impl<'a> Http<'a> {
    pub(crate) fn new(client: &'a reqwest::Client, traceparent: Option<fn() -> Option<String>>) -> Self {
        Self { client, traceparent }
    }

    /// Starts a GET request.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Starts a POST request.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Starts a PUT request.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Starts a PATCH request.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Starts a DELETE request.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Starts a HEAD request.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Starts a request.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        let request = self.client.request(method, url);
        let told = self.traceparent.and_then(|traceparent| traceparent());
        match told.and_then(|told| HeaderValue::from_str(&told).ok()) {
            Some(value) => request.header(TRACEPARENT, value),
            None => request,
        }
    }
}

impl Deref for Http<'_> {
    type Target = reqwest::Client;

    fn deref(&self) -> &reqwest::Client {
        self.client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_carry_the_trace_that_there_is() {
        let client = crate::http_client().unwrap();
        let sent = |traceparent| {
            let request = Http::new(&client, traceparent).put("http://127.0.0.1/x").build().unwrap();
            (request.method().clone(), request.headers().get(TRACEPARENT).cloned())
        };
        assert_eq!(sent(None), (Method::PUT, None));
        assert_eq!(sent(Some(|| None)), (Method::PUT, None));
        let told: HeaderValue = HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let with: fn() -> Option<String> =
            || Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
        assert_eq!(sent(Some(with)), (Method::PUT, Some(told)));
    }
}
