//! The functions of CEL and of its extensions, with the types of their arguments.

use crate::types::Type;

/// What an argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Any,
    Bool,
    Int,
    Double,
    Number,
    Text,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Optional,
}

/// A function with one way to call it.
pub(crate) struct Overload {
    pub(crate) name: &'static str,
    /// What it is called on, as in `text.size()`.
    pub(crate) on: Option<Takes>,
    pub(crate) takes: &'static [Takes],
    /// Returns the type of what it gives, by the types of its arguments; what it is called on is the first of them.
    pub(crate) gives: fn(&[Type]) -> Type,
}

impl Takes {
    pub(crate) fn takes(self, of: &Type) -> bool {
        if matches!(of, Type::Any | Type::Null | Type::Nothing) {
            return true;
        }
        match self {
            Self::Any => true,
            Self::Bool => *of == Type::Bool,
            Self::Int => *of == Type::Int,
            Self::Double => *of == Type::Double,
            Self::Number => of.is_number(),
            Self::Text => *of == Type::Text,
            Self::Bytes => *of == Type::Bytes,
            Self::Timestamp => *of == Type::Timestamp,
            Self::Duration => *of == Type::Duration,
            Self::List => matches!(of, Type::List(_)),
            Self::Map => matches!(of, Type::Map(_)),
            Self::Optional => matches!(of, Type::Optional(_)),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Double => "a double",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::Bytes => "bytes",
            Self::Timestamp => "a timestamp",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Optional => "an optional",
        }
    }
}

const fn global(name: &'static str, takes: &'static [Takes], gives: fn(&[Type]) -> Type) -> Overload {
    Overload { name, on: None, takes, gives }
}

const fn member(on: Takes, name: &'static str, takes: &'static [Takes], gives: fn(&[Type]) -> Type) -> Overload {
    Overload { name, on: Some(on), takes, gives }
}

fn any(_: &[Type]) -> Type {
    Type::Any
}

fn bool(_: &[Type]) -> Type {
    Type::Bool
}

fn int(_: &[Type]) -> Type {
    Type::Int
}

fn uint(_: &[Type]) -> Type {
    Type::Uint
}

fn double(_: &[Type]) -> Type {
    Type::Double
}

fn text(_: &[Type]) -> Type {
    Type::Text
}

fn texts(_: &[Type]) -> Type {
    Type::list(Type::Text)
}

fn ints(_: &[Type]) -> Type {
    Type::list(Type::Int)
}

fn bytes(_: &[Type]) -> Type {
    Type::Bytes
}

fn timestamp(_: &[Type]) -> Type {
    Type::Timestamp
}

fn duration(_: &[Type]) -> Type {
    Type::Duration
}

fn kind(_: &[Type]) -> Type {
    Type::Type
}

fn anything(_: &[Type]) -> Type {
    Type::list(Type::Any)
}

/// The type of the first argument.
fn same(args: &[Type]) -> Type {
    args.first().cloned().unwrap_or(Type::Any)
}

/// The type of what is in the first argument.
fn inner(args: &[Type]) -> Type {
    match args.first() {
        Some(Type::List(inner) | Type::Map(inner) | Type::Optional(inner)) => inner.as_ref().clone(),
        _ => Type::Any,
    }
}

/// An optional of the first argument.
fn optional(args: &[Type]) -> Type {
    Type::Optional(args.first().cloned().unwrap_or(Type::Nothing).into())
}

/// The list of which the first argument has lists.
fn flat(args: &[Type]) -> Type {
    match inner(args) {
        Type::List(items) => Type::List(items),
        _ => Type::list(Type::Any),
    }
}

/// What is in an optional, or the other value.
fn inner_or_other(args: &[Type]) -> Type {
    match (inner(args), args.get(1)) {
        (Type::Nothing, Some(other)) => other.clone(),
        (inner, _) => inner,
    }
}

use Takes as T;

