//! A model's fields as an OpenAPI schema.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSON, JSONSchemaProps};
use serde_json::{Value, json};
use xos_model::typed::constant;
use xos_xproto::{ContentType, Field, Link, Literal, Model, ModelSet, ScalarType, Section, camel_case};

use crate::{cel, links, rules, sources, status_schema};

/// Returns the schema of a model's custom resource: `spec` and `status`.
pub(crate) fn of(models: &ModelSet, model: &Model) -> JSONSchemaProps {
    let spec = spec(models, model);
    // Without a spec its rules would not be evaluated, and its defaults not filled in.
    let must_have_spec = spec.required.is_some() || spec.x_kubernetes_validations.is_some();
    let default = (!must_have_spec).then(|| JSON(json!({})));
    let spec = JSONSchemaProps { default, ..spec };
    let required = must_have_spec.then(|| vec!["spec".to_owned()]);
    let description = model.doc.clone().unwrap_or_else(|| format!("XOS model {}.", model.name));
    JSONSchemaProps {
        description: Some(description),
        required,
        ..object([("spec".to_owned(), spec), ("status".to_owned(), status_schema::of(model))].into())
    }
}

/// Returns the schema of `spec`.
pub(crate) fn spec(models: &ModelSet, model: &Model) -> JSONSchemaProps {
    let fields = || model.fields_in(Section::Spec);
    let links = || model.links_in(Section::Spec);
    let has_source = |name: &str| model.secret_sources().any(|(secret, _)| secret.name == name);
    let required_fields = fields().filter(|f| must_be_given(f) && !has_source(&f.name)).map(Field::camel_name);
    let required_links = links().filter(|l| model.must_have(l)).map(Link::camel_name);
    let required: Vec<_> = required_fields.chain(required_links).collect();
    let mut properties: BTreeMap<_, _> = fields().map(|f| (f.camel_name(), declarative(f))).collect();
    // What the API server filled in would be there beside the reference.
    for (secret, source) in model.secret_sources() {
        properties.entry(secret.camel_name()).and_modify(|schema| schema.default = None);
        properties.insert(camel_case(&source), sources::schema(secret));
    }
    properties.extend(links().map(|l| (l.camel_name(), links::schema(l))));
    JSONSchemaProps {
        description: Some(format!("What is wanted of the {}.", model.name)),
        required: Some(required).filter(|names| !names.is_empty()),
        x_kubernetes_validations: cel::of_spec(models, model),
        ..object(properties)
    }
}

/// Returns whether a field must be given: it is required and has no default. The operator's switches have one.
pub(crate) fn must_be_given(field: &Field) -> bool {
    field.required && matches!(field.default, None | Some(Literal::Null))
}

/// Returns the schema of a field that users write: with limits and default.
fn declarative(field: &Field) -> JSONSchemaProps {
    let is_text = is_text(field);
    let schema = typed(field);
    JSONSchemaProps {
        min_length: least_length(field).filter(|_| is_text),
        pattern: field.pattern.clone().filter(|_| is_text),
        max_length: field.max_length.filter(|_| is_text).map(i64::from),
        minimum: limit(field.min_value).or(schema.minimum),
        maximum: limit(field.max_value).or(schema.maximum),
        default: schema_default(field).map(JSON),
        enum_: choices(field),
        x_kubernetes_validations: rules::of_content(field),
        ..schema
    }
}

/// Returns the least length of a text: a required one is not empty.
fn least_length(field: &Field) -> Option<i64> {
    let required = (field.required && !field.blank).then_some(1);
    required.max(field.min_length.filter(|&least| least > 0).map(i64::from))
}

/// Limits are small integers; a schema's are doubles, exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn limit(value: Option<i64>) -> Option<f64> {
    value.map(|v| v as f64)
}

/// Returns the default that the API server fills in. There is none for fields that all models have: an absent switch is
/// off, and objects stay small.
fn schema_default(field: &Field) -> Option<Value> {
    if field.is_common() {
        return None;
    }
    constant(field.default.as_ref()?)
}

/// Returns the values of `choices`; `None` among them means that the field is absent.
fn choices(field: &Field) -> Option<Vec<JSON>> {
    let values = field.choices.as_ref()?.iter().filter_map(|choice| constant(&choice.value));
    Some(values.map(JSON).collect()).filter(|values: &Vec<_>| !values.is_empty())
}

/// Returns a literal as JSON, if it is a constant; null, dates of creation and names of Python functions are not.
fn is_text(field: &Field) -> bool {
    field.ty == ScalarType::String && field.content_type != Some(ContentType::Date)
}

/// Returns a schema with type and description only.
pub(crate) fn typed(field: &Field) -> JSONSchemaProps {
    let (type_, format) = type_and_format(field);
    let format = format.or(field.secret.then_some("password"));
    let is_unsigned = field.ty == ScalarType::Uint32;
    JSONSchemaProps {
        type_: Some(type_.to_owned()),
        format: format.map(str::to_owned),
        minimum: is_unsigned.then_some(0.0),
        maximum: is_unsigned.then_some(f64::from(u32::MAX)),
        description: field.help_text.clone(),
        ..JSONSchemaProps::default()
    }
}

fn type_and_format(field: &Field) -> (&'static str, Option<&'static str>) {
    match (field.ty, field.content_type) {
        (ScalarType::String, Some(ContentType::Date)) => ("string", Some("date-time")),
        (ScalarType::String, _) => ("string", None),
        (ScalarType::Bool, _) => ("boolean", None),
        (ScalarType::Int32, _) => ("integer", Some("int32")),
        (ScalarType::Uint32, _) => ("integer", Some("int64")),
        (ScalarType::Float, _) => ("number", Some("float")),
        (ScalarType::Double, _) => ("number", Some("double")),
        (ScalarType::Bytes, _) => ("string", Some("byte")),
    }
}

/// Returns the schema of an object with these properties.
pub(crate) fn object(properties: BTreeMap<String, JSONSchemaProps>) -> JSONSchemaProps {
    JSONSchemaProps { type_: Some("object".to_owned()), properties: Some(properties), ..JSONSchemaProps::default() }
}
