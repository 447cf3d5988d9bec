//! What answers in place of the world outside.

use crate::error::StepError;

/// Answers what steps ask of the world outside, in its place: in test cases, where nothing leaves the process.
///
/// Steps that are documents ask it, where there is one, for each request and command. What a step in Rust does by itself
/// does not go this way.
pub trait Outside: Send + Sync {
    /// Answers an HTTP request.
    ///
    /// # Errors
    /// When there is no answer.
    fn request(&self, request: OutsideRequest) -> Result<OutsideAnswer, StepError>;

    /// Answers a command.
    ///
    /// # Errors
    /// When it cannot be run.
    fn command(&self, command: OutsideCommand) -> Result<OutsideResult, StepError>;

    /// Answers a call of a step server.
    ///
    /// # Errors
    /// When there is no answer.
    fn call(&self, call: OutsideCall) -> Result<OutsideReply, StepError>;

    /// Lets time pass for which a step waits.
    fn pass(&self, time: std::time::Duration);
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRequest {
    /// The method, in capital letters.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body; empty if it has none.
    pub body: Vec<u8>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideAnswer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// What it reads from its standard input.
    pub input: Option<serde_json::Value>,
}

/// A call of a step server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideCall {
    /// `SyncRecord`, `HandleCreate` …
    pub method: String,
    /// The step, by its name on the server.
    pub step: String,
    /// The object that it is about, as `Person/ada`; empty if it is about none.
    pub object: String,
    /// What the document gives to the step.
    pub input: Option<serde_json::Value>,
}

/// How a call of a step server ends.
#[derive(Debug)]
pub struct OutsideReply {
    /// The fields of its object that the step has changed, however it ends; null unsets one.
    pub changed: serde_json::Map<String, serde_json::Value>,
    /// What it says.
    pub result: Result<(), StepError>,
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideResult {
    /// Its exit status, 0 to 255.
    pub status: u8,
    /// What it wrote to its standard output.
    pub output: Vec<u8>,
    /// What it wrote to its standard error.
    pub error: Vec<u8>,
}
