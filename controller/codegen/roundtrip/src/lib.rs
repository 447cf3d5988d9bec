//! Generated types at work: of the core's models, of awkward ones, and of random ones. Only its tests matter.
//!
//! A link leads to its peer, or to what inherits from it:
//!
//! ```
//! use xos_codegen_roundtrip::core::{ComputeServiceInstance, ServiceInstance};
//! use xos_controller::model::Link;
//!
//! Link::<ServiceInstance>::to_kind::<ComputeServiceInstance>("vm");
//! ```
//!
//! What does not is no Rust:
//!
//! ```compile_fail,E0277
//! use xos_codegen_roundtrip::core::{Node, ServiceInstance};
//! use xos_controller::model::Link;
//!
//! Link::<ServiceInstance>::to_kind::<Node>("vm");
//! ```

//! A query takes the fields of its model and of that model's bases, with values of their types:
//!
//! ```
//! use xos_codegen_roundtrip::core::{ComputeServiceInstance, ServiceInstance, ServiceKind, Service, XOSBase};
//! use xos_controller::{StepContext, StoreError};
//!
//! fn queries(ctx: &StepContext) -> Result<(), StoreError> {
//!     let named = ctx.models::<ComputeServiceInstance>().filter(ServiceInstance::NAME, "vm").all()?;
//!     let held = ctx.models::<Service>().filter(XOSBase::NO_SYNC, true);
//!     let held = held.filter(Service::KIND, ServiceKind::Data).all()?;
//!     let here = ctx.models::<Service>().filter(Service::SITE, "here").count()?;
//!     let nowhere = ctx.models::<Service>().filter(Service::SITE, ()).exists()?;
//!     # Ok(())
//! }
//! ```
//!
//! It takes no field of another model, and no text:
//!
//! ```compile_fail,E0277
//! # use xos_codegen_roundtrip::core::{Service, Slice};
//! # use xos_controller::{StepContext, StoreError};
//! fn query(ctx: &StepContext) -> Result<Vec<Service>, StoreError> {
//!     ctx.models::<Service>().filter(Slice::NAME, "a").all()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! # use xos_codegen_roundtrip::core::Service;
//! # use xos_controller::{StepContext, StoreError};
//! fn query(ctx: &StepContext) -> Result<Vec<Service>, StoreError> {
//!     ctx.models::<Service>().filter("name", "a").all()
//! }
//! ```
//!
//! Nor a value of another type:
//!
//! ```compile_fail,E0277
//! # use xos_codegen_roundtrip::core::Service;
//! # use xos_controller::{StepContext, StoreError};
//! fn query(ctx: &StepContext) -> Result<Vec<Service>, StoreError> {
//!     ctx.models::<Service>().filter(Service::NAME, 7).all()
//! }
//! ```

//! Of the core's models that nothing names there are types, for inherited links, but no objects:
//!
//! ```
//! use xos_codegen_roundtrip::named::{IsService, Line, Service, Site};
//! use xos_controller::{StepContext, StoreError, model::Link};
//!
//! fn sites(ctx: &StepContext) -> Result<Option<Link<Site>>, StoreError> {
//!     Ok(ctx.models::<Service>().first()?.and_then(|service| service.site().cloned()))
//! }
//!
//! fn lines(ctx: &StepContext) -> Result<Vec<Line>, StoreError> {
//!     ctx.models::<Line>().all()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! # use xos_codegen_roundtrip::named::Site;
//! # use xos_controller::{StepContext, StoreError};
//! fn sites(ctx: &StepContext) -> Result<Vec<Site>, StoreError> {
//!     ctx.models::<Site>().all()
//! }
//! ```

use xos_controller::CustomResource;
use xos_controller::model::xproto::ModelSet;
use xos_controller::model::{IsA, Link, Model, Object};

/// The core's models.
pub mod core {
    xos_controller::include_models!("core");
}

/// Models of a service that names little of the core.
pub mod named {
    xos_controller::include_models!("named");
}

/// Models with names that mean something else in Rust.
pub mod awkward {
    xos_controller::include_models!("awkward");
}

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

/// The seed of the random sets.
pub const SEED: &str = env!("XOS_ROUNDTRIP_SEED");

/// A model with its type, and the types of its bases.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The module that it is in.
    pub set: &'static str,
    /// The model's name.
    pub model: &'static str,
    /// The set.
    pub models: fn() -> &'static ModelSet,
    /// [`check`] of its type.
    pub check: fn(&ModelSet, &Object) -> Outcome,
    /// [`view`] through each base.
    pub views: &'static [fn(&Object) -> Outcome],
}

/// Nothing, or what went wrong.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Reads the type from an object and takes it all ways back: nothing may change.
///
/// # Errors
/// When something changes.
pub fn check<T: CustomResource + PartialEq>(models: &ModelSet, object: &Object) -> Outcome {
    let typed = T::from_object(object)?;
    let mut back = object.clone();
    typed.write_to(&mut back)?;
    same("written back", &back, object)?;
    same("made new", &T::from_object(&typed.to_object()?)?, &typed)?;
    let text = serde_json::to_string(&typed.to_custom_resource(models)?)?;
    same("as a custom resource", &T::from_custom_resource(models, &serde_json::from_str(&text)?)?, &typed)?;
    same("as a leaf", &object.leaf::<T>()?, &Some(typed))
}

/// Reads an object of a model through a base and writes it back: nothing may change.
///
/// # Errors
/// When something changes, or the view does not know what it is a view of.
pub fn view<B: Model, D: IsA<B>>(object: &Object) -> Outcome {
    let seen = B::from_object(object)?;
    same("seen as", seen.leaf_model(), D::MODEL_NAME)?;
    let mut back = object.clone();
    seen.write_to(&mut back)?;
    same("written back", &back, object)?;
    same("a whole object", &seen.to_object().is_err(), &true)?;
    same("not the base itself", &object.leaf::<B>()?.is_none(), &true)?;
    same("linked", &Link::<B>::of(&seen), &Link::of(&D::from_object(object)?))
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, one: &T, other: &T) -> Outcome {
    if one == other { Ok(()) } else { Err(format!("{what}:\n  {one:?}\nis not\n  {other:?}").into()) }
}
