//! Properties: values that are computed from an object.

use super::camel_case;

/// A value that is computed from an object (XOS's convenience methods), with its type.
///
/// The text of a model does not have it: it is declared beside the models, and joins them when it has been checked (see
/// [`ModelSet::with_properties`](super::ModelSet::with_properties)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The name, as expressions have it: `full_name`.
    pub name: String,
    /// The type of its values.
    pub ty: ValueType,
    /// The model that declares it: this one, or the nearest base that does.
    pub declared_in: String,
    /// Whether other objects have a part in it.
    pub follows_links: bool,
}

impl Property {
    /// Returns the name in lowerCamelCase, as custom resources have it.
    #[must_use]
    pub fn camel_name(&self) -> String {
        camel_case(&self.name)
    }
}

/// The type of a computed value. Each may be absent, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Any JSON.
    Any,
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// A text.
    Text,
    /// A moment.
    Timestamp,
    /// A duration.
    Duration,
    /// A link to an object of this model, or of one that inherits from it.
    Object(String),
    /// A list.
    List(Box<Self>),
    /// A map with texts as keys.
    Map(Box<Self>),
}
