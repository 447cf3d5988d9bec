use std::path::Path;

use clap::ValueEnum as _;
use serde_json::Value;

use super::*;

fn framework() -> Framework {
    Framework::Path(root().to_owned())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

fn file(files: &[File], path: &str) -> String {
    files.iter().find(|(one, _)| one == path).unwrap_or_else(|| panic!("{path}")).1.clone()
}

#[test]
fn every_base_gives_a_whole_crate() {
    let name = Name::new("my-service").unwrap();
    for base in Base::value_variants() {
        let files = of(&name, *base, &framework()).unwrap();
        for (path, text) in &files {
            assert!(!text.contains("{{") && !text.contains("}}"), "{path}:\n{text}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{path}");
        }
        let model = file(&files, "my_service.xproto");
        assert!(model.contains(&format!("message MyService ({})", base.model())), "{model}");
        assert!(file(&files, "src/steps.rs").contains("pub struct SyncMyService;"));
    }
}

/// What the configuration says is known, and no key is without effect.
#[test]
fn the_configuration_is_read_without_a_warning() {
    let name = Name::new("my-service").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, file(&of(&name, Base::Root, &framework()).unwrap(), "config.yaml")).unwrap();
    let loaded = crate::config::Config::load(&[path], std::iter::empty()).unwrap();
    assert!(loaded.warnings.is_empty() && loaded.unused.is_empty());
    assert_eq!(
        (loaded.config.name.as_str(), loaded.config.engine.namespaces.as_slice()),
        ("my-service", &["default".to_owned()][..])
    );
}

#[test]
fn the_rights_are_for_exactly_the_kinds() {
    let name = Name::new("spy").unwrap();
    type Kinds = &'static [(&'static str, &'static [&'static str])];
    let table: [(Base, Kinds); 3] = [
        (Base::Root, &[("spy.xos.opencord.org", &["spys"])]),
        (Base::Service, &[("core.xos.opencord.org", &["services"]), ("spy.xos.opencord.org", &["spys"])]),
        (
            Base::ServiceInstance,
            &[("core.xos.opencord.org", &["services", "serviceinstances"]), ("spy.xos.opencord.org", &["spys"])],
        ),
    ];
    for (base, expected) in table {
        let text = file(&of(&name, base, &framework()).unwrap(), "rbac.yaml");
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let role = objects.iter().find(|object| object["kind"] == "Role").unwrap();
        let rules = role["rules"].as_array().unwrap();
        for (group, plurals) in expected {
            let rule = rules.iter().find(|rule| rule["apiGroups"][0] == *group).unwrap();
            assert_eq!(rule["resources"], serde_json::json!(plurals), "{text}");
        }
        // The core's Service has a secret field.
        let secrets = rules.iter().filter(|rule| rule["resources"][0] == "secrets").count();
        assert_eq!(secrets, usize::from(expected.len() > 1), "{text}");
        assert_eq!(rules.len(), expected.len() * 2 + 4 + secrets, "{text}");
        assert!(
            text.contains("resourceNames: [")
                && text.contains("spys.spy.xos.opencord.org, synchronizers.xos.opencord.org]"),
            "{text}"
        );
    }
}

/// The rights are those of the example, whose tests run with them.
#[test]
fn the_rights_are_those_of_the_example() {
    let example = std::fs::read_to_string(root().join("config/example/rbac.yaml")).unwrap();
    let ours = file(&of(&Name::new("spy").unwrap(), Base::Root, &framework()).unwrap(), "rbac.yaml");
    let verbs = |text: &str| -> Vec<Value> {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
        let rules = objects.iter().filter_map(|object| object["rules"].as_array()).flatten();
        rules.map(|rule| rule["verbs"].clone()).collect()
    };
    assert_eq!(verbs(&ours), verbs(&example));
}

#[test]
fn versions_are_those_of_the_workspace() {
    let workspace = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let ours = file(&of(&Name::new("spy").unwrap(), Base::Root, &framework()).unwrap(), "Cargo.toml");
    let version = |text: &str, name: &str| -> String {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} = "))).unwrap().to_owned();
        line.split('"').nth(1).unwrap().to_owned()
    };
    for name in ["tokio", "edition", "rust-version"] {
        assert_eq!(version(&ours, name), version(&workspace, name), "{name}");
    }
    for table in ["[profile.dev]\ndebug = \"line-tables-only\"\n", "[profile.dev.package.\"*\"]\ndebug = false\n"] {
        assert!(ours.contains(table) && workspace.contains(table), "{table}");
    }
}

#[test]
fn the_format_is_that_of_the_workspace() {
    let ours = file(&of(&Name::new("spy").unwrap(), Base::Root, &framework()).unwrap(), "rustfmt.toml");
    assert_eq!(ours, std::fs::read_to_string(root().join("rustfmt.toml")).unwrap());
}

#[test]
fn a_model_of_the_cores_name_is_refused() {
    let error = of(&Name::new("site").unwrap(), Base::Service, &framework()).unwrap_err().to_string();
    assert!(error.starts_with("the model cannot be called `Site`; take another name:\nerror"), "{error}");
}
