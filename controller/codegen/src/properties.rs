//! Computed properties: a method and a constant each.

use std::collections::BTreeSet;

use xos_xproto::{Model, Property, ValueType};

use crate::classes::METHODS;
use crate::names::{Names, free};
use crate::text::{ALLOW, doc, plain};
use crate::used::Used;

/// Returns the code of the methods that compute a model's properties, inherited ones included.
pub(crate) fn code(model: &Model, name: &str, names: &Names<'_>, used: &Used<'_>) -> String {
    let mut taken: BTreeSet<_> = METHODS.map(str::to_owned).into();
    let method = |property: &Property| {
        let text = format!(
            "Returns the property `{}`, computed from the object as it is here; none if it is null.",
            property.name
        );
        let head = doc(&text, "    ");
        let name = free(&plain(&property.name), "_", &mut taken);
        format!(
            "{head}    ///
    /// # Errors
    /// When it cannot be computed.
    pub fn {name}(
        &self,
        ctx: &::xos_controller::StepContext,
    ) -> ::std::result::Result<::std::option::Option<{of}>, ::xos_controller::PropertyError> {{
        ctx.property(self, {xos:?})
    }}
",
            of = rust(&property.ty, names, used),
            xos = property.name,
        )
    };
    let methods: Vec<_> = model.properties.iter().map(|property| &**property).map(method).collect();
    if methods.is_empty() { String::new() } else { format!("{ALLOW}impl {name} {{\n{}}}\n\n", methods.join("\n")) }
}

/// Returns the code of a property's constant, for queries; nothing if its values are none that can be compared.
pub(crate) fn constant(
    property: &Property,
    (model, constant): (&str, &str),
    names: &Names<'_>,
    used: &Used<'_>,
) -> Option<String> {
    match &property.ty {
        ValueType::Any | ValueType::List(_) | ValueType::Map(_) => return None,
        ValueType::Object(peer) if !used.contains(peer.as_str()) => return None,
        _ => {}
    }
    let head = doc(&format!("The property `{}`.", property.name), "    ");
    let of = rust(&property.ty, names, used);
    Some(format!(
        "{head}    pub const {constant}: ::xos_controller::model::Field<{model}, {of}> =
        ::xos_controller::model::Field::new({:?});
",
        property.name
    ))
}

/// Returns the Rust type of a property's values.
fn rust(ty: &ValueType, names: &Names<'_>, used: &Used<'_>) -> String {
    let any = || "::xos_controller::serde_json::Value".to_owned();
    match ty {
        ValueType::Any => any(),
        ValueType::Bool => "::std::primitive::bool".to_owned(),
        ValueType::Int => "::std::primitive::i64".to_owned(),
        ValueType::Double => "::std::primitive::f64".to_owned(),
        ValueType::Text | ValueType::Duration => "::std::string::String".to_owned(),
        ValueType::Timestamp => "::xos_controller::model::Timestamp".to_owned(),
        ValueType::Object(peer) => match names.of_struct(peer).filter(|_| used.contains(peer.as_str())) {
            Some(peer) => format!("::xos_controller::model::Link<{peer}>"),
            None => any(),
        },
        ValueType::List(items) => format!("::std::vec::Vec<{}>", rust(items, names, used)),
        ValueType::Map(values) => {
            let of = rust(values, names, used);
            format!("::std::collections::BTreeMap<::std::string::String, {of}>")
        }
    }
}
