//! The options of a field, for clients that read them.

use xos_xproto::model::{Link, RawOption};
use xos_xproto::{Field as ModelField, ScalarType, ValueForm};

use super::fields::{Field, FieldKind};

/// The options of a field, except those that follow from its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldOptions {
    /// The greatest length of a text; also on dates, which are texts in the models.
    pub max_length: Option<u32>,
    /// Only a synchronizer changes the field.
    pub feedback_state: bool,
    /// User interfaces do not show the field.
    pub gui_hidden: bool,
    /// The field is the framework's own.
    pub bookkeeping_state: bool,
    /// The model says `null = False`, without quotes: XOS compares exactly these letters.
    pub non_null: bool,
}

impl FieldOptions {
    pub(super) fn of_field(field: &ModelField) -> Self {
        let max_length = field.max_length.filter(|_| field.ty == ScalarType::String);
        Self { max_length, ..Self::of_options(&field.options) }
    }

    pub(super) fn of_link(link: &Link) -> Self {
        Self::of_options(&link.options)
    }

    fn of_options(options: &[RawOption]) -> Self {
        let option = |name: &str| options.iter().find(|option| option.name == name);
        // XOS takes any value for true; here `False` is false.
        let is_set = |name: &str| option(name).is_some_and(|option| option.as_bool() != Some(false));
        let is_false = |option: &RawOption| option.form == ValueForm::Word && option.value == "False";
        Self {
            max_length: None,
            feedback_state: is_set("feedback_state"),
            gui_hidden: is_set("gui_hidden"),
            bookkeeping_state: is_set("bookkeeping_state"),
            non_null: option("null").is_some_and(is_false),
        }
    }
}

impl Field {
    /// Returns the options as they are written in a .proto file, in XOS's order.
    #[must_use]
    pub fn option_texts(&self) -> Vec<String> {
        let options = &self.options;
        let mut texts = Vec::new();
        texts.extend(options.max_length.map(|length| format!("(val).maxLength = {length}")));
        let flags = [
            (options.feedback_state, "(feedbackState)"),
            (options.gui_hidden, "(guiHidden)"),
            (options.bookkeeping_state, "(bookkeepingState)"),
            (options.non_null, "(val).nonNull"),
        ];
        texts.extend(flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| format!("{name} = true")));
        match &self.kind {
            FieldKind::ToOne { peer, reverse } => {
                texts.push(format!("(foreignKey).modelName = \"{peer}\""));
                texts.extend(reverse.iter().map(|name| format!("(foreignKey).reverseFieldName = \"{name}\"")));
            }
            FieldKind::ToMany { peer } => texts.push(format!("(manyToManyForeignKey).modelName = \"{peer}\"")),
            FieldKind::Reverse { peer } => texts.push(format!("(reverseForeignKey).modelName = \"{peer}\"")),
            FieldKind::Scalar(_) | FieldKind::Date | FieldKind::Derived => {}
        }
        texts
    }
}
