//! A field or link as a member of its struct.

use std::collections::BTreeSet;

use xos_xproto::{ContentType, Field, FieldState, Link, Literal, Model, ScalarType};

use crate::choices;
use crate::names::{Names, free};
use crate::text::{doc, plain};

/// How a field or link appears in its struct.
pub(crate) struct Member<'m> {
    /// The name in xproto.
    pub(crate) xos: &'m str,
    /// The model that declares it.
    pub(crate) declared_in: &'m str,
    /// The Rust identifier.
    pub(crate) name: String,
    /// The type without `Option`.
    pub(crate) ty: Type,
    /// Whether it is an `Option`.
    pub(crate) optional: bool,
    /// The default as a Rust expression.
    pub(crate) default: Option<String>,
    /// Whether it is marked secret.
    pub(crate) is_secret: bool,
    /// Whether authors may change it.
    pub(crate) is_settable: bool,
    /// Whether the API server fills in the default.
    is_filled: bool,
    /// The help text.
    help: &'m str,
    state: FieldState,
}

/// A Rust type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Text,
    Date,
    Float,
    /// `bool`, `i32`, `u32`.
    Plain(&'static str),
    /// The enum of that name.
    Choice(String),
    /// The struct of the peer.
    Link(String),
    Links(String),
}

const LINK: &str = "::xos_controller::model::Link";
const FIELD: &str = "::xos_controller::model::Field";

impl Type {
    /// Returns the type of a value.
    pub(crate) fn owned(&self) -> String {
        match self {
            Self::Text => "::std::string::String".to_owned(),
            Self::Date => "::xos_controller::model::Timestamp".to_owned(),
            Self::Float => "::std::primitive::f64".to_owned(),
            Self::Plain(name) => format!("::std::primitive::{name}"),
            Self::Choice(name) => name.clone(),
            Self::Link(peer) => format!("{LINK}<{peer}>"),
            Self::Links(peer) => format!("::std::vec::Vec<{LINK}<{peer}>>"),
        }
    }

    /// Returns the type that a getter returns, and the code that converts the struct's member to it: without and with
    /// `Option`.
    pub(crate) fn borrowed(&self) -> (String, &'static str, &'static str) {
        match self {
            Self::Text => ("&::std::primitive::str".to_owned(), ".as_str()", ".as_deref()"),
            Self::Link(_) => (format!("&{}", self.owned()), "", ".as_ref()"),
            Self::Links(peer) => (format!("&[{LINK}<{peer}>]"), "", ".as_deref()"),
            Self::Date | Self::Float | Self::Plain(_) | Self::Choice(_) => (self.owned(), "", ""),
        }
    }

    /// Returns whether a getter borrows the member itself.
    pub(crate) fn is_borrowed_whole(&self) -> bool {
        matches!(self, Self::Link(_) | Self::Links(_))
    }
}

/// Returns the members of a model's struct, in the order of the model.
pub(crate) fn all<'m>(model: &'m Model, names: &Names<'_>) -> Vec<Member<'m>> {
    let mut taken: BTreeSet<_> = ["meta".to_owned()].into();
    let fields = model.fields.iter().map(|field| Member::of(field, names));
    let links = model.links.iter().map(|link| Member::of_link(link, names));
    let mut members: Vec<_> = fields.chain(links).collect();
    for member in &mut members {
        member.name = free(&plain(member.xos), "_", &mut taken);
    }
    members
}

impl<'m> Member<'m> {
    fn of(field: &'m Field, names: &Names<'_>) -> Self {
        let ty = type_of(field, names);
        let default = default_of(field, &ty);
        // A required field without a default is given by whoever makes the object. A moment, the result of a callable,
        // and what is not the operator's are filled in later.
        let is_given = matches!(field.default, None | Some(Literal::Null)) && field.state == FieldState::Declarative;
        Self {
            xos: &field.name,
            help: field.help_text.as_deref().unwrap_or_default(),
            declared_in: &field.declared_in,
            name: String::new(),
            ty,
            optional: !field.required || default.is_none() && !is_given,
            is_filled: field.state == FieldState::Declarative && !field.is_common(),
            default,
            is_secret: field.secret,
            is_settable: field.is_settable(),
            state: field.state,
        }
    }

    /// Makes the member of a link: a reference, or a list of references.
    fn of_link(link: &'m Link, names: &Names<'_>) -> Self {
        let peer = names.of_struct(&link.peer).map_or("::xos_controller::model::Object", |name| name).to_owned();
        let is_many = link.is_to_many();
        let late = link.default.is_some() || link.state != FieldState::Declarative || names.is_filled_in(link);
        Self {
            xos: &link.name,
            help: link.help_text.as_deref().unwrap_or_default(),
            declared_in: &link.declared_in,
            name: String::new(),
            ty: if is_many { Type::Links(peer) } else { Type::Link(peer) },
            optional: !is_many && (!link.required || late),
            is_filled: true,
            default: is_many.then(|| "::std::vec::Vec::new()".to_owned()),
            is_secret: false,
            is_settable: link.is_settable(),
            state: link.state,
        }
    }

