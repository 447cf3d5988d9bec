//! Objects in the wire format of protobuf, by the fields of their message.

use bytes::Buf;
use prost::encoding::{self, DecodeContext, WireType};
use xos_xproto::ScalarType;

use crate::api::{Field, FieldKind, Message};

/// The value of a field. One without a value is left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number, or the id of an object.
    Int(i64),
    /// A number, or a time in seconds since 1970.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The ids of objects.
    Ids(Vec<i32>),
}

/// The numbers of the fields that a list has of its objects.
const ITEMS: u32 = 1;

/// Bytes that are no message of the expected kind.
#[derive(Debug, thiserror::Error)]
#[error("this is no {message}: {source}")]
pub struct WireError {
    message: String,
    source: prost::DecodeError,
}

/// Appends the value of a field; one of another type is left out.
pub fn put(field: &Field, value: &Value, out: &mut Vec<u8>) {
    let tag = field.number;
    match (value, scalar(field)) {
        (Value::Ids(ids), _) if field.is_repeated() => encoding::int32::encode_packed(tag, ids, out),
        (Value::Int(value), Some(ScalarType::Int32)) => {
            encoding::int32::encode(tag, &i32::try_from(*value).unwrap_or_default(), out);
        }
        (Value::Int(value), Some(ScalarType::Uint32)) => {
            encoding::uint32::encode(tag, &u32::try_from(*value).unwrap_or_default(), out);
        }
        #[expect(clippy::cast_possible_truncation, reason = "the field has no more digits")]
        (Value::Float(value), Some(ScalarType::Float)) => encoding::float::encode(tag, &(*value as f32), out),
        (Value::Float(value), Some(ScalarType::Double)) => encoding::double::encode(tag, value, out),
        (Value::Bool(value), Some(ScalarType::Bool)) => encoding::bool::encode(tag, value, out),
        (Value::Text(value), Some(ScalarType::String)) => encoding::string::encode(tag, value, out),
        (Value::Bytes(value), Some(ScalarType::Bytes)) => encoding::bytes::encode(tag, value, out),
        _ => {}
    }
}

/// Returns the type of a field on the wire; none of lists.
fn scalar(field: &Field) -> Option<ScalarType> {
    match field.kind {
        FieldKind::Scalar(ty) => Some(ty),
        FieldKind::Date => Some(ScalarType::Double),
        FieldKind::ToOne { .. } => Some(ScalarType::Int32),
        FieldKind::Derived => Some(ScalarType::String),
        FieldKind::ToMany { .. } | FieldKind::Reverse { .. } => None,
    }
}

/// Returns the fields that are set in a message. Those that it does not have are passed over.
///
/// # Errors
/// When the bytes are no such message.
pub fn read<'m>(message: &'m Message, bytes: &[u8]) -> Result<Vec<(&'m Field, Value)>, WireError> {
    read_all(message, bytes).map_err(|source| WireError { message: message.name.clone(), source })
}

fn read_all<'m>(message: &'m Message, mut bytes: &[u8]) -> Result<Vec<(&'m Field, Value)>, prost::DecodeError> {
    let mut values: Vec<(&Field, Value)> = vec![];
    while bytes.has_remaining() {
        let (tag, wire) = encoding::decode_key(&mut bytes)?;
        // The fields are in the order of their numbers, but for reverse links.
        let Some(field) = message.fields.iter().find(|field| field.number == tag) else {
            encoding::skip_field(wire, tag, &mut bytes, DecodeContext::default())?;
            continue;
        };
        match values.iter_mut().find(|(there, _)| there.number == tag) {
            Some((_, Value::Ids(ids))) => more(ids, wire, &mut bytes)?,
            // The last one counts.
            Some((_, there)) => *there = value(field, wire, &mut bytes)?,
            None => values.push((field, value(field, wire, &mut bytes)?)),
        }
    }
    Ok(values)
}

fn more(ids: &mut Vec<i32>, wire: WireType, bytes: &mut &[u8]) -> Result<(), prost::DecodeError> {
    encoding::int32::merge_repeated(wire, ids, bytes, DecodeContext::default())
}

fn value(field: &Field, wire: WireType, bytes: &mut &[u8]) -> Result<Value, prost::DecodeError> {
    macro_rules! merged {
        ($module:ident, $type:ty) => {{
            let mut value = <$type>::default();
            encoding::$module::merge(wire, &mut value, bytes, DecodeContext::default())?;
            value
        }};
    }
    Ok(match scalar(field) {
        None => {
            let mut ids = vec![];
            more(&mut ids, wire, bytes)?;
            Value::Ids(ids)
        }
        Some(ScalarType::Int32) => Value::Int(merged!(int32, i32).into()),
        Some(ScalarType::Uint32) => Value::Int(merged!(uint32, u32).into()),
        Some(ScalarType::Float) => Value::Float(merged!(float, f32).into()),
        Some(ScalarType::Double) => Value::Float(merged!(double, f64)),
        Some(ScalarType::Bool) => Value::Bool(merged!(bool, bool)),
        Some(ScalarType::String) => Value::Text(merged!(string, String)),
        Some(ScalarType::Bytes) => Value::Bytes(merged!(bytes, Vec<u8>)),
    })
}

/// Appends an object to a list.
pub fn put_item(item: &[u8], out: &mut Vec<u8>) {
    encoding::encode_key(ITEMS, WireType::LengthDelimited, out);
    encoding::encode_varint(item.len() as u64, out);
    out.extend_from_slice(item);
}

/// Returns the objects of a list.
///
/// # Errors
/// When the bytes are no list.
pub fn items(plural: &str, mut bytes: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
    let mut next = || -> Result<Option<Vec<u8>>, prost::DecodeError> {
        while bytes.has_remaining() {
            let (tag, wire) = encoding::decode_key(&mut bytes)?;
            if tag == ITEMS {
                let mut item = vec![];
                encoding::bytes::merge(wire, &mut item, &mut bytes, DecodeContext::default())?;
                return Ok(Some(item));
            }
            encoding::skip_field(wire, tag, &mut bytes, DecodeContext::default())?;
        }
        Ok(None)
    };
    let all = std::iter::from_fn(|| next().transpose()).collect::<Result<Vec<_>, _>>();
    all.map_err(|source| WireError { message: plural.to_owned(), source })
}
