//! Selectable fields: those that `kubectl get --field-selector` can select by.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::SelectableField;
use xos_xproto::{ContentType, Field, Model, ScalarType, Section};

/// The API server's limit.
const MOST: usize = 8;

/// Returns the natural keys of a model, then its links to one object; at most eight.
pub(crate) fn of(model: &Model) -> Vec<SelectableField> {
    let keys = model.fields.iter().filter(|f| is_key(f)).map(|f| format!(".spec.{}", f.camel_name()));
    let links = model.links_in(Section::Spec).filter(|l| !l.is_to_many());
    let links = links.map(|l| format!(".spec.{}.name", l.camel_name()));
    keys.chain(links).take(MOST).map(|json_path| SelectableField { json_path }).collect()
}

/// Returns whether a field names an object and can be selected by: dates and fractional numbers cannot.
fn is_key(field: &Field) -> bool {
    let can_be = matches!(field.ty, ScalarType::String | ScalarType::Int32 | ScalarType::Uint32 | ScalarType::Bool);
    let is_date = field.content_type == Some(ContentType::Date);
    let names_it = field.name == "name" || field.tosca_key || field.unique;
    field.section() == Section::Spec && can_be && !is_date && names_it && !field.secret
}
