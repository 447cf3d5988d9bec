//! The fields and links that a message declares itself, a part of pass 3.

use std::str::FromStr;
use std::sync::Arc;

use super::names::{Declaration, Places};
use super::options::first_of_each;
use super::{core, defaults, links};
use crate::diagnostics::sink::Sink;
use crate::diagnostics::{ChoiceError, Diagnostic, FieldError, ModelError, OptionError};
use crate::limits::{MAX_MEMBERS, MAX_NAMES};
use crate::model::{Choice, ContentType, Field, FieldState, Member, Name, RawOption, ScalarType};
use crate::nearest::nearest;
use crate::pattern::Pattern;
use crate::plural::plural;
use crate::{rules, tree};

/// Returns the fields and links of a message that could be read, each checked by itself and against those before it.
///
/// They are taken out of the message, so that none of what was written is kept twice.
pub(crate) fn own(declaration: &mut Declaration<'_>, places: &Places<'_>, sink: &mut Sink) -> Vec<Member> {
    let written = std::mem::take(&mut declaration.message.members);
    let name = declaration.message.name;
    let model = Name::from(name.text);
    let mut members = Vec::with_capacity(written.len().min(MAX_MEMBERS));
    for written in written {
        if members.len() == MAX_MEMBERS {
            sink.push(Diagnostic::new(ModelError::TooManyMembers { model: model.to_string() }, name.span));
            break;
        }
        members.extend(match written {
            tree::Member::Field(written) => field(written, &model, places, sink),
            tree::Member::Link(written) => Some(links::link(*written, &model, places, sink)),
        });
    }
    rules::siblings::check(&model, members, sink)
}

/// The common part of fields and links.
pub(super) struct Common {
    pub(super) options: Vec<RawOption>,
}

impl Common {
    pub(super) fn read(options: Vec<RawOption>, sink: &mut Sink) -> Self {
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

    /// Returns a list of names with commas between them; one that is too long is reported and cut.
    pub(super) fn names(&self, option: &'static str, field: &str, sink: &mut Sink) -> Vec<String> {
        let Some(written) = self.option(option) else {
            return Vec::new();
        };
        let mut rest = written.value.split(',').map(str::trim).filter(|name| !name.is_empty());
        let names = rest.by_ref().take(MAX_NAMES).map(str::to_owned).collect();
        let left_out = rest.count();
        if left_out > 0 {
            let too_many = OptionError::TooManyNames { option, field: field.to_owned(), left_out };
            sink.push(Diagnostic::new(too_many, written.span));
        }
        names
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

    pub(super) fn help_text(&self, comment: Option<String>) -> Option<String> {
        let option = self.option("help_text").or_else(|| self.option("description"));
        option.map(|option| option.value.clone()).or(comment).filter(|text| !text.is_empty())
    }
}

fn field(written: tree::Field<'_>, model: &Name, places: &Places<'_>, sink: &mut Sink) -> Option<Member> {
    let tree::Field { doc, required, ty, name, policy, number: written_number, options } = written;
    rules::words::field_name(&name, sink);
    let modifier = if required { "required" } else { "optional" };
    let Some(ty) = ScalarType::from_keyword(ty.text) else {
        let is_model = places.contains_key(ty.text) || core::names().any(|known| known == ty.text);
        let (name, keyword) = (name.text.to_owned(), ty.text.to_owned());
        if is_model {
            let port = plural(model).to_lowercase();
            let instead = format!("{modifier} manytoone {name}->{}:{port} = {}", ty.text, written_number.text);
            sink.push(Diagnostic::new(FieldError::ModelAsType { name, ty: keyword, instead }, ty.span));
            return None;
        }
        let unknown = |suggestion| {
            let unknown = FieldError::UnknownType { name: name.clone(), ty: keyword.clone(), suggestion };
            Diagnostic::new(unknown, ty.span)
        };
        sink.push_with(|| unknown(like_type(ty.text)), || unknown(None));
        return None;
    };
    let common = Common::read(options, sink);
    let content_type = content_type(common.option("content_type"), sink);
    let default = common.option("default");
    let field = Field {
        name: name.text.to_owned(),
        ty,
        required,
        blank: !required,
        null: !required && ty != ScalarType::Bool,
        number: rules::fields::number(&name, &written_number, sink),
        declared_in: model.clone(),
        state: common.state(),
        default: default.and_then(|option| defaults::read(option, name.text, ty, content_type, sink)),
        max_length: number(common.option("max_length"), "a whole number that is not negative", sink),
        min_length: number(common.option("min_length"), "a whole number that is not negative", sink),
        pattern: pattern(common.option("pattern"), sink),
        min_value: number(common.option("min_value"), "a whole number", sink),
        max_value: number(common.option("max_value"), "a whole number", sink),
        content_type,
        choices: choices(common.option("choices"), name.text, sink),
        text: common.flag("text"),
        auto_now_add: common.flag("auto_now_add"),
        unique: common.flag("unique"),
        unique_with: common.names("unique_with", name.text, sink),
        tosca_key: common.flag("tosca_key"),
        tosca_key_one_of: common.names("tosca_key_one_of", name.text, sink),
        db_index: common.flag("db_index"),
        gui_hidden: common.flag("gui_hidden"),
        immutable: common.flag("immutable"),
        secret: common.flag("secret"),
        help_text: common.help_text(doc),
        verbose_name: common.text("verbose_name"),
        policy: policy.map(|policy| policy.text.to_owned()),
        options: common.options,
        span: name.span,
    };
    rules::fields::check(&field, policy.as_ref(), sink);
    Some(Member::Field(Arc::new(field)))
}

fn choices(option: Option<&RawOption>, field: &str, sink: &mut Sink) -> Option<Vec<Choice>> {
    let option = option?;
    super::choices::read(&option.value)
        .inspect_err(|why| {
            // `(('a', 'A'))` is rather a single pair without its comma.
            let is_pair = option.value.trim_start().starts_with("((");
            let instead = super::choices::of_plain_list(&option.value).filter(|_| !is_pair);
            let invalid = ChoiceError::InvalidChoices { field: field.to_owned(), why: why.clone(), instead };
            sink.push(Diagnostic::new(invalid, option.value_span));
        })
        .ok()
}

/// Returns the type to use for one of protobuf's, or the one with the nearest name.
fn like_type(keyword: &str) -> Option<String> {
    match keyword {
        "int64" | "sint32" | "sint64" | "sfixed32" | "sfixed64" | "int" => Some("int32".to_owned()),
        "uint64" | "fixed32" | "fixed64" => Some("uint32".to_owned()),
        "str" | "text" => Some("string".to_owned()),
        _ => nearest(keyword, ScalarType::ALL.iter().map(|(keyword, _)| *keyword)),
    }
}

/// Reads option `pattern`; one that the API server could not compile is reported.
fn pattern(option: Option<&RawOption>, sink: &mut Sink) -> Option<String> {
    let option = option.filter(|option| !option.value.is_empty())?;
    match Pattern::new(&option.value) {
        Ok(_) => Some(option.value.clone()),
        Err(error) => {
            sink.push(Diagnostic::new(OptionError::InvalidPattern { why: error.to_string() }, option.value_span));
            None
        }
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

/// Reports an option with a value that it cannot have.
pub(crate) fn invalid(option: &RawOption, expected: &'static str, suggestion: Option<String>, sink: &mut Sink) {
    let name = option.name.to_string();
    let value = option.value.clone();
    let invalid = OptionError::InvalidValue { name, value, expected, suggestion };
    sink.push(Diagnostic::new(invalid, option.value_span));
}