/// All functions but the operators.
pub(crate) const ALL: &[Overload] = &[
    global("size", &[T::Text], int),
    global("size", &[T::Bytes], int),
    global("size", &[T::List], int),
    global("size", &[T::Map], int),
    global("string", &[T::Text], text),
    global("string", &[T::Bool], text),
    global("string", &[T::Number], text),
    global("string", &[T::Bytes], text),
    global("string", &[T::Timestamp], text),
    global("string", &[T::Duration], text),
    global("int", &[T::Number], int),
    global("int", &[T::Text], int),
    global("int", &[T::Timestamp], int),
    global("uint", &[T::Number], uint),
    global("uint", &[T::Text], uint),
    global("double", &[T::Number], double),
    global("double", &[T::Text], double),
    global("bool", &[T::Bool], bool),
    global("bool", &[T::Text], bool),
    global("bytes", &[T::Bytes], bytes),
    global("bytes", &[T::Text], bytes),
    global("timestamp", &[T::Text], timestamp),
    global("timestamp", &[T::Int], timestamp),
    global("timestamp", &[T::Timestamp], timestamp),
    global("duration", &[T::Text], duration),
    global("duration", &[T::Duration], duration),
    global("dyn", &[T::Any], any),
    global("type", &[T::Any], kind),
    global("lists.range", &[T::Int], ints),
    global("strings.quote", &[T::Text], text),
    global("base64.encode", &[T::Bytes], text),
    global("base64.decode", &[T::Text], bytes),
    global("optional.of", &[T::Any], optional),
    global("optional.ofNonZeroValue", &[T::Any], optional),
    global("optional.none", &[], optional),
    global("math.ceil", &[T::Double], double),
    global("math.floor", &[T::Double], double),
    global("math.round", &[T::Double], double),
    global("math.trunc", &[T::Double], double),
    global("math.abs", &[T::Number], same),
    global("math.sign", &[T::Number], same),
    global("math.sqrt", &[T::Number], double),
    global("math.isNaN", &[T::Double], bool),
    global("math.isInf", &[T::Double], bool),
    global("math.isFinite", &[T::Double], bool),
    global("math.@max", &[T::Number], same),
    global("math.@max", &[T::Number, T::Number], same),
    global("math.@max", &[T::List], inner),
    global("math.@min", &[T::Number], same),
    global("math.@min", &[T::Number, T::Number], same),
    global("math.@min", &[T::List], inner),
    global("math.bitAnd", &[T::Int, T::Int], int),
    global("math.bitOr", &[T::Int, T::Int], int),
    global("math.bitXor", &[T::Int, T::Int], int),
    global("math.bitNot", &[T::Int], int),
    global("math.bitShiftLeft", &[T::Int, T::Int], int),
    global("math.bitShiftRight", &[T::Int, T::Int], int),
    global("url_encode", &[T::Text], text),
    global("to_json", &[T::Any], text),
    global("from_json", &[T::Text], any),
    member(T::Text, "size", &[], int),
    member(T::Bytes, "size", &[], int),
    member(T::List, "size", &[], int),
    member(T::Map, "size", &[], int),
    member(T::Text, "contains", &[T::Text], bool),
    member(T::Text, "startsWith", &[T::Text], bool),
    member(T::Text, "endsWith", &[T::Text], bool),
    member(T::Text, "matches", &[T::Text], bool),
    member(T::Text, "charAt", &[T::Int], text),
    member(T::Text, "indexOf", &[T::Text], int),
    member(T::Text, "indexOf", &[T::Text, T::Int], int),
    member(T::Text, "lastIndexOf", &[T::Text], int),
    member(T::Text, "lastIndexOf", &[T::Text, T::Int], int),
    member(T::Text, "lowerAscii", &[], text),
    member(T::Text, "upperAscii", &[], text),
    member(T::Text, "trim", &[], text),
    member(T::Text, "replace", &[T::Text, T::Text], text),
    member(T::Text, "replace", &[T::Text, T::Text, T::Int], text),
    member(T::Text, "split", &[T::Text], texts),
    member(T::Text, "split", &[T::Text, T::Int], texts),
    member(T::Text, "substring", &[T::Int], text),
    member(T::Text, "substring", &[T::Int, T::Int], text),
    member(T::Text, "format", &[T::List], text),
    member(T::Text, "reverse", &[], text),
    member(T::List, "join", &[], text),
    member(T::List, "join", &[T::Text], text),
    member(T::List, "slice", &[T::Int, T::Int], same),
    member(T::List, "flatten", &[], flat),
    member(T::List, "flatten", &[T::Int], anything),
    member(T::List, "distinct", &[], same),
    member(T::List, "reverse", &[], same),
    member(T::List, "sort", &[], same),
    member(T::List, "@sortByAssociatedKeys", &[T::List], same),
    member(T::Optional, "hasValue", &[], bool),
    member(T::Optional, "value", &[], inner),
    member(T::Optional, "or", &[T::Optional], same),
    member(T::Optional, "orValue", &[T::Any], inner_or_other),
    member(T::Timestamp, "getFullYear", &[], int),
    member(T::Timestamp, "getFullYear", &[T::Text], int),
    member(T::Timestamp, "getMonth", &[], int),
    member(T::Timestamp, "getMonth", &[T::Text], int),
    member(T::Timestamp, "getDate", &[], int),
    member(T::Timestamp, "getDate", &[T::Text], int),
    member(T::Timestamp, "getDayOfMonth", &[], int),
    member(T::Timestamp, "getDayOfMonth", &[T::Text], int),
    member(T::Timestamp, "getDayOfWeek", &[], int),
    member(T::Timestamp, "getDayOfWeek", &[T::Text], int),
    member(T::Timestamp, "getDayOfYear", &[], int),
    member(T::Timestamp, "getDayOfYear", &[T::Text], int),
    member(T::Timestamp, "getHours", &[], int),
    member(T::Timestamp, "getHours", &[T::Text], int),
    member(T::Timestamp, "getMinutes", &[], int),
    member(T::Timestamp, "getMinutes", &[T::Text], int),
    member(T::Timestamp, "getSeconds", &[], int),
    member(T::Timestamp, "getSeconds", &[T::Text], int),
    member(T::Timestamp, "getMilliseconds", &[], int),
    member(T::Timestamp, "getMilliseconds", &[T::Text], int),
    member(T::Duration, "getHours", &[], int),
    member(T::Duration, "getMinutes", &[], int),
    member(T::Duration, "getSeconds", &[], int),
    member(T::Duration, "getMilliseconds", &[], int),
];

/// Returns the ways to call a function of this name: on something, or not.
pub(crate) fn named(name: &str, is_member: bool) -> impl Iterator<Item = &'static Overload> {
    ALL.iter().filter(move |one| one.name == name && one.on.is_some() == is_member)
}

/// Returns the names of functions that people write.
pub(crate) fn names(is_member: bool) -> impl Iterator<Item = &'static str> {
    ALL.iter().filter(move |one| one.on.is_some() == is_member && !one.name.contains('@')).map(|one| one.name)
}
