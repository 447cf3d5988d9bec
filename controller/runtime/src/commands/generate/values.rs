//! Values that a field or a link can have.

use serde_json::{Value, json};
use xos_crds::SpecSchema;
use xos_model::Fields;
use xos_model::typed::constant;
use xos_xproto::pattern::Pattern;
use xos_xproto::{Choice, ContentType, Field, Link, Model, ModelSet, ScalarType};

use super::super::content;

/// How often the repetitions of a pattern are repeated, until a text is long enough.
const LENGTHS: [u32; 9] = [0, 1, 2, 3, 5, 8, 16, 32, 64];
/// A text of base64.
const BYTES: &str = "eG9z";

/// Returns the name of the sample of a model: `my-person`.
pub(super) fn object_name(model: &str) -> String {
    format!("my-{}", model.to_lowercase().replace('_', "-"))
}

/// Returns values of a field that its schema accepts, those first that say most; if there is none, the best guess.
pub(super) fn of_field(schema: &SpecSchema, model: &Model, field: &Field) -> Vec<Value> {
    let mut all = guesses(model, field);
    all.dedup();
    let is_accepted = |value: &Value| {
        let fields: Fields = [(field.name.clone(), value.clone())].into_iter().collect();
        let has_content = |text| field.content_type.is_none_or(|content| content::complies(content, text));
        schema.wrong_values(model, &fields).is_empty() && value.as_str().is_none_or(has_content)
    };
    let accepted: Vec<_> = all.iter().filter(|value| is_accepted(value)).cloned().collect();
    if accepted.is_empty() { all.into_iter().take(1).collect() } else { accepted }
}

fn guesses(model: &Model, field: &Field) -> Vec<Value> {
    let mut all: Vec<_> = field.default.as_ref().and_then(constant).into_iter().collect();
    if let Some(choices) = &field.choices {
        all.extend(choices.iter().filter_map(|choice| constant(&choice.value)));
        return all;
    }
    let numbers = [field.min_value, Some(1), Some(0), field.max_value];
    match field.ty {
        ScalarType::Bool => all.extend([json!(false), json!(true)]),
        ScalarType::Int32 | ScalarType::Uint32 => {
            all.extend(numbers.into_iter().flatten().map(Value::from));
        }
        #[expect(clippy::cast_precision_loss, reason = "limits are small")]
        ScalarType::Float | ScalarType::Double => {
            all.extend(numbers.into_iter().flatten().map(|number| Value::from(number as f64)));
        }
        ScalarType::Bytes => all.push(json!(BYTES)),
        ScalarType::String => all.extend(texts(model, field).into_iter().map(|text| json!(sized(field, text)))),
    }
    all
}

/// Returns texts, not all of which fit.
fn texts(model: &Model, field: &Field) -> Vec<String> {
    let words = field.name.replace('_', " ").trim().to_owned();
    let fixed: &[&str] = match field.content_type {
        Some(ContentType::Date) => &["2026-01-31T12:00:00Z"],
        Some(ContentType::Url) => &["http://example.org/", "http://a.b", "/"],
        Some(ContentType::Ip) => &["192.0.2.1", "2001:db8::1"],
        Some(ContentType::Stripped) | None => &[],
    };
    let mut all: Vec<_> = fixed.iter().map(|&text| text.to_owned()).collect();
    if field.content_type.is_none_or(|content| content == ContentType::Stripped) {
        let is_name = field.name == "name" || field.name == "email";
        let name = object_name(&model.name);
        all.extend(is_name.then(|| if field.name == "email" { format!("{name}@example.org") } else { name }));
        all.extend([words.clone(), words.replace(' ', "-"), words.replace(' ', "")]);
    }
    let pattern = field.pattern.as_deref().and_then(|pattern| Pattern::new(pattern).ok());
    all.extend(pattern.iter().flat_map(|pattern| LENGTHS.iter().filter_map(|&more| pattern.sample(more))));
    all
}

/// Returns a text, made shorter or longer if the field wants that.
fn sized(field: &Field, text: String) -> String {
    let most = field.max_length.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let least = usize::try_from(field.min_length.unwrap_or_default()).unwrap_or_default();
    let length = text.chars().count();
    // A part of an address is none.
    if field.content_type.is_some_and(|content| content != ContentType::Stripped) {
        return text;
    }
    if length > most {
        let short: String = text.chars().take(most).collect();
        return short.trim_end().to_owned();
    }
    if length < least && length > 0 {
        return text.chars().cycle().take(least).map(|c| if c == ' ' { '-' } else { c }).collect();
    }
    text
}

/// Returns the value of a link: the sample of its peer.
pub(super) fn of_link(models: &ModelSet, model: &Model, link: &Link) -> Value {
    let mut kinds = models.of_class(&link.peer).map(|kind| kind.name.as_str());
    let kind = kinds.next().unwrap_or(&link.peer);
    // No object leads to itself.
    let name = if kind == model.name { format!("another-{}", kind.to_lowercase()) } else { object_name(kind) };
    let reference = json!({ "name": name });
    if link.is_to_many() { json!([reference]) } else { reference }
}

/// Returns what the text of help does not say: limits and choices.
pub(super) fn facts(field: &Field) -> String {
    let mut facts = vec![];
    if let Some(choices) = &field.choices {
        let value = |choice: &Choice| constant(&choice.value).map(|value| plain(&value));
        facts.push(format!("One of {}.", choices.iter().filter_map(value).collect::<Vec<_>>().join(", ")));
    }
    match (field.min_value, field.max_value) {
        (Some(least), Some(most)) => facts.push(format!("From {least} to {most}.")),
        (Some(least), None) => facts.push(format!("From {least}.")),
        (None, Some(most)) => facts.push(format!("Up to {most}.")),
        (None, None) => {}
    }
    match (field.min_length, field.max_length) {
        _ if field.choices.is_some() || field.ty != ScalarType::String => {}
        (Some(least), Some(most)) if least == most => facts.push(format!("{most} characters.")),
        (Some(least), Some(most)) if least > 0 => facts.push(format!("From {least} to {most} characters.")),
        (Some(least), None) if least > 0 => facts.push(format!("At least {least} characters.")),
        (_, Some(most)) => facts.push(format!("At most {most} characters.")),
        _ => {}
    }
    if let Some(default) = field.default.as_ref().and_then(constant) {
        facts.push(format!("Default: {default}."));
    }
    facts.join(" ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
