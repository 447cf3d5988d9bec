//! What a service's author writes with generated types, shown on the core's models.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use serde_json::json;
use xos_codegen_roundtrip::core::{
    ComputeServiceInstance, IsServiceInstance, IsXOSBase, Network, NewComputeServiceInstance, NewNetwork, NewSite,
    NewSlice, Service, ServiceInstance, ServiceKind, Site, Slice, SliceDefaultIsolation, XOSBase, models,
};
use xos_controller::CustomResource as _;
use xos_controller::model::{Choice as _, FieldNames as _, IsA, Kinds, Link, Model, Object};

#[test]
fn a_new_object_has_what_it_needs_and_the_defaults() {
    let required = NewSlice { name: "one".to_owned(), site: Link::to("here") };
    let slice = Slice {
        description: Some("For tests.".to_owned()),
        ..Slice::new(required.clone()).named("one").in_namespace("default")
    };
    assert_eq!(Slice::from(required).meta.name, "");
    assert_eq!((slice.name.as_str(), slice.site.name.as_str()), ("one", "here"));
    assert_eq!(slice.default_isolation, SliceDefaultIsolation::Vm);
    let created = serde_json::to_value(slice.new_custom_resource(models()).unwrap()).unwrap();
    let expected = json!({
        "apiVersion": "core.xos.opencord.org/v1",
        "kind": "Slice",
        "metadata": {"namespace": "default", "name": "one"},
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(created[key], *value);
    }
    assert_eq!(created["spec"]["site"], json!({"name": "here"}));
    assert_eq!(created.get("status"), None);
    assert_eq!(Slice::from_custom_resource(models(), &serde_json::from_value(created).unwrap()).unwrap().name, "one");
}

#[test]
fn choices_are_enums() {
    assert_eq!(ServiceKind::ALL.len(), 4);
    assert_eq!(ServiceKind::default(), ServiceKind::Generic);
    assert_eq!((ServiceKind::Data.as_str(), ServiceKind::Data.label()), ("data", "Data Plane"));
    assert_eq!("oss".parse(), Ok(ServiceKind::Oss));
    assert_eq!(ServiceKind::Control.to_string(), "control");
    assert_eq!(serde_json::to_value(ServiceKind::Oss).unwrap(), "oss");
    let error = "contrl".parse::<ServiceKind>().unwrap_err().to_string();
    assert_eq!(
        error,
        "Service.kind cannot be `contrl`: it is one of `generic`, `data`, `control`, `oss`; did you mean `control`?"
    );
    let mut o = Object::named("Service", "n", "a");
    o.fields = serde_json::from_value(json!({"name": "a", "kind": "contrl"})).unwrap();
    let error = Service::from_object(&o).unwrap_err().to_string();
    assert!(error.starts_with("Service: field `kind`: Service.kind cannot be `contrl`"), "{error}");
}

/// What is written for a class is for all that inherit from it.
fn owner_of<T: IsServiceInstance>(instance: &T) -> &Link<Service> {
    instance.owner()
}

/// The same without getters: anything that is a `B`.
fn link_to<B: Model>(peer: &impl IsA<B>) -> Link<B> {
    Link::of(peer)
}

fn vm() -> ComputeServiceInstance {
    let required =
        NewComputeServiceInstance { owner: Link::to("vsg"), slice: Link::to("slice"), image: Link::to("image") };
    ComputeServiceInstance::new(required).named("vm").in_namespace("n")
}

#[test]
fn a_derived_model_is_what_its_bases_are() {
    let mut vm = vm();
    assert_eq!(owner_of(&vm).name, "vsg");
    vm.set_name(Some("one".to_owned()));
    // The operator's switches can be set; the rest of the bookkeeping has no setters.
    vm.set_no_sync(true);
    vm.set_no_policy(true);
    vm.set_write_protect(true);
    vm.set_lazy_blocked(true);
    vm.set_xos_managed(false);
    assert_eq!((vm.name(), vm.no_sync, vm.xos_managed), (Some("one"), true, false));
    let link = link_to::<ServiceInstance>(&vm);
    assert_eq!(link, Link::to_kind::<ComputeServiceInstance>("vm").in_namespace("n"));
    assert_eq!(ComputeServiceInstance::CLASS_NAMES, ["ComputeServiceInstance", "ServiceInstance", "XOSBase"]);
}

#[test]
fn an_object_is_seen_through_a_base() {
    let vm = vm();
    let mut object = vm.to_object().unwrap();
    let mut seen = ServiceInstance::from_object(&object).unwrap();
    assert_eq!(seen.leaf_model(), "ComputeServiceInstance");
    seen.owner = Link::to("other");
    seen.write_to(&mut object).unwrap();
    let vm = object.leaf::<ComputeServiceInstance>().unwrap().unwrap();
    assert_eq!((vm.owner.name.as_str(), vm.image.name.as_str()), ("other", "image"));
    assert!(object.leaf::<ServiceInstance>().unwrap().is_none(), "it is not itself a ServiceInstance");
    let error = seen.to_object().unwrap_err().to_string();
    assert!(error.starts_with("a ComputeServiceInstance seen as ServiceInstance is not the whole object"), "{error}");
    assert_eq!(XOSBase::from_object(&object).unwrap().backend_code(), 0);
}

#[test]
fn another_kind_is_refused() {
    let text = || "a".to_owned();
    let required = NewSite { name: text(), login_base: text(), abbreviated_name: text() };
    let site = Site::new(required).named("a").new_custom_resource(models()).unwrap();
    assert_eq!(Slice::from_custom_resource(models(), &site).unwrap_err().to_string(), "a Site is not a Slice");
    assert_eq!(XOSBase::from_custom_resource(models(), &site).unwrap().leaf_model(), "Site");
}

#[test]
fn the_registry_knows_the_kinds_of_a_class() {
    let kinds = Kinds::of(models());
    let instances: Vec<_> = kinds.of_class("ServiceInstance").map(|kind| &*kind.model).collect();
    assert_eq!(instances, ["ServiceInstance", "ComputeServiceInstance"]);
    assert!(kinds.is_a("Slice", XOSBase::MODEL_NAME));
    assert_eq!(kinds.by_resource("core.xos.opencord.org", "slices").map(|kind| &*kind.model), Some(Slice::MODEL_NAME));
}

#[test]
fn what_is_not_given_has_the_default_of_the_model() {
    let network =
        Network::new(NewNetwork { name: "net".to_owned(), template: Link::to("template"), owner: Link::to("slice") });
    assert_eq!((network.permit_all_slices, network.autoconnect, network.permitted_slices.len()), (false, true, 0));
}

#[test]
fn fields_are_constants() {
    let names = (Slice::NAME, Slice::SITE, XOSBase::NO_SYNC);
    assert_eq!(names.names(), ["name", "site", "no_sync"]);
    // What an heir has of its base is there too; the ports of links have names of their own.
    assert_eq!((ComputeServiceInstance::OWNER.name(), Site::SLICES.name()), ("owner", "slices"));
    assert_eq!(Service::MODEL_NAME, "Service");
}
