//! Reads an API from what a core tells of it.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use xos_xproto::ScalarType;

use super::fields::{CLASS_NAMES, SELF_CONTENT_TYPE_ID};
use super::{Api, Field, FieldKind, FieldOptions, Message};
use crate::schema::SchemaError;

/// The service of the models.
const SERVICE: &str = "xos.xos";

impl Api {
    /// Reads the API of a core: the messages of its models are those that it has `Get…` methods for.
    ///
    /// # Errors
    /// When it has no service of models.
    pub fn of_descriptors(pool: &DescriptorPool) -> Result<Self, SchemaError> {
        let service = pool.get_service_by_name(SERVICE).ok_or(SchemaError::Missing(SERVICE))?;
        let output = |name: &str| service.methods().find(|method| method.name() == name).map(|method| method.output());
        let options = Options { pool };
        let mut messages = vec![];
        for method in service.methods() {
            let Some(name) = method.name().strip_prefix("Get") else { continue };
            let list = output(&format!("List{name}"));
            messages.push(options.message(name, &method.output(), list.as_ref().map_or("", |list| list.name())));
        }
        Ok(Self { messages })
    }
}

struct Options<'a> {
    pool: &'a DescriptorPool,
}

impl Options<'_> {
    /// Returns the value of one of XOS's options.
    fn of(&self, options: &DynamicMessage, name: &str) -> Option<Value> {
        let extension = self.pool.get_extension_by_name(&format!("xos.{name}"))?;
        options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())
    }

    /// Returns a text in one of XOS's options.
    fn text(&self, options: &DynamicMessage, name: &str, member: &str) -> Option<String> {
        let value = self.of(options, name)?;
        let text = value.as_message()?.get_field_by_name(member)?.as_str()?.to_owned();
        (!text.is_empty()).then_some(text)
    }

    fn is_set(&self, options: &DynamicMessage, name: &str) -> bool {
        self.of(options, name).and_then(|value| value.as_bool()) == Some(true)
    }

    fn message(&self, name: &str, message: &MessageDescriptor, plural: &str) -> Message {
        let content_type = self.of(&message.options(), "contentTypeId");
        let content_type = content_type.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut fields: Vec<_> = message.fields().map(|field| self.field(&field)).collect();
        fields.sort_by_key(|field| field.number);
        let service = content_type.split('.').next().unwrap_or_default().to_owned();
        Message { name: name.to_owned(), plural: plural.to_owned(), service, content_type, fields }
    }

    fn field(&self, field: &FieldDescriptor) -> Field {
        let options = field.options();
        let rule = |member: &str| {
            self.of(&options, "val")?.as_message()?.get_field_by_name(member).map(std::borrow::Cow::into_owned)
        };
        let options_of = FieldOptions {
            max_length: rule("maxLength").and_then(|length| length.as_u32()).filter(|&length| length > 0),
            feedback_state: self.is_set(&options, "feedbackState"),
            gui_hidden: self.is_set(&options, "guiHidden"),
            bookkeeping_state: self.is_set(&options, "bookkeepingState"),
            non_null: rule("nonNull").and_then(|it| it.as_bool()) == Some(true),
        };
        let kind = self.kind(field, &options);
        Field { number: field.number(), name: field.name().to_owned(), kind, options: options_of }
    }

    fn kind(&self, field: &FieldDescriptor, options: &DynamicMessage) -> FieldKind {
        let peer = |name: &str| self.text(options, name, "modelName").unwrap_or_default();
        if field.is_list() {
            let to_many = peer("manyToManyForeignKey");
            return match to_many.is_empty() {
                true => FieldKind::Reverse { peer: peer("reverseForeignKey") },
                false => FieldKind::ToMany { peer: to_many },
            };
        }
        let to_one = peer("foreignKey");
        if !to_one.is_empty() {
            let reverse = self.text(options, "foreignKey", "reverseFieldName");
            return FieldKind::ToOne { peer: to_one, reverse };
        }
        match field.kind() {
            _ if [CLASS_NAMES, SELF_CONTENT_TYPE_ID].contains(&field.number()) => FieldKind::Derived,
            Kind::Uint32 => FieldKind::Scalar(ScalarType::Uint32),
            Kind::Bool => FieldKind::Scalar(ScalarType::Bool),
            Kind::Float => FieldKind::Scalar(ScalarType::Float),
            Kind::Double => FieldKind::Scalar(ScalarType::Double),
            Kind::Bytes => FieldKind::Scalar(ScalarType::Bytes),
            Kind::String => FieldKind::Scalar(ScalarType::String),
            _ => FieldKind::Scalar(ScalarType::Int32),
        }
    }
}
