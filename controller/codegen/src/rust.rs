//! A model as Rust code.

use std::fmt::Write as _;

use xos_xproto::{ContentType, Field, FieldState, Link, Literal, Model, ScalarType};

/// How a field or link appears in its struct.
struct Member<'a> {
    /// The name in xproto.
    xos: &'a str,
    /// What its documentation says.
    help: &'a str,
    /// The model that declares it.
    declared_in: &'a str,
    /// The Rust identifier.
    name: String,
    /// The type without `Option`.
    ty: &'static str,
    /// Whether it is an `Option`.
    optional: bool,
    /// The default as a Rust expression.
    default: Option<String>,
}

/// The struct of a model, and its `Model` implementation.
pub fn model_struct(model: &Model) -> String {
    let links = model.links.iter().map(|link| Member::of_link(link));
    let members: Vec<_> = model.fields.iter().map(|field| Member::of(field)).chain(links).collect();
    let mut code = doc(model.doc.as_deref().unwrap_or(&format!("An object of the model {}.", model.name)), "");
    let _ = writeln!(code, "#[derive(Clone, Debug, PartialEq)]\npub struct {} {{", model.name);
    code.push_str("    /// Name, namespace, uid …\n    pub meta: ::xos_controller::model::Meta,\n");
    for member in &members {
        code.push_str(&member.declaration());
    }
    code.push_str("}\n\n");
    code + &implementation(model, &members)
}

fn implementation(model: &Model, members: &[Member<'_>]) -> String {
    let reads: String = members.iter().map(Member::read).collect();
    let writes: String = members.iter().map(Member::write).collect();
    format!(
        "impl ::xos_controller::model::Model for {name} {{
    const NAME: &'static str = {name:?};

    fn from_object(o: &::xos_controller::model::Object) -> Result<Self, ::xos_controller::model::ConvertError> {{
        Ok(Self {{
            meta: o.meta.clone(),
{reads}        }})
    }}

    fn write_to(&self, o: &mut ::xos_controller::model::Object) -> Result<(), ::xos_controller::model::ConvertError> {{
{writes}        Ok(())
    }}

    fn meta(&self) -> &::xos_controller::model::Meta {{
        &self.meta
    }}
}}

",
        name = model.name
    )
}

impl<'a> Member<'a> {
    fn of(field: &'a Field) -> Self {
        let is_date = field.content_type == Some(ContentType::Date);
        let default = default_of(field).filter(|_| !is_date);
        // The framework sets its fields later than the object is made; what an operator must give is there.
        let late = field.state != FieldState::Declarative && default.is_none();
        Self {
            xos: &field.name,
            help: field.help_text.as_deref().unwrap_or(""),
            declared_in: &field.declared_in,
            name: identifier(&field.name),
            ty: type_of(field.ty, is_date),
            optional: !field.required || is_date && field.state != FieldState::Declarative || late,
            default,
        }
    }

    /// A link: a reference, or a list of them.
    fn of_link(link: &'a Link) -> Self {
        let one = "::xos_controller::model::Reference";
        let is_many = link.is_to_many();
        let late = link.default.is_some() || link.state != FieldState::Declarative;
        Self {
            xos: &link.name,
            help: link.help_text.as_deref().unwrap_or(""),
            declared_in: &link.declared_in,
            name: identifier(&link.name),
            ty: if is_many { "Vec<::xos_controller::model::Reference>" } else { one },
            optional: !is_many && (!link.required || late),
            default: is_many.then(|| "Vec::new()".to_owned()),
        }
    }

    fn declaration(&self) -> String {
        let text = format!("{} (`{}` of {})", self.help, self.xos, self.declared_in);
        let ty = if self.optional { format!("Option<{}>", self.ty) } else { self.ty.to_owned() };
        format!("{}    pub {}: {ty},\n", doc(text.trim(), "    "), self.name)
    }

    fn read(&self) -> String {
        let (name, xos) = (&self.name, self.xos);
        let value = match (&self.default, self.optional) {
            (_, true) => format!("o.optional({xos:?})?"),
            (Some(_), false) if self.ty.starts_with("Vec") => format!("o.optional({xos:?})?.unwrap_or_default()"),
            (Some(default), false) if self.ty == "String" => {
                format!("o.optional({xos:?})?.unwrap_or_else(|| {default})")
            }
            (Some(default), false) => format!("o.optional({xos:?})?.unwrap_or({default})"),
            (None, false) => format!("o.required({xos:?})?"),
        };
        format!("            {name}: {value},\n")
    }

    fn write(&self) -> String {
        let default = match (&self.default, self.optional) {
            (Some(default), false) => format!("Some({default})"),
            _ => "None".to_owned(),
        };
        format!("        o.store({:?}, &self.{}, {default})?;\n", self.xos, self.name)
    }
}

fn type_of(ty: ScalarType, is_date: bool) -> &'static str {
    match ty {
        ScalarType::String if is_date => "::xos_controller::model::Timestamp",
        ScalarType::String | ScalarType::Bytes => "String",
        ScalarType::Bool => "bool",
        ScalarType::Int32 => "i32",
        ScalarType::Uint32 => "u32",
        ScalarType::Float | ScalarType::Double => "f64",
    }
}

fn default_of(field: &Field) -> Option<String> {
    match field.default.as_ref()? {
        Literal::Bool(b) => Some(b.to_string()),
        Literal::Int(n) if matches!(field.ty, ScalarType::Float | ScalarType::Double) => Some(format!("{n}.0")),
        Literal::Int(n) => Some(n.to_string()),
        Literal::Float(x) => Some(format!("{x:?}")),
        Literal::Str(s) => Some(format!("String::from({s:?})")),
        _ => None,
    }
}

/// A field's name as a Rust identifier.
fn identifier(name: &str) -> String {
    const KEYWORDS: &str = " abstract as async await become box break const continue do dyn else enum extern false final fn for gen if \
        impl in let loop macro match mod move mut override priv pub ref return static struct trait true try type typeof unsafe unsized \
        use virtual where while yield ";
    // These cannot be raw identifiers, and `meta` is taken.
    match name {
        "self" | "Self" | "super" | "crate" | "meta" => format!("{name}_"),
        _ if KEYWORDS.contains(&format!(" {name} ")) => format!("r#{name}"),
        _ => name.to_owned(),
    }
}

fn doc(text: &str, indent: &str) -> String {
    text.lines().fold(String::new(), |mut code, line| {
        let _ = writeln!(code, "{indent}/// {}", line.trim().replace('[', "\\[").replace('<', "\\<"));
        code
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let table = [("name", "name"), ("type", "r#type"), ("self", "self_"), ("meta", "meta_"), ("ofId", "ofId")];
        for (xos, rust) in table {
            assert_eq!(identifier(xos), rust);
        }
    }
}
