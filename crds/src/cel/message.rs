//! The message of the API server when a validator does not hold.

use xos_model::secret::HIDDEN;
use xos_xproto::{Model, Validator};

use super::operand::{Kind, Operand, member};
use super::text;

/// The greatest length that the API server accepts.
const LONGEST: usize = 2048;

/// A validator's message.
pub(super) struct Message {
    /// The text as written, on one line; also the message if the expression fails.
    pub(super) plain: String,
    /// The expression for the text with its `{obj.…}` filled in, if it has any that the object itself can fill.
    pub(super) expression: Option<String>,
}

pub(super) fn of(model: &Model, validator: &Validator) -> Message {
    let words: Vec<_> = validator.message.split_whitespace().collect();
    let plain: String = words.join(" ").chars().take(LONGEST).collect();
    let mut parts = vec![];
    let mut is_plain = true;
    let mut rest = plain.as_str();
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((inner, next)) = behind.split_once('}') else { break };
        let value = value(model, inner);
        is_plain &= value.is_none();
        parts.push(text::string(before));
        parts.push(value.unwrap_or_else(|| text::string(&format!("{{{inner}}}"))));
        rest = next;
    }
    parts.push(text::string(rest));
    parts.retain(|part| part != "\"\"");
    let expression = (!is_plain).then(|| parts.join(" + "));
    Message { plain, expression }
}

/// Returns the expression for `obj.name`: the value as text, a link as the name of its peer, and an empty text if there
/// is no value.
fn value(model: &Model, path: &str) -> Option<String> {
    let mut names = path.split('.');
    let object = match names.next()? {
        "obj" => "self",
        "old" => "oldSelf",
        _ => return None,
    };
    let name = names.next()?;
    if model.is_secret(name) {
        return Some(text::string(HIDDEN));
    }
    let operand = member(model, name, object)?.ok()?;
    let rest: Vec<_> = names.collect();
    let text = match (operand.kind, rest.as_slice()) {
        (Kind::String, []) => operand.text.clone(),
        (Kind::Int | Kind::Double | Kind::Bool | Kind::Date, []) => format!("string({})", operand.text),
        (Kind::Link, [] | ["name"]) => format!("{}.name", operand.text),
        _ => return None,
    };
    Some(or_nothing(&operand, &text))
}

fn or_nothing(operand: &Operand, text: &str) -> String {
    match &operand.present {
        Some(present) => format!("({present} ? {text} : \"\")"),
        None => text.to_owned(),
    }
}
