//! A model as a struct, and its `Model` implementation.

use xos_xproto::Model;

use crate::member::{self, Member};
use crate::names::Names;
use crate::text::{ALLOW, doc};

const MODEL: &str = "::xos_controller::model";

/// Returns the code of a model's struct, its constructor, and its `Model` implementation.
pub(crate) fn code(model: &Model, name: &str, names: &Names<'_>) -> String {
    let members = member::all(model, names);
    let declarations: String = members.iter().map(Member::declaration).collect();
    let head = doc(&description(model, names), "");
    let (derives, debug) = debug(name, &["meta"], &members.iter().collect::<Vec<_>>());
    let mut code = format!(
        "{head}{ALLOW}{derives}
pub struct {name} {{
    /// Name, namespace, uid …
    pub meta: {MODEL}::Meta,
{declarations}}}

{debug}"
    );
    if model.has_objects() {
        code.push_str(&constructor(model, name, &members, names));
    }
    code.push_str(&implementation(model, name, &members, names));
    code
}

fn description(model: &Model, names: &Names<'_>) -> String {
    let own = model.doc.clone().unwrap_or_else(|| format!("An object of the model {}.", model.name));
    let ancestors = model.ancestry.get(1..).unwrap_or_default().join(", ");
    let what = match model {
        Model { is_abstract: true, .. } => "Abstract: it is a view of objects that inherit from it. ",
        Model { is_referred: true, .. } => {
            "Only referred to: nothing in the models names it, so its objects are not known. "
        }
        _ => "",
    };
    let bases = if ancestors.is_empty() { String::new() } else { format!("A {} is a {ancestors}. ", model.name) };
    let heirs = names.of_trait(&model.name).map(|class| format!("What inherits from it is a `{class}`."));
    format!("{own}\n\n{what}{bases}{}", heirs.unwrap_or_default()).trim().to_owned()
}

/// Returns the attribute of a struct's derives, and the code of `Debug` where that is not among them: it shows no secret.
fn debug(name: &str, first: &[&str], members: &[&Member<'_>]) -> (&'static str, String) {
    if !members.iter().any(|member| member.is_secret) {
        return ("#[derive(::std::clone::Clone, ::std::fmt::Debug, ::std::cmp::PartialEq)]", String::new());
    }
    let shown = members.iter().map(|member| {
        let hidden = "&::std::format_args!(\"***\")".to_owned();
        (member.name.as_str(), if member.is_secret { hidden } else { format!("&self.{}", member.name) })
    });
    let first = first.iter().map(|name| (*name, format!("&self.{name}")));
    let fields: String =
        first.chain(shown).map(|(name, value)| format!("            .field({name:?}, {value})\n")).collect();
    let code = format!(
        "{ALLOW}impl ::std::fmt::Debug for {name} {{
    fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {{
        f.debug_struct({name:?})
{fields}            .finish()
    }}
}}

"
    );
    ("#[derive(::std::clone::Clone, ::std::cmp::PartialEq)]", code)
}

/// Returns the code of the struct of required fields, if there are any, and of the methods that make a new object.
fn constructor(model: &Model, name: &str, members: &[Member<'_>], names: &Names<'_>) -> String {
    let required: Vec<_> = members.iter().filter(|member| member.is_required()).collect();
    let initial: String = members.iter().map(|m| format!("            {}: {},\n", m.name, m.initial())).collect();
    let given = names.of_required(&model.name).filter(|_| !required.is_empty());
    let before = match given {
        Some(given) => required_fields(model, name, given, &required),
        None => default(name),
    };
    let argument = given.map_or_else(String::new, |given| format!("required: {given}"));
    let needs = if given.is_some() { " of what it must have" } else { "" };
    let head = doc(
        &format!(
            "Makes a new {}{needs}; all else has the model's default, or no value. Set more with `{name} {{ …, ..{name}::new(…) }}`.",
            model.name
        ),
        "    ",
    );
    format!(
        "{before}{ALLOW}impl {name} {{
{head}    pub fn new({argument}) -> Self {{
        Self {{
            meta: {MODEL}::Meta {{ model: {model_name:?}.into(), ..::std::default::Default::default() }},
{initial}        }}
    }}

    /// Sets the object's name in Kubernetes, `metadata.name`.
    pub fn named(mut self, name: impl ::std::convert::Into<::std::string::String>) -> Self {{
        self.meta.name = name.into();
        self
    }}

    /// Sets the object's namespace. An object without one is created in the namespace of the object that a step
    /// handles.
    pub fn in_namespace(mut self, namespace: impl ::std::convert::Into<::std::string::String>) -> Self {{
        self.meta.namespace = namespace.into();
        self
    }}
}}

",
        model_name = model.name
    )
}

/// Returns the code of the struct of required fields.
fn required_fields(model: &Model, name: &str, given: &str, required: &[&Member<'_>]) -> String {
    let declarations: String = required.iter().map(|member| member.declaration()).collect();
    let head = doc(&format!("What a new {} must have.", model.name), "");
    let (derives, debug) = debug(given, &[], required);
    format!(
        "{head}{ALLOW}{derives}
pub struct {given} {{
{declarations}}}

{debug}{ALLOW}impl ::std::convert::From<{given}> for {name} {{
    fn from(required: {given}) -> Self {{
        Self::new(required)
    }}
}}

"
    )
}

/// Returns the code of `Default`, for a model without required fields.
fn default(name: &str) -> String {
    format!(
        "{ALLOW}impl ::std::default::Default for {name} {{
    /// Makes a new object that has no name yet.
    fn default() -> Self {{
        Self::new()
    }}
}}

"
    )
}

fn implementation(model: &Model, name: &str, members: &[Member<'_>], names: &Names<'_>) -> String {
    let reads: String = members.iter().map(Member::read).collect();
    let writes: String = members.iter().map(Member::write).collect();
    let ok = "::std::result::Result::Ok";
    format!(
        "{ALLOW}impl {MODEL}::Model for {name} {{
    const MODEL_NAME: &'static ::std::primitive::str = {model_name:?};
    const CLASS_NAMES: &'static [&'static ::std::primitive::str] = &{class_names:?};
    const IS_ABSTRACT: ::std::primitive::bool = {is_abstract};
    const HAS_HEIRS: ::std::primitive::bool = {has_heirs};

    fn from_object(o: &{MODEL}::Object) -> ::std::result::Result<Self, {MODEL}::ConvertError> {{
        {ok}(Self {{
            meta: o.typed_meta(),
{reads}        }})
    }}

    fn write_to(&self, o: &mut {MODEL}::Object) -> ::std::result::Result<(), {MODEL}::ConvertError> {{
{writes}        {ok}(())
    }}

    fn meta(&self) -> &{MODEL}::Meta {{
        &self.meta
    }}
}}

{known}",
        model_name = model.name,
        class_names = model.ancestry,
        known =
            if model.is_referred { String::new() } else { format!("{ALLOW}impl {MODEL}::Known for {name} {{}}\n\n") },
        is_abstract = model.is_abstract,
        has_heirs = names.models().is_base(&model.name),
    )
}
