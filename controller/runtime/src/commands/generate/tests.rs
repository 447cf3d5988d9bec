use std::fs;
use std::path::{Path, PathBuf};

use kube::api::DynamicObject;
use xos_crds::{SpecSchema, from_custom_resource};
use xos_xproto::{Sources, compile};

use super::*;
use crate::reference::root;

fn args(model: &str, path: &Path, all: bool) -> GenerateArgs {
    let source = SourceArgs { paths: vec![path.to_owned()], config: vec![] };
    GenerateArgs { model: model.to_owned(), source, all }
}

fn run_on(text: &str, model: &str, all: bool) -> Result<String, GenerateError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("m.xproto"), text).unwrap();
    let mut out = vec![];
    run(&Synchronizer::new("xos"), &args(model, folder.path(), all), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn models(paths: &[PathBuf]) -> ModelSet {
    source::models(&Synchronizer::new("xos"), "generate", paths, &[]).unwrap()
}

/// Reads a text as kubectl does, and says what schema and validators have against it.
fn faults(models: &ModelSet, model: &Model, text: &str) -> Vec<String> {
    let resource: DynamicObject = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let types = resource.types.clone().unwrap();
    assert_eq!((types.api_version, types.kind), (xos_crds::names::Names::of(model).api_version(), model.name.clone()));
    let object = from_custom_resource(model, &resource).unwrap();
    let mut faults = SpecSchema::of(models, model).violations(model, &object.fields);
    let index = xos_model::Index::new(std::sync::Arc::new(models.clone()), &[]).unwrap();
    faults.extend(xos_model::accept::invalid(&index, model, &object).map(|refusal| refusal.message));
    let given = resource.data["spec"].as_object().unwrap().len();
    assert_eq!(given, object.fields.iter().count(), "every key is a field:\n{text}");
    faults
}

#[test]
fn samples_of_all_models_are_accepted() {
    for paths in [["config/core.xproto"], ["config/people"], ["config/example"]] {
        let models = models(&paths.map(|path| root().join(path)));
        for model in models.concrete() {
            for all in [false, true] {
                let text = sample(&models, model, all);
                assert_eq!(faults(&models, model, &text), [""; 0], "{}:\n{text}", model.name);
                assert!(text.lines().all(|line| line.chars().count() <= 110), "{text}");
            }
        }
    }
}

/// What is a comment can be taken as it is: each optional field alone, beside the required ones.
#[test]
fn each_comment_is_a_field() {
    let models = models(&[root().join("config/core.xproto")]);
    for model in models.concrete() {
        let text = sample(&models, model, false);
        let comments: Vec<_> =
            text.lines().filter(|line| line.starts_with("  #") && !line.starts_with("  # ")).collect();
        for comment in comments {
            let with = text.replace(comment, &comment.replacen('#', "", 1)).replace("spec: {}", "spec:");
            assert_eq!(faults(&models, model, &with), [""; 0], "{}:\n{with}", model.name);
        }
    }
}

const AWKWARD: &str = "option app_label = \"a_b\";
policy has_side < obj.left | obj.right >
policy is_big < obj.size = 9 >
message Base (XOSBase) { option abstract = True; }
// What is hard to fill in.
message Awkward (Base) {
    option validators = \"has_side:One side at least,is_big:The size is 9\";
    required string vlan = 1 [max_length = 4, min_length = 4, pattern = \"^[1-9][0-9]*$\", help_text = \"The tag\"];
    required string kind = 2 [max_length = 9, choices = \"(('no', 'No'), ('yes', 'Yes'))\"];
    required int32 size = 3 [min_value = 3, max_value = 9];
    required string address = 4 [max_length = 99, content_type = \"ip\"];
    required string since = 5 [content_type = \"date\"];
    required string home = 6 [max_length = 9, content_type = \"url\"];
    required manytoone up->Awkward:down = 7;
    optional string left = 8 [max_length = 2];
    optional string right = 9 [max_length = 9];
    required string password = 10 [max_length = 99, secret = True];
    required bool big = 11 [default = True];
    optional manytomany friends->Awkward:friends_of = 12:1001;
}
";

#[test]
fn limits_choices_contents_and_validators_are_kept() {
    let expected = "\
# What is hard to fill in.
apiVersion: a-b.xos.opencord.org/v1
kind: Awkward
metadata:
  name: my-awkward
spec:
  # The tag. 4 characters.
  vlan: \"1111\"
  # One of no, yes.
  kind: \"no\"
  # From 3 to 9.
  size: 9
";
    let text = run_on(AWKWARD, "awkward", false).unwrap();
    assert!(text.starts_with(expected), "{text}");
    let mut sources = Sources::new();
    sources.add("m.xproto", AWKWARD);
    let models = compile(&sources).models;
    let model = models.get("Awkward").unwrap();
    assert_eq!(faults(&models, model, &text), [""; 0], "{text}");
    for line in [
        "  address: \"192.0.2.1\"",
        "  since: \"2026-01-31T12:00:00Z\"",
        "  home: \"/\"",
        "  up: {name: another-awkward}",
        "  password: password",
        "  # Optional:",
        "  left: le",
        "  #right: right",
        "  #big: true",
        "  #friends: [{name: another-awkward}]",
        "  #passwordFrom: {secretKeyRef: {name: my-secret, key: password}}",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    let all = run_on(AWKWARD, "Awkwards", true).unwrap();
    assert_eq!(faults(&models, model, &all), [""; 0], "{all}");
    assert!(all.contains("  right: right\n") && all.contains("  #passwordFrom: "), "{all}");
}

#[test]
fn what_no_value_fits_is_said() {
    let text = "option app_label = \"a\"; policy never < False >
        message A (XOSBase) { option validators = \"never:Nobody can have an A\"; }";
    let text = run_on(text, "A", false).unwrap();
    assert!(text.starts_with("# To be changed: Nobody can have an A\n") && text.ends_with("spec: {}\n"), "{text}");
}

/// What the fields, links and values of random models need is found.
#[test]
fn samples_of_random_models_are_accepted() {
    let mut seen = 0;
    for seed in 0..20 {
        let mut sources = Sources::new();
        for (name, text) in xos_random_models::values::with_values(xos_random_models::set(seed), seed).texts() {
            sources.add(name, text);
        }
        let models = compile(&sources).models;
        for model in models.concrete() {
            for all in [false, true] {
                let text = sample(&models, model, all);
                assert_eq!(faults(&models, model, &text), [""; 0], "{seed}: {}:\n{text}", model.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "{seen}");
}

#[test]
fn models_are_found_or_suggested() {
    for (model, expected) in [
        ("Awkwurd", "there is no model `Awkwurd`; did you mean `Awkward`?"),
        ("Person", "there is no model `Person`; there are Awkward"),
        ("base", "Base has no objects of its own: it is abstract; take one of Awkward"),
    ] {
        let error = run_on(AWKWARD, model, false).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.exit()), (expected, Exit::Usage));
    }
    let none = run(
        &Synchronizer::new("xos"),
        &GenerateArgs { source: SourceArgs::default(), ..args("A", Path::new(""), false) },
        &mut vec![],
    );
    assert_eq!(none.unwrap_err().to_string(), "which models? name .xproto files or folders: xos generate A PATH…");
}

#[test]
fn a_configuration_names_the_models() {
    let source = SourceArgs { paths: vec![], config: vec![root().join("config/people/config.yaml")] };
    let mut out = vec![];
    run(&Synchronizer::new("xos"), &GenerateArgs { model: "team".to_owned(), source, all: false }, &mut out).unwrap();
    assert!(String::from_utf8(out).unwrap().contains("\n  name: my-team\n"));
}
