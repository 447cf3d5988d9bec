//! `crds/yaml/` holds the definitions of the models in `config/`: written by `UPDATE_EXPECT=1 cargo test -p xos-crds
//! --test yaml`, proved current by this test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use xos_crds::{definitions, yaml::to_yaml};
use xos_properties::{Convenience, of_folder};
use xos_xproto::{Sources, compile};

/// A folder of `crds/yaml`, and the models that it is made from.
const SETS: [(&str, &str); 2] = [("core", "core.xproto"), ("example", "example/mymodel.xproto")];

const HEADER: &str = "# Made from config/";

#[test]
fn the_committed_definitions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml");
    let wanted: BTreeMap<_, _> = SETS.iter().flat_map(|(name, models)| generate(&folder.join(name), models)).collect();
    if env::var_os("UPDATE_EXPECT").is_some() {
        update(&folder, &wanted);
    }
    let present = read(&folder);
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    let remedy = "`make crds` writes them anew";
    assert_eq!(names(&present), names(&wanted), "files of crds/yaml; {remedy}");
    for (path, text) in &wanted {
        assert!(present[path] == *text, "{} is not what the models make; {remedy}", path.display());
    }
}

/// Two services that use one of the core's models apply the same definition of it.
#[test]
fn the_cores_definitions_do_not_depend_on_the_set() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("yaml/core");
    let text = "message A (ServiceInstance) { optional manytoone slice->Slice:as = 1; }";
    // Those that it names, and all.
    for (uses, count) in [("", 2), ("option uses = \"core\";", 34)] {
        let mut sources = Sources::new();
        sources.add("a.xproto", format!("option app_label = \"a\"; {uses} {text}"));
        let definitions = definitions(&compile(&sources).models);
        let core: Vec<_> = definitions.iter().filter(|one| one.spec.group.starts_with("core.")).collect();
        assert_eq!(core.len(), count);
        for definition in core {
            let committed = fs::read_to_string(folder.join(format!("{}.yaml", definition.name_any()))).unwrap();
            assert!(committed.ends_with(&to_yaml(definition).unwrap()), "{}", definition.name_any());
        }
    }
}

/// Returns the files of one set of models.
fn generate(folder: &Path, models: &str) -> BTreeMap<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config").join(models);
    let mut sources = Sources::new();
    sources.add(models, fs::read(&source).unwrap());
    let mut convenience = Convenience::default();
    for path in of_folder(source.parent().unwrap()).unwrap() {
        convenience.read(path.clone(), fs::read_to_string(path));
    }
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let (models_of_set, _) = convenience.compile(&compiled.models).unwrap();
    let file = |definition: CustomResourceDefinition| {
        let text = format!("{HEADER}{models} by `make crds`; do not edit.\n{}", to_yaml(&definition).unwrap());
        (folder.join(format!("{}.yaml", definition.name_any())), text)
    };
    definitions(&models_of_set).into_iter().map(file).collect()
}

fn read(folder: &Path) -> BTreeMap<PathBuf, String> {
    let folders = SETS.iter().map(|(name, _)| folder.join(name)).filter(|folder| folder.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn update(folder: &Path, wanted: &BTreeMap<PathBuf, String>) {
    for path in read(folder).keys().filter(|path| !wanted.contains_key(*path)) {
        fs::remove_file(path).unwrap();
    }
    for (path, text) in wanted {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}
