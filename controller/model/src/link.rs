//! Links that know the model that they lead to, and which models inherit from which.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::reference::Reference;
use crate::typed::Model;

/// Marks a model whose objects are objects of `B` too: `B` itself, and every model that inherits from it.
///
/// Generated for every model and each of its bases.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not a `{B}`",
    label = "does not inherit from `{B}`",
    note = "in xproto, the bases of a model are in parentheses after its name"
)]
pub trait IsA<B>: Model {}

impl<T: Model> IsA<T> for T {}

/// A [`Reference`] to an object of model `T`, or of a model that inherits from it.
///
/// It is written as its reference is; name, namespace and kind are read through it.
///
/// ```
/// # use xos_model::{ConvertError, IsA, Link, Meta, Model, Object};
/// # macro_rules! model { ($name:ident) => {
/// # #[derive(Clone, Debug)] struct $name(Meta);
/// # impl Model for $name {
/// #     const MODEL_NAME: &'static str = stringify!($name);
/// #     const CLASS_NAMES: &'static [&'static str] = &[Self::MODEL_NAME];
/// #     fn from_object(o: &Object) -> Result<Self, ConvertError> { Ok(Self(o.meta.clone())) }
/// #     fn write_to(&self, _: &mut Object) -> Result<(), ConvertError> { Ok(()) }
/// #     fn meta(&self) -> &Meta { &self.0 }
/// # } } }
/// # model!(Service); model!(RCORDService);
/// # impl IsA<Service> for RCORDService {}
/// let owner: Link<Service> = Link::to("rcord");
/// assert_eq!((owner.name.as_str(), owner.kind.as_deref()), ("rcord", None));
/// let owner = Link::<Service>::to_kind::<RCORDService>("rcord").in_namespace("access");
/// assert_eq!((owner.namespace.as_deref(), owner.kind.as_deref()), (Some("access"), Some("RCORDService")));
/// ```
///
/// A kind that does not inherit from the peer does not compile: the error for `Link::<Service>::to_kind::<Node>("n")`
/// is "a `Node` is not a `Service`".
pub struct Link<T> {
    reference: Reference,
    peer: PhantomData<fn() -> T>,
}

impl<T> Link<T> {
    /// Makes a link to the object of that name in the same namespace.
    pub fn to(name: impl Into<String>) -> Self {
        Self::from(Reference { name: name.into(), namespace: None, kind: None })
    }

    /// Makes the link lead to an object of that namespace.
    #[must_use]
    pub fn in_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.reference.namespace = Some(namespace.into());
        self
    }

    /// Removes the namespace from the link if it is this one: links within a namespace do not name it.
    #[must_use]
    pub fn seen_from(mut self, namespace: &str) -> Self {
        self.reference.namespace = self.reference.namespace.filter(|other| other != namespace);
        self
    }

    /// Returns the reference without its type.
    pub fn into_reference(self) -> Reference {
        self.reference
    }
}

impl<T: Model> Link<T> {
    /// Makes a link to the object of that name and of the kind `D`, for a peer that is a base and a name that several
    /// kinds share.
    pub fn to_kind<D: IsA<T>>(name: impl Into<String>) -> Self {
        Self::from(Reference { name: name.into(), namespace: None, kind: Some(D::MODEL_NAME.to_owned()) })
    }

    /// Makes a link to this object: its name, its namespace, and its kind unless `T` already determines it.
    pub fn of<D: IsA<T>>(peer: &D) -> Self {
        let meta = peer.meta();
        let leaf = peer.leaf_model();
        let plain = leaf == T::MODEL_NAME && !T::HAS_HEIRS;
        Self::from(Reference {
            name: meta.name.clone(),
            namespace: Some(meta.namespace.clone()).filter(|namespace| !namespace.is_empty()),
            kind: Some(leaf.to_owned()).filter(|_| !plain),
        })
    }
}

impl<T> From<Reference> for Link<T> {
    /// Makes a link of the reference; a kind in it is not checked.
    fn from(reference: Reference) -> Self {
        Self { reference, peer: PhantomData }
    }
}

impl<T> Deref for Link<T> {
    type Target = Reference;

    fn deref(&self) -> &Reference {
        &self.reference
    }
}

/// The reverse port of a link: from objects of `P` to those of `T` that lead to them. Generated as a constant of `P`:
/// `Site::SLICES`.
pub struct Reverse<P, T> {
    name: &'static str,
    ends: PhantomData<fn(P) -> T>,
}

impl<P, T> Reverse<P, T> {
    /// Makes a port of that name. For generated code: nothing checks that the models have it.
    pub const fn new(name: &'static str) -> Self {
        Self { name, ends: PhantomData }
    }

    /// Returns the port's name in xproto.
    pub fn name(self) -> &'static str {
        self.name
    }
}

// By hand: what is derived would ask the same of `T`.

impl<P, T> Clone for Reverse<P, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, T> Copy for Reverse<P, T> {}

impl<P, T> fmt::Debug for Reverse<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T> Clone for Link<T> {
    fn clone(&self) -> Self {
        Self::from(self.reference.clone())
    }
}

impl<T> fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reference.fmt(f)
    }
}

impl<T> PartialEq for Link<T> {
    fn eq(&self, other: &Self) -> bool {
        self.reference == other.reference
    }
}

impl<T> Eq for Link<T> {}

impl<T> Hash for Link<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.reference.hash(state);
    }
}

impl<T> Serialize for Link<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.reference.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Link<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reference::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Meta, Object};
    use serde_json::json;

    fn node(namespace: &str) -> Object {
        let mut node = Object::named("Node", namespace, "n1");
        node.meta.uid = "u".to_owned();
        node
    }

    #[test]
    fn a_link_is_written_as_its_reference() {
        let link = Link::<Object>::to("a").in_namespace("b");
        assert_eq!(serde_json::to_value(&link).unwrap(), json!({"name": "a", "namespace": "b"}));
        let read: Link<Object> = serde_json::from_value(json!({"name": "a", "namespace": "b"})).unwrap();
        assert_eq!(read, link);
        assert_eq!(format!("{read:?}"), format!("{:?}", read.clone().into_reference()));
        assert!(serde_json::from_value::<Link<Object>>(json!("a")).is_err());
    }

    #[test]
    fn a_link_to_an_object_names_it_whole() {
        let link = Link::<Object>::of(&node("there"));
        let expected = json!({"name": "n1", "namespace": "there", "kind": "Node"});
        assert_eq!(serde_json::to_value(&link).unwrap(), expected);
        assert_eq!(link.clone().seen_from("here"), link);
        assert_eq!(link.seen_from("there").namespace, None);
        assert_eq!(Meta::new("n", "a").namespace, "n");
    }
}
