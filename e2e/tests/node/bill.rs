//! The list of what is in an image: another program reads it, and what is in the image is on it.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use xos_harness::{paths, tools::python};
use xos_image::Image;

use crate::images::built;

const BILL: &str = "/usr/share/sbom/cyclonedx.json";

#[test]
fn another_program_finds_the_list_right_and_notices_a_wrong_one() {
    let (_, bill) = built("xos-example");
    let checked = check(bill);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let mut wrong: Value = serde_json::from_str(bill).unwrap();
    wrong["components"][0]["type"] = "something".into();
    assert!(!check(&wrong.to_string()).status.success());
}

#[test]
fn every_library_and_the_programs_own_crates_are_on_the_list() {
    let (image, bill) = built("xos-controller");
    let inside = image.layers.iter().find_map(|(_, layer)| layer.content(BILL)).unwrap();
    assert!(inside == bill.as_bytes());
    let bill: Value = serde_json::from_str(bill).unwrap();
    let names: Vec<_> =
        bill["components"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["xos-controller", "xos-engine", "kube-client", "rdkafka", "libc6", "libssl3", "ca-certificates"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    for name in ["xos-e2e", "proptest", "xos-harness"] {
        assert!(!names.contains(&name), "{name} is of tests only");
    }
    assert!(every_package(image).iter().all(|package| names.contains(&package.as_str())));
}

/// Returns the packages of which the image says that they are installed.
fn every_package(image: &Image) -> Vec<String> {
    let paths = image.layers.iter().flat_map(|(_, layer)| layer.paths());
    let folder = std::path::Path::new("var/lib/dpkg/status.d");
    let found: Vec<_> = paths
        .filter(|path| path.parent() == Some(folder))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(found.len() > 4, "{found:?}");
    found
}

fn check(document: &str) -> Output {
    let folder = paths::repository().join("e2e/image/bill");
    let environment = python::environment("cyclonedx", &folder.join("requirements.txt")).unwrap();
    let mut python = Command::new(environment.join("bin/python"));
    python.arg(folder.join("check.py")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().unwrap();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
