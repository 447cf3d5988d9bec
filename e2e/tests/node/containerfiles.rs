//! Containerfiles, read as `BuildKit` reads them, make images like ours.

use std::process::Command;

use serde_json::Value;
use xos_harness::{paths, tools};

use crate::images::{built, recipe};

#[test]
fn the_programs_containerfile_makes_an_image_like_ours() {
    agrees("controller/Containerfile", "xos-controller");
}

#[test]
fn the_examples_containerfile_makes_an_image_like_ours() {
    agrees("config/example/Containerfile", "xos-example");
}

/// Compares the last stage of a Containerfile with the image that we make.
fn agrees(file: &str, name: &str) {
    let recipe = recipe(name);
    let (image, _) = built(name);
    let stage = last_stage(file);
    assert_eq!(stage["user"], image.user);
    assert_eq!(stage["entrypoint"], serde_json::json!(image.entrypoint));
    assert_eq!(stage["runs"], 0, "the base has no shell that could run anything");
    assert!(stage["base"].as_str().unwrap().ends_with(":nonroot"), "{stage}");
    // What differs each time is given when it is built.
    let given = [("version", "$VERSION"), ("revision", "$REVISION")];
    for (key, value) in image.labels.iter().filter(|(key, _)| !key.ends_with(".created")) {
        let short = key.rsplit('.').next().unwrap();
        let value = given.iter().find(|(key, _)| *key == short).map_or(value.as_str(), |(_, variable)| variable);
        assert_eq!(stage["labels"][key], value, "{key}");
    }
    let copied = stage["copies"].as_object().unwrap();
    for program in recipe.programs {
        assert_eq!(copied[&format!("/source/target/release/{program}")], "/usr/bin/");
    }
    for (from, to) in recipe.files {
        let place = copied[*from].as_str().unwrap();
        assert!(to.starts_with(place), "{from} goes to {place}");
    }
}

fn last_stage(file: &str) -> Value {
    let modules = paths::repository().join("e2e/image/containerfile");
    let program = tools::programs(&modules, "containerfile", &["containerfile"]).unwrap().join("containerfile");
    let read = Command::new(program).arg(paths::repository().join(file)).output().unwrap();
    assert!(read.status.success(), "{file}: {}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}
