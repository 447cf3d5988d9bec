//! The functions that expressions have beside CEL's own: its extensions, and a few of ours.

use std::sync::{Arc, LazyLock};

use cel::common::types::{CelString, DYN_TYPE, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{DeclarationError, Env, ExecutionError, extensions};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::json::{from_json, to_json};

/// What need not be written in another way in a URL (RFC 3986, unreserved characters).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

static ENVIRONMENT: LazyLock<Result<Arc<Env>, DeclarationError>> = LazyLock::new(|| make().map(Arc::new));

/// Returns the environment in which expressions are read and evaluated.
pub(crate) fn environment() -> Result<Arc<Env>, String> {
    // The extensions do not contradict each other: a test reads an expression.
    ENVIRONMENT.clone().map_err(|error| error.to_string())
}

fn make() -> Result<Env, DeclarationError> {
    let mut env = Env::stdlib();
    env.add_extension(extensions::strings)?;
    env.add_extension(extensions::lists)?;
    env.add_extension(extensions::math)?;
    env.add_extension(extensions::encoders)?;
    env.add_overload("url_encode", "url_encode(string)", vec![STRING_TYPE], url_encode)?;
    env.add_overload("to_json", "to_json(dyn)", vec![DYN_TYPE], write_json)?;
    env.add_overload("from_json", "from_json(string)", vec![STRING_TYPE], read_json)?;
    Ok(env)
}

/// Returns a text as a part of a URL.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn text<'a>(function: &str, args: &'a [CowVal<'_, '_>]) -> Result<&'a str, ExecutionError> {
    let text = args.first().and_then(|arg| arg.downcast_ref::<CelString<'_>>());
    text.map(CelString::inner).ok_or_else(|| ExecutionError::function_error(function, "the argument is no text"))
}

#[expect(clippy::needless_pass_by_value, reason = "CEL's functions are like this")]
fn url_encode<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    Ok(CowVal::owned(CelString::from(encoded(text("url_encode", &args)?))))
}

#[expect(clippy::needless_pass_by_value, reason = "CEL's functions are like this")]
fn write_json<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let value = args.first().ok_or_else(|| ExecutionError::invalid_argument_count(1, 0))?;
    let json = to_json(value.as_ref()).map_err(|error| ExecutionError::function_error("to_json", error))?;
    Ok(CowVal::owned(CelString::from(json.to_string())))
}

#[expect(clippy::needless_pass_by_value, reason = "CEL's functions are like this")]
fn read_json<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let json = serde_json::from_str(text("from_json", &args)?);
    let json = json.map_err(|error| ExecutionError::function_error("from_json", error))?;
    Ok(CowVal::Owned(from_json(&json)))
}
