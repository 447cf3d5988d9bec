//! The methods of the service for each model, and how they are called over HTTP.

use super::Message;

const EMPTY: &str = "google.protobuf.Empty";

/// A method of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// The name, `ListSite`.
    pub name: String,
    /// The message of the request.
    pub input: String,
    /// The message of the response.
    pub output: String,
    /// The verb and path for calls over HTTP, if there are any.
    pub http: Option<(Verb, String)>,
}

/// A verb of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates; the object is the body.
    Post,
    /// Changes; the object is the body.
    Put,
    /// Deletes.
    Delete,
}

impl Verb {
    /// Returns the verb as it is written in an annotation.
    #[must_use]
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    /// Returns whether the message is the body.
    #[must_use]
    pub fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put)
    }
}

/// Returns the six methods of a model.
pub(super) fn methods(message: &Message) -> Vec<Method> {
    let Message { name, plural, service, .. } = message;
    let all = format!("/xosapi/v1/{service}/{}", plural.to_lowercase());
    let one = format!("{all}/{{id}}");
    [
        ("List", EMPTY, plural.as_str(), Some((Verb::Get, &all))),
        ("Filter", "Query", plural, None),
        ("Get", "ID", name, Some((Verb::Get, &one))),
        ("Create", name, name, Some((Verb::Post, &all))),
        ("Update", name, name, Some((Verb::Put, &one))),
        ("Delete", "ID", EMPTY, Some((Verb::Delete, &one))),
    ]
    .map(|(what, input, output, http)| Method {
        name: format!("{what}{name}"),
        input: input.to_owned(),
        output: output.to_owned(),
        http: http.map(|(verb, path)| (verb, path.clone())),
    })
    .into()
}
