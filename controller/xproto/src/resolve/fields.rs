//! Pass 3: the fields and links that a message declares itself.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use super::names::Declaration;
use super::options::first_of_each;
use super::{defaults, links};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{ChoiceError, Diagnostic, FieldError, ModelError, OptionError, nearest};
use crate::limits::{MAX_MEMBERS, MAX_NAMES};
use crate::model::{Choice, ContentType, Field, FieldState, Member, RawOption, ScalarType};
use crate::{rules, tree};

/// The fields and links of a message that could be read, each checked by itself and against those before it.
pub(crate) fn own(declaration: &Declaration, places: &HashMap<String, usize>, sink: &mut Sink) -> Vec<Member> {
    let message = &declaration.message;
    let model = &message.name.text;
    let mut members = Vec::with_capacity(message.members.len());
    for written in &message.members {
        if members.len() == MAX_MEMBERS {
            sink.push(Diagnostic::new(ModelError::TooManyMembers { model: model.clone() }, message.name.span));
            break;
        }
        members.extend(match written {
            tree::Member::Field(written) => field(written, model, sink),
            tree::Member::Link(written) => links::link(written, model, places, sink),
        });
    }
    rules::siblings::check(model, members, sink)
}

/// What fields and links have in common.
pub(super) struct Common {
    pub(super) options: Vec<RawOption>,
}

impl Common {
    pub(super) fn read(options: &[RawOption], sink: &mut Sink) -> Self {
        Self { options: first_of_each(options, sink) }
    }

    pub(super) fn option(&self, name: &str) -> Option<&RawOption> {
        self.options.iter().find(|option| option.name == name)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.option(name).and_then(RawOption::as_bool) == Some(true)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.option(name).map(|option| option.value.clone()).filter(|text| !text.is_empty())
    }

    /// A list of names with commas between them.
    pub(super) fn names(&self, name: &str) -> Vec<String> {
        let value = self.option(name).map_or("", |option| &option.value);
        value.split(',').map(str::trim).filter(|name| !name.is_empty()).take(MAX_NAMES).map(str::to_owned).collect()
    }

    pub(super) fn state(&self) -> FieldState {
        if self.flag("bookkeeping_state") {
            FieldState::Bookkeeping
        } else if self.flag("feedback_state") {
            FieldState::Feedback
        } else {
            FieldState::Declarative
        }
    }

    pub(super) fn help_text(&self, comment: Option<&String>) -> Option<String> {
        let text = self.option("help_text").or_else(|| self.option("description")).map(|option| &option.value);
        text.or(comment).filter(|text| !text.is_empty()).cloned()
    }
}

fn field(written: &tree::Field, model: &str, sink: &mut Sink) -> Option<Member> {
    rules::words::field_name(&written.name, sink);
    let ty = scalar_type(written, sink)?;
    let common = Common::read(&written.options, sink);
    let content_type = content_type(common.option("content_type"), sink);
    let default = common.option("default");
    let field = Field {
        name: written.name.text.clone(),
        ty,
        required: written.required,
        blank: !written.required,
        null: !written.required && ty != ScalarType::Bool,
        number: rules::fields::number(&written.name, &written.number, sink),
        declared_in: model.to_owned(),
        state: common.state(),
        default: default.and_then(|option| defaults::read(option, &written.name.text, ty, content_type, sink)),
        max_length: number(common.option("max_length"), "a whole number that is not negative", sink),
        min_value: number(common.option("min_value"), "a whole number", sink),
        max_value: number(common.option("max_value"), "a whole number", sink),
        content_type,
        choices: choices(common.option("choices"), &written.name.text, sink),
        text: common.flag("text"),
        auto_now_add: common.flag("auto_now_add"),
        unique: common.flag("unique"),
        unique_with: common.names("unique_with"),
        tosca_key: common.flag("tosca_key"),
        tosca_key_one_of: common.names("tosca_key_one_of"),
        db_index: common.flag("db_index"),
        gui_hidden: common.flag("gui_hidden"),
        immutable: common.flag("immutable"),
        help_text: common.help_text(written.doc.as_ref()),
        verbose_name: common.text("verbose_name"),
        policy: written.policy.as_ref().map(|policy| policy.text.clone()),
        options: common.options,
        span: written.name.span,
    };
    rules::fields::check(&field, written, sink);
    Some(Member::Field(Arc::new(field)))
}

fn choices(option: Option<&RawOption>, field: &str, sink: &mut Sink) -> Option<Vec<Choice>> {
    let option = option?;
    super::choices::read(&option.value)
        .inspect_err(|why| {
            let invalid = ChoiceError::InvalidChoices { field: field.to_owned(), why: why.clone() };
            sink.push(Diagnostic::new(invalid, option.value_span));
        })
        .ok()
}

fn scalar_type(written: &tree::Field, sink: &mut Sink) -> Option<ScalarType> {
    let keyword = &written.ty.text;
    let ty = ScalarType::from_keyword(keyword);
    if ty.is_none() {
        let suggestion = like_type(keyword);
        let unknown = FieldError::UnknownType { name: written.name.text.clone(), ty: keyword.clone(), suggestion };
        sink.push(Diagnostic::new(unknown, written.ty.span));
    }
    ty
}

/// The type that stands for one of protobuf's, or whose name is like the one given.
fn like_type(keyword: &str) -> Option<String> {
    match keyword {
        "int64" | "sint32" | "sint64" | "sfixed32" | "sfixed64" | "int" => Some("int32".to_owned()),
        "uint64" | "fixed32" | "fixed64" => Some("uint32".to_owned()),
        "str" | "text" => Some("string".to_owned()),
        _ => nearest(keyword, ScalarType::ALL.iter().map(|(keyword, _)| *keyword)),
    }
}

fn content_type(option: Option<&RawOption>, sink: &mut Sink) -> Option<ContentType> {
    let option = option?;
    let content_type = ContentType::from_name(&option.value);
    if content_type.is_none() {
        let suggestion = nearest(&option.value, ContentType::ALL.iter().map(|(name, _)| *name));
        invalid(option, "`stripped`, `date`, `url` or `ip`", suggestion, sink);
    }
    content_type
}

fn number<N: FromStr>(option: Option<&RawOption>, expected: &'static str, sink: &mut Sink) -> Option<N> {
    let option = option?;
    let number = option.value.parse().ok();
    if number.is_none() {
        invalid(option, expected, None, sink);
    }
    number
}

/// Reports an option whose value it cannot have.
pub(crate) fn invalid(option: &RawOption, expected: &'static str, suggestion: Option<String>, sink: &mut Sink) {
    let (name, value) = (option.name.clone(), option.value.clone());
    let invalid = OptionError::InvalidValue { name, value, expected, suggestion };
    sink.push(Diagnostic::new(invalid, option.value_span));
}
