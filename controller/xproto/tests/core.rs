//! The core's models in config/core.xproto.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::path::Path;

use xos_xproto::{Compiled, Field, Model, Options, Sources, compile, compile_with, render};

fn core(strict: bool) -> (Compiled, Sources) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/core.xproto");
    let mut sources = Sources::new();
    sources.add("core.xproto", std::fs::read(path).unwrap());
    (compile_with(&sources, Options { strict }), sources)
}

#[test]
fn nothing_is_wrong_with_the_core_not_even_by_its_own_strict_rules() {
    let (compiled, sources) = core(true);
    let found: Vec<_> = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn all_models_are_there() {
    // XOS 4.0.4, core.xproto.
    let (compiled, _) = core(false);
    let models = &compiled.models;
    assert_eq!((models.iter().count(), models.concrete().count()), (35, 34));
    let own = |count: fn(&Model) -> usize| models.iter().map(count).sum::<usize>();
    assert_eq!((own(|model| model.own_fields().count()), own(|model| model.own_links().count())), (187, 41));
    assert_eq!(own(|model| model.reverse_links.len()), 41);
    assert_eq!(models.policies().count(), 12);
    assert!(models.iter().all(|model| model.app_label == "core" && model.doc.is_some()));
}

#[test]
fn its_base_is_the_built_in_one() {
    let (compiled, _) = core(false);
    let built_in = compile(&Sources::new());
    let describe = |models: &xos_xproto::ModelSet| -> Vec<String> {
        let base = models.get("XOSBase").unwrap();
        let options = base.options.iter().map(|option| format!("{} = {}", option.name, option.value));
        options.chain(base.fields.iter().map(|field| field_text(field))).collect()
    };
    assert_eq!(describe(&compiled.models), describe(&built_in.models));
    assert!(!compiled.models.get("XOSBase").unwrap().is_built_in());
}

/// Returns a field with all that is written of it.
fn field_text(field: &Field) -> String {
    let options: Vec<_> = field.options.iter().map(|option| format!("{} = {}", option.name, option.value)).collect();
    let modifier = if field.required { "required" } else { "optional" };
    format!("{modifier} {} {} = {} [{}]", field.ty.keyword(), field.name, field.number, options.join(", "))
}

#[test]
fn policies_and_validators_are_where_they_belong() {
    let (compiled, _) = core(false);
    let with = |get: fn(&Model) -> Vec<String>| -> Vec<String> {
        compiled
            .models
            .iter()
            .flat_map(|model| get(model).into_iter().map(|text| format!("{}: {text}", model.name)))
            .collect()
    };
    let access = with(|model| model.access_policy.iter().cloned().collect());
    assert_eq!(
        access,
        [
            "User: user_policy",
            "Privilege: grant_policy",
            "Site: site_policy",
            "Slice: slice_policy",
            "Network: network_policy",
            "NetworkSlice: network_slice_policy",
            "Service: service_policy",
            "Port: port_policy",
            "Tag: tag_policy",
            "XOSGuiExtension: admin_policy",
        ]
    );
    let validators =
        with(|model| model.validators.iter().map(|one| format!("{}: {}", one.policy, one.message)).collect());
    assert_eq!(
        validators,
        [
            "Slice: slice_name_no_spaces: Slice name contains spaces",
            "NetworkSlice: network_slice_validator: Slice {obj.slice.name} is not allowed to connect to networks \
             {obj.network}",
        ]
    );
    let slice = &compiled.models.policy("site_policy").unwrap().expr;
    assert_eq!(
        slice.to_string(),
        "ctx.user.is_admin | not ctx.write_access | (exists Privilege: Privilege.accessor_type = \"User\" & \
         Privilege.accessor_id = ctx.user.id & Privilege.object_type = \"Site\" & Privilege.object_id = obj.id & \
         Privilege.permission = \"role:admin\")"
    );
}

/// Services build on it: what they inherit and link to is found, in any order of the files.
#[test]
fn services_build_on_it() {
    let service = "option app_label = \"mine\"; option name = \"mine\";\n\
                   message MyService (Service) { option verbose_name = \"Mine\"; }\n\
                   message MyInstance (ServiceInstance) {\n\
                   required manytoone slice->Slice:my_instances = 1:1020;\n}\n";
    let core = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/core.xproto")).unwrap();
    for first in [true, false] {
        let mut sources = Sources::new();
        let files = [("core.xproto", core.clone()), ("mine.xproto", service.as_bytes().to_vec())];
        let order = if first { [0, 1] } else { [1, 0] };
        for at in order {
            sources.add(files[at].0, files[at].1.clone());
        }
        let compiled = compile(&sources);
        assert_eq!(compiled.errors(), 0, "{:?}", compiled.diagnostics);
        let instance = compiled.models.get("MyInstance").unwrap();
        assert_eq!(instance.lineage, ["XOSBase", "ServiceInstance", "MyInstance"]);
        assert!(instance.link("owner").is_some_and(|link| link.peer == "Service"));
        let ports: Vec<_> = compiled.models.reverse_links(instance).map(|port| port.name.as_str()).collect();
        assert!(ports.contains(&"provided_links") && ports.contains(&"ports"), "{ports:?}");
    }
}
