//! The trait of each model that others inherit from (a class), and its implementations.

use std::collections::{BTreeSet, HashMap};

use xos_xproto::Model;

use crate::member::{self, Member};
use crate::names::{Names, free};
use crate::text::{ALLOW, doc, plain};

/// The methods that every typed object has. The getter of a field with such a name ends with `_`.
pub(crate) const METHODS: [&str; 29] = [
    "borrow",
    "borrow_mut",
    "clone",
    "clone_from",
    "clone_into",
    "cmp",
    "default",
    "eq",
    "fmt",
    "from",
    "from_custom_resource",
    "from_object",
    "in_namespace",
    "into",
    "leaf_model",
    "meta",
    "named",
    "ne",
    "new",
    "new_custom_resource",
    "partial_cmp",
    "to_custom_resource",
    "to_object",
    "to_owned",
    "to_string",
    "try_from",
    "try_into",
    "type_id",
    "write_to",
];

/// The methods of a class's own members by their names in xproto: a getter, and a setter where authors may write.
type Methods<'m> = HashMap<&'m str, (String, Option<String>)>;

/// Names the methods of a class's own members. No class that it inherits from has a method of such a name.
fn methods<'m>(class: &'m Model, names: &Names<'m>) -> Methods<'m> {
    let mut taken: BTreeSet<_> = METHODS.map(str::to_owned).into();
    let mut own = HashMap::new();
    for model in class.lineage.iter().filter_map(|name| names.models().get(name)) {
        let members = member::all(model, names);
        let declared: Vec<_> = members.iter().filter(|member| member.declared_in == model.name).collect();
        let getters: Vec<_> = declared.iter().map(|member| free(&plain(member.xos), "_", &mut taken)).collect();
        own = HashMap::new();
        for (member, getter) in declared.into_iter().zip(getters) {
            let setter = member.is_settable.then(|| free(&format!("set_{}", plain(member.xos)), "_", &mut taken));
            own.insert(member.xos, (getter, setter));
        }
    }
    own
}

/// Returns the code of a class's trait.
pub(crate) fn declaration(class: &Model, name: &str, names: &Names<'_>) -> String {
    let members = member::all(class, names);
    let methods = methods(class, names);
    let bases: Vec<_> = class.bases.iter().filter_map(|base| names.of_trait(base)).collect();
    let supers = if bases.is_empty() { "::xos_controller::model::Model".to_owned() } else { bases.join(" + ") };
    let own = class.doc.clone().unwrap_or_default();
    let text = format!("What is a {}: the model itself{}, and all that inherit from it.\n\n{own}", class.name, {
        if class.is_abstract { " as a view" } else { "" }
    });
    let lines: Vec<_> = own_members(&members, class).map(|member| signatures(member, &methods)).collect();
    format!("{}{ALLOW}pub trait {name}: {supers} {{\n{}}}\n\n", doc(text.trim(), ""), lines.join("\n"))
}

fn own_members<'a, 'm>(members: &'a [Member<'m>], class: &Model) -> impl Iterator<Item = &'a Member<'m>> {
    members.iter().filter(|member| member.declared_in == class.name)
}

fn signatures(member: &Member<'_>, methods: &Methods<'_>) -> String {
    let Some((getter, setter)) = methods.get(member.xos) else { return String::new() };
    let mut code = format!("{}    {};\n", doc(&member.text(), "    "), getter_head(member, getter));
    if let Some(setter) = setter {
        let text = format!("Sets `{}`.", member.xos);
        code.push_str(&format!("\n{}    {};\n", doc(&text, "    "), setter_head(member, setter)));
    }
    code
}

fn getter_head(member: &Member<'_>, getter: &str) -> String {
    let (borrowed, ..) = member.ty.borrowed();
    let ty = if member.optional { format!("::std::option::Option<{borrowed}>") } else { borrowed };
    format!("fn {getter}(&self) -> {ty}")
}

fn setter_head(member: &Member<'_>, setter: &str) -> String {
    format!("fn {setter}(&mut self, value: {})", member.full_type())
}

/// Returns the code that implements, for a model, its own trait and those of all its bases.
pub(crate) fn implementations(model: &Model, name: &str, names: &Names<'_>) -> String {
    let members = member::all(model, names);
    let classes = model.lineage.iter().filter_map(|class| names.models().get(class));
    let mut code = String::new();
    for class in classes {
        let Some(class_trait) = names.of_trait(&class.name) else { continue };
        let methods = methods(class, names);
        let bodies: Vec<_> = own_members(&members, class).map(|member| bodies(member, &methods)).collect();
        code.push_str(&format!("{ALLOW}impl {class_trait} for {name} {{\n{}}}\n\n", bodies.join("\n")));
        if class.name != model.name {
            let base = names.of_struct(&class.name).unwrap_or_default();
            code.push_str(&format!("{ALLOW}impl ::xos_controller::model::IsA<{base}> for {name} {{}}\n\n"));
        }
    }
    code
}

fn bodies(member: &Member<'_>, methods: &Methods<'_>) -> String {
    let Some((getter, setter)) = methods.get(member.xos) else { return String::new() };
    let (_, plain, optional) = member.ty.borrowed();
    let convert = if member.optional { optional } else { plain };
    let borrow = if member.ty.is_borrowed_whole() && !member.optional { "&" } else { "" };
    let mut code =
        format!("    {} {{\n        {borrow}self.{}{convert}\n    }}\n", getter_head(member, getter), member.name);
    if let Some(setter) = setter {
        let head = setter_head(member, setter);
        code.push_str(&format!("\n    {head} {{\n        self.{} = value;\n    }}\n", member.name));
    }
    code
}