    /// Returns the type of the struct's member.
    pub(crate) fn full_type(&self) -> String {
        if self.optional { format!("::std::option::Option<{}>", self.ty.owned()) } else { self.ty.owned() }
    }

    /// Returns the text of its documentation.
    pub(crate) fn text(&self) -> String {
        let state = match self.state {
            FieldState::Declarative => "",
            FieldState::Feedback => ", feedback",
            FieldState::Bookkeeping => ", bookkeeping",
        };
        format!("{} (`{}` of {}{state})", self.help, self.xos, self.declared_in).trim().to_owned()
    }

    pub(crate) fn declaration(&self) -> String {
        format!("{}    pub {}: {},\n", doc(&self.text(), "    "), self.name, self.full_type())
    }

    /// Returns whether a new object must have it.
    pub(crate) fn is_required(&self) -> bool {
        !self.optional && self.default.is_none()
    }

    fn may_be_elsewhere(&self) -> bool {
        self.is_secret && self.state == FieldState::Declarative
    }

    /// Returns the code of its value in a new object.
    pub(crate) fn initial(&self) -> String {
        match (&self.default, self.optional) {
            (Some(default), false) => default.clone(),
            (Some(default), true) if self.is_filled => format!("::std::option::Option::Some({default})"),
            (_, true) => "::std::option::Option::None".to_owned(),
            (None, false) => format!("required.{}", self.name),
        }
    }

    /// Returns the code of its constant.
    pub(crate) fn constant(&self, model: &str, name: &str) -> String {
        let value = match &self.ty {
            Type::Links(peer) => format!("{LINK}<{peer}>"),
            ty => ty.owned(),
        };
        format!(
            "    /// `{}`, for queries.
    pub const {name}: {FIELD}<{model}, {value}> = {FIELD}::new({:?});
",
            self.xos, self.xos
        )
    }

    pub(crate) fn read(&self) -> String {
        let name = &self.name;
        let xos = self.xos;
        let value = match (&self.default, self.optional) {
            (_, true) => format!("o.optional({xos:?})?"),
            (Some(default), false) => format!("o.optional({xos:?})?.unwrap_or_else(|| {default})"),
            // It may come from a Secret, which only the object's own step sees.
            (None, false) if self.may_be_elsewhere() => format!("o.optional({xos:?})?.unwrap_or_default()"),
            (None, false) => format!("o.required({xos:?})?"),
        };
        format!("            {name}: {value},\n")
    }

    pub(crate) fn write(&self) -> String {
        let name = &self.name;
        let xos = self.xos;
        let empty = self.may_be_elsewhere().then(|| "::std::string::String::new()".to_owned());
        let default = self.default.clone().or(empty).filter(|_| !self.optional);
        let none = "::std::option::Option::None";
        match self.ty {
            Type::Float => {
                let default =
                    default.map_or_else(|| none.to_owned(), |value| format!("::std::option::Option::Some({value})"));
                format!("        o.store_number({xos:?}, self.{name}, {default})?;\n")
            }
            _ => {
                let default =
                    default.map_or_else(|| none.to_owned(), |value| format!("::std::option::Option::Some(&{value})"));
                format!("        o.store({xos:?}, &self.{name}, {default})?;\n")
            }
        }
    }
}

fn type_of(field: &Field, names: &Names<'_>) -> Type {
    if let Some(name) = names.of_choices(field) {
        return Type::Choice(name.to_owned());
    }
    match field.ty {
        ScalarType::String if field.content_type == Some(ContentType::Date) => Type::Date,
        ScalarType::String | ScalarType::Bytes => Type::Text,
        ScalarType::Bool => Type::Plain("bool"),
        ScalarType::Int32 => Type::Plain("i32"),
        ScalarType::Uint32 => Type::Plain("u32"),
        ScalarType::Float | ScalarType::Double => Type::Float,
    }
}

fn default_of(field: &Field, ty: &Type) -> Option<String> {
    let default = field.default.as_ref()?;
    match (ty, default) {
        (Type::Date, _) => None,
        (Type::Choice(name), _) => choices::default_variant(field).map(|variant| format!("{name}::{variant}")),
        (_, Literal::Bool(b)) => Some(b.to_string()),
        (Type::Float, Literal::Int(n)) => Some(format!("{n}.0")),
        (_, Literal::Int(n)) => Some(n.to_string()),
        (_, Literal::Float(x)) => Some(format!("{x:?}")),
        (_, Literal::Str(s)) => Some(format!("::std::string::String::from({s:?})")),
        _ => None,
    }
}
