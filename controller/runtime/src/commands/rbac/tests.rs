use std::path::Path;

use serde_json::{Value, json};

use super::*;

const MODELS: &str =
    "option app_label = \"voip\"; message Phone (XOSBase) { required string name = 1 [max_length = 9]; }";

fn args(config: &Path) -> RbacArgs {
    RbacArgs {
        paths: vec![],
        config: vec![config.to_owned()],
        namespaced: false,
        namespaces: vec![],
        service_account: None,
        admission: false,
        groups: vec![],
        values: false,
    }
}

fn printed(config: &str, change: impl FnOnce(&mut RbacArgs)) -> Result<String, RbacError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, config).unwrap();
    let mut args = args(&path);
    change(&mut args);
    let synchronizer = Synchronizer::new("voip").models(&[("voip.xproto", MODELS)]);
    let mut out = vec![];
    run(&synchronizer, &args, &mut out).map(|_| String::from_utf8(out).unwrap())
}

fn documents(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

#[test]
fn namespaces_are_those_of_the_configuration_or_of_the_command_line() {
    let role = |text: &str| documents(text).into_iter().find(|one| one["kind"] == "Role").unwrap();
    let text = printed("name: voip\nnamespaces: [a]", |_| {}).unwrap();
    assert_eq!(role(&text)["metadata"]["namespace"], "a");
    assert_eq!(documents(&text)[0]["metadata"], json!({"name": "voip", "namespace": "a"}));
    let text = printed("name: voip\nnamespaces: [a]", |args| {
        args.namespaces = vec!["b".to_owned()];
        args.service_account = Some("c/sync".to_owned());
    });
    let text = text.unwrap();
    assert_eq!(role(&text)["metadata"]["namespace"], "b");
    assert_eq!(documents(&text)[0]["metadata"], json!({"name": "sync", "namespace": "c"}));
}

#[test]
fn namespaced_rights_have_no_cluster_role_and_need_namespaces() {
    let text = printed("name: voip\nnamespaces: [a, b]", |args| args.namespaced = true).unwrap();
    assert!(!text.contains("Cluster"), "{text}");
    let error = printed("name: voip", |args| args.namespaced = true).unwrap_err();
    assert!(matches!(error, RbacError::NoNamespaces) && error.exit() == Exit::Usage);
}

#[test]
fn values_are_the_kinds_and_whether_they_are_held() {
    let text = printed("name: voip", |args| args.values = true).unwrap();
    let values: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(values, json!({"kinds": [{"group": "voip.xos.opencord.org", "held": false, "resources": ["phones"]}]}));
}

#[test]
fn a_policy_is_made_only_on_request() {
    let verbs = |text: &str| text.contains("verbs: [get, create, patch, delete]");
    assert!(!verbs(&printed("name: voip", |_| {}).unwrap()));
    assert!(verbs(&printed("name: voip", |args| args.admission = true).unwrap()));
    let without = printed("name: voip\nfinalizers_at_creation: false", |_| {}).unwrap();
    assert!(!without.contains("verbs: [get]\n"), "{without}");
}

#[test]
fn values_say_which_kinds_may_take_values_from_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    std::fs::write(&path, "name: voip").unwrap();
    let secret = MODELS.replace("}", "required string pin = 2 [max_length = 9, secret = True]; }");
    let synchronizer = Synchronizer::new("voip").models(&[("voip.xproto", &secret)]);
    let mut out = vec![];
    run(&synchronizer, &RbacArgs { values: true, ..args(&path) }, &mut out).unwrap();
    let values: Value = serde_saphyr::from_str(&String::from_utf8(out).unwrap()).unwrap();
    assert_eq!(values["kinds"][0]["secrets"], true);
}
