//! A model as a struct, and its `Model` implementation.

use std::collections::{BTreeSet, HashMap};

use xos_xproto::Model;

use crate::member::{self, Member};
use crate::names::{Names, free, has_heirs};
use crate::text::{ALLOW, doc, plain};

const MODEL: &str = "::xos_controller::model";

/// The struct of a model, its constructor, and its `Model` implementation.
pub(crate) fn code(model: &Model, name: &str, names: &Names<'_>) -> String {
    let members = member::all(model, names);
    let declarations: String = members.iter().map(Member::declaration).collect();
    let head = doc(&description(model, names), "");
    let derives = "#[derive(::std::clone::Clone, ::std::fmt::Debug, ::std::cmp::PartialEq)]";
    let mut code = format!(
        "{head}{ALLOW}{derives}
pub struct {name} {{
    /// Name, namespace, uid …
    pub meta: {MODEL}::Meta,
{declarations}}}

"
    );
    if !model.is_abstract {
        code.push_str(&constructor(model, name, &members));
    }
    code.push_str(&implementation(model, name, &members, names));
    code
}

fn description(model: &Model, names: &Names<'_>) -> String {
    let own = model.doc.clone().unwrap_or_else(|| format!("An object of the model {}.", model.name));
    let ancestors = model.ancestry.get(1..).unwrap_or_default().join(", ");
    let what = if model.is_abstract { "Abstract: it is a view of objects that inherit from it. " } else { "" };
    let bases = if ancestors.is_empty() { String::new() } else { format!("A {} is a {ancestors}. ", model.name) };
    let heirs = names.of_trait(&model.name).map(|class| format!("What inherits from it is a `{class}`."));
    format!("{own}\n\n{what}{bases}{}", heirs.unwrap_or_default()).trim().to_owned()
}

/// `new` with what a new object cannot be without, and `Default` if that is nothing.
fn constructor(model: &Model, name: &str, members: &[Member<'_>]) -> String {
    // An argument cannot be called as a value that patterns know.
    let mut taken: BTreeSet<_> = ["Ok", "Err", "Some", "None", "XPROTO"].map(str::to_owned).into();
    let arguments: Vec<_> = members.iter().filter(|member| member.is_argument()).collect();
    let called: HashMap<_, _> =
        arguments.iter().map(|member| (member.xos, free(&plain(member.xos), "_", &mut taken))).collect();
    let namespace = free("meta_namespace", "_", &mut taken);
    let own = free("meta_name", "_", &mut taken);
    let text = "impl ::std::convert::Into<::std::string::String>";
    let meta = [format!("{namespace}: {text}"), format!("{own}: {text}")];
    let argument = |member: &Member<'_>| called.get(member.xos).map_or("", String::as_str);
    let typed = arguments.iter().map(|member| format!("{}: {}", argument(member), member.argument().0));
    let all: String = meta.into_iter().chain(typed).map(|argument| format!("        {argument},\n")).collect();
    let initial = members.iter().map(|m| format!("            {}: {},\n", m.name, m.initial(argument(m))));
    let initial: String = initial.collect();
    let given: Vec<_> = arguments.iter().map(|member| format!("`{}`", member.xos)).collect();
    let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
    let head = doc(
        &format!(
            "A new {}: namespace and name, then what it cannot be without: {given}. The rest has its default or no value; set it \
             with `{name} {{ …, ..{name}::new(…) }}`.",
            model.name
        ),
        "    ",
    );
    let code = format!(
        "{ALLOW}impl {name} {{
{head}    pub fn new(
{all}    ) -> Self {{
        Self {{
            meta: {MODEL}::Meta {{
                model: {model_name:?}.into(),
                ..{MODEL}::Meta::new({namespace}, {own})
            }},
{initial}        }}
    }}
}}

",
        model_name = model.name
    );
    if !arguments.is_empty() {
        return code;
    }
    format!(
        "{code}{ALLOW}impl ::std::default::Default for {name} {{
    /// A new object that has no name yet.
    fn default() -> Self {{
        Self::new(\"\", \"\")
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
    const NAME: &'static ::std::primitive::str = {model_name:?};
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

",
        model_name = model.name,
        class_names = model.ancestry,
        is_abstract = model.is_abstract,
        has_heirs = has_heirs(names.models(), model),
    )
}
