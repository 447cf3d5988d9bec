//! Names of fields and links that the compiler checks: `Subscriber::IMSI`.

use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Serialize;

use crate::choice::Choice;
use crate::link::{IsA, Link};
use crate::object::Object;
use crate::reference::Reference;

/// The name of a field or link of model `M` with values of type `V`. Generated as a constant of the model:
/// `Subscriber::IMSI`.
///
/// A constant of a base is also one of its heirs. For a link, `V` is the [`Link`], also where there may be many.
pub struct Field<M, V> {
    name: &'static str,
    of: PhantomData<fn(M) -> V>,
}

impl<M, V> Field<M, V> {
    /// Returns the field of that name. For generated code: nothing checks that the model has it.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }

    /// Returns the name in xproto.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

// By hand: what is derived would ask the same of `M` and `V`.

impl<M, V> Clone for Field<M, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, V> Copy for Field<M, V> {}

impl<M, V> fmt::Debug for Field<M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Names of fields: a constant of a model, several as a tuple, or texts.
pub trait FieldNames: Copy {
    /// Returns the names, as in xproto.
    fn names(&self) -> Vec<&str>;
}

/// [`FieldNames`] of the model `T` or of its bases. [`Object`], which stands for any model, takes texts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name fields of `{T}`",
    note = "a field of a generated model is a constant: `{T}::FIELD`; several are a tuple; only `Object` takes texts"
)]
pub trait FieldsOf<T>: FieldNames {}

/// One field of the model `T` that can be compared with an `X`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a field of `{T}` that can be compared with `{X}`",
    note = "a field of a generated model is a constant: `{T}::FIELD`; only `Object` takes a text"
)]
pub trait FieldOf<T, X>: Copy {
    /// Returns the name, as in xproto.
    fn field_name(&self) -> &str;
}

/// The natural key of the model: its `tosca_key`s, or its `name`.
#[derive(Clone, Copy, Debug)]
pub struct NaturalKey;

impl FieldNames for NaturalKey {
    fn names(&self) -> Vec<&str> {
        vec![]
    }
}

impl<T> FieldsOf<T> for NaturalKey {}

impl<M, V> FieldNames for Field<M, V> {
    fn names(&self) -> Vec<&str> {
        vec![self.name]
    }
}

impl<T: IsA<M>, M, V> FieldsOf<T> for Field<M, V> {}

impl<T: IsA<M>, M, V, X: ValueOf<V>> FieldOf<T, X> for Field<M, V> {
    fn field_name(&self) -> &str {
        self.name
    }
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: FieldNames),+> FieldNames for ($($name,)+) {
            fn names(&self) -> Vec<&str> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                let names = [$($name.names()),+];
                names.concat()
            }
        }

        impl<T, $($name: FieldsOf<T>),+> FieldsOf<T> for ($($name,)+) {}
    )+};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

macro_rules! texts {
    ($([$($generic:tt)*] $ty:ty;)+) => {$(
        impl<$($generic)*> FieldNames for $ty {
            fn names(&self) -> Vec<&str> {
                self.iter().map(AsRef::as_ref).collect()
            }
        }

        impl<$($generic)*> FieldsOf<Object> for $ty {}
    )+};
}

texts! {
    [] &[&str];
    [] &[String];
    [const N: usize] [&str; N];
}

macro_rules! text {
    ($($ty:ty),+) => {$(
        impl<X: Serialize> FieldOf<Object, X> for $ty {
            fn field_name(&self) -> &str {
                self
            }
        }
    )+};
}

text! { &str, &String }

/// A value that a field with values of type `V` can be compared with; `()` and `None` are no value.
#[diagnostic::on_unimplemented(message = "a field of `{V}` cannot be compared with `{Self}`")]
pub trait ValueOf<V>: Serialize {}

macro_rules! values {
    ($($value:ty: $($ty:ty),+;)+) => {$(
        impl ValueOf<$value> for () {}
        $(
            impl ValueOf<$value> for $ty {}
            impl ValueOf<$value> for Option<$ty> {}
        )+
    )+};
}

values! {
    bool: bool;
    i32: i32;
    i64: i64, i32;
    u32: u32;
    f64: f64;
    Timestamp: Timestamp;
    String: String, &String, &str;
}

impl<C: Choice + Serialize> ValueOf<C> for C {}
impl<C: Choice + Serialize> ValueOf<C> for Option<C> {}
impl<C: Choice> ValueOf<C> for () {}

// A link is compared with a link, or with the name of its peer.

impl<P> ValueOf<Link<P>> for () {}

macro_rules! links {
    ($($ty:ty),+) => {$(
        impl<P> ValueOf<Link<P>> for $ty {}
        impl<P> ValueOf<Link<P>> for Option<$ty> {}
    )+};
}

links! { Link<P>, &Link<P>, Reference, &Reference, String, &String, &str }

#[cfg(test)]
mod tests {
    use super::*;

    const A: Field<Object, String> = Field::new("a");
    const B: Field<Object, i32> = Field::new("b");

    #[test]
    fn names_in_the_order_given() {
        assert_eq!((A, B).names(), ["a", "b"]);
        assert_eq!((B, (A,)).names(), ["b", "a"]);
        assert_eq!(A.names(), ["a"]);
        assert_eq!(["x", "y"].names(), ["x", "y"]);
        assert!(NaturalKey.names().is_empty());
        assert_eq!(format!("{A:?}"), "a");
    }
}
