//! What can be wrong with properties.

use std::ops::Range;

use crate::fault::Fault;

/// Something that is wrong with a declaration of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyFault {
    /// Which of the declarations it is: its number.
    pub of: usize,
    /// What is wrong.
    pub problem: PropertyProblem,
    /// Where it is in the expression: bytes of its text; none if it is the name, or the model.
    pub at: Option<Range<usize>>,
}

/// What is wrong with a declaration of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyProblem {
    /// There is no such model; one that was probably meant.
    UnknownModel(Option<String>),
    /// The name is none.
    BadName,
    /// Something else of a model has the name: what, and of which model.
    NameTaken(String),
    /// The expression is wrong.
    Expression(Fault),
    /// Values of the expression's type cannot be kept: the type.
    Unsuitable(String),
    /// It takes the place of a base's property, whose values have another type.
    OtherType {
        /// The type of its values.
        of: String,
        /// The base.
        base: String,
        /// The type of the base's.
        wanted: String,
    },
    /// It needs itself: the names on the way, it at both ends.
    Circle(Vec<String>),
}
