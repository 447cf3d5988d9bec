//! Which kinds a service has: its own, and those that it names.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use xos_model::Object;
use xos_steps::{StepContext, StepError, SyncStep};

use super::*;

const VOIP: &str = "option name = \"voip\"; option app_label = \"voip\";
    message Exchange (Service) { required string area = 1 [max_length = 9]; }
    message Line (ServiceInstance) { required string number = 1 [max_length = 16]; }";
const OWN: [&str; 4] = ["Exchange", "Line", "Service", "ServiceInstance"];

/// A step that observes a model of the core by its name.
struct OnSlices;

impl SyncStep for OnSlices {
    type Model = Object;
    fn observes(&self) -> &str {
        "Slice"
    }
    fn external_dependencies(&self) -> Vec<String> {
        vec!["Image".to_owned()]
    }
    async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// A folder with a configuration, models, a dependency graph and a document.
fn service(config: &str, models: &str, document: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("name: voip\nmodels_dir: models\ndocuments_dir: documents\n{config}\n");
    fs::write(folder.path().join("config.yaml"), config).unwrap();
    fs::write(folder.path().join("graph.json"), r#"{"Line": [["Tag", "", ""]]}"#).unwrap();
    for (below, name, text) in [("models", "voip.xproto", models), ("documents", "one.yaml", document)] {
        fs::create_dir(folder.path().join(below)).unwrap();
        fs::write(folder.path().join(below).join(name), text).unwrap();
    }
    folder
}

fn document(kind: &str, spec: &Value) -> String {
    json!({"apiVersion": "xos.opencord.org/v1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}).to_string()
}

fn kinds_of(synchronizer: &Synchronizer, folder: &TempDir) -> Vec<String> {
    let config = Config::load(&[folder.path().join("config.yaml")], []).unwrap().config;
    let registry = here(synchronizer, &config).unwrap_or_else(|error| panic!("{error}")).registry;
    registry.entries().map(|entry| entry.model.name.clone()).collect()
}

#[test]
fn a_service_has_its_own_kinds_and_those_that_it_names() {
    let put = |fields: Value| json!({"model": "Line", "http": {"url": "http://b/x", "body": fields}});
    let table = [
        ("", VOIP.to_owned(), String::new(), vec![]),
        ("uses: [Slice]", VOIP.to_owned(), String::new(), vec!["Slice"]),
        // XOS's own key: names of other services are in it, too.
        (
            "required_models: [Line, ServiceDependency, ONOSApp]",
            VOIP.to_owned(),
            String::new(),
            vec!["ServiceDependency"],
        ),
        ("dependency_graph: graph.json", VOIP.to_owned(), String::new(), vec!["Tag"]),
        ("", format!("option uses = \"Image\"; {VOIP}"), String::new(), vec!["Image"]),
        // What a document reads of the object itself names nothing, a link that it follows does.
        ("", VOIP.to_owned(), document("SyncStep", &put(json!({"n": "${self.number}"}))), vec![]),
        ("", VOIP.to_owned(), document("SyncStep", &put(json!({"n": "${self.owner.name}"}))), vec![]),
        ("", VOIP.to_owned(), document("SyncStep", &put(json!({"n": "${self.owner.site.name}"}))), vec!["Site"]),
        (
            "",
            VOIP.to_owned(),
            document("SyncStep", &json!({"model": "Slice", "http": {"url": "http://b"}})),
            vec!["Slice"],
        ),
        (
            "",
            VOIP.to_owned(),
            document(
                "ModelPolicy",
                &json!({"model": "Line", "do": [{"apply": {"model": "ServiceInstanceLink", "name": "x", "fields": {
                    "provider_service_instance": "${self}"}}}]}),
            ),
            vec!["ServiceInstanceLink"],
        ),
    ];
    for (config, models, document, more) in table {
        let folder = service(config, &models, &document);
        let mut expected = [&OWN[..], &more].concat();
        expected.sort_unstable();
        assert_eq!(kinds_of(&Synchronizer::new("xos"), &folder), expected, "{config}\n{document}");
    }
}

#[test]
fn properties_name_what_they_read_by_links() {
    let table = [("self.number", vec![]), ("self.owner.name", vec![]), ("self.owner.site.name", vec!["Site"])];
    for (text, more) in table {
        let folder = service("", VOIP, "");
        fs::create_dir(folder.path().join("models/convenience")).unwrap();
        let properties = json!({"Line": {"of": text}}).to_string();
        fs::write(folder.path().join("models/convenience/voip.yaml"), properties).unwrap();
        let mut expected = [&OWN[..], &more].concat();
        expected.sort_unstable();
        assert_eq!(kinds_of(&Synchronizer::new("xos"), &folder), expected, "{text}");
    }
    // A model of the core that has properties is named.
    let folder = service("", VOIP, "");
    fs::create_dir(folder.path().join("models/convenience")).unwrap();
    fs::write(folder.path().join("models/convenience/site.yaml"), r#"{"Site": {"title": "self.name"}}"#).unwrap();
    assert!(kinds_of(&Synchronizer::new("xos"), &folder).contains(&"Site".to_owned()));
}

#[test]
fn steps_name_what_they_observe_and_wait_for() {
    let folder = service("", VOIP, "");
    let mut expected = [&OWN[..], &["Slice", "Image"]].concat();
    expected.sort_unstable();
    assert_eq!(kinds_of(&Synchronizer::new("xos").sync_step(OnSlices), &folder), expected);
}

#[test]
fn all_of_the_core_is_there_for_those_who_say_so() {
    let core = include_str!("../../../../config/core.xproto");
    let says = |config, models: String| kinds_of(&Synchronizer::new("xos"), &service(config, &models, "")).len();
    // 34 models of the core have objects.
    assert_eq!(says("uses: [core]", VOIP.to_owned()), 36);
    assert_eq!(says("", format!("option uses = \"core\"; {VOIP}")), 36);
    let copied = service("", VOIP, "");
    fs::write(copied.path().join("models/core.xproto"), core).unwrap();
    assert_eq!(kinds_of(&Synchronizer::new("xos"), &copied).len(), 36, "a copy of the core's file means all of it");
}

#[test]
fn a_name_that_the_core_does_not_have_is_an_error() {
    let folder = service("uses: [Slise]", VOIP, "");
    let error = Config::load(&[folder.path().join("config.yaml")], []).unwrap_err().to_string();
    assert!(error.contains("`Slise`") && error.contains("did you mean `Slice`?"), "{error}");
}
