//! A crate that `xos new` writes builds, is tested and runs as it stands, outside this work tree.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs};

use serde_json::{Value, json};
use tokio::process::Command;
use xos_harness::synchronizer::{Access, Launch};
use xos_harness::{TestNamespace, eventually, example::SOON, namespace, paths};

#[tokio::test]
async fn a_service_without_a_base() {
    its_first_object_is_ready("plain-probe", "XOSBase", "plainprobe").await;
}

#[tokio::test]
async fn a_service_with_instances() {
    its_first_object_is_ready("instance-probe", "ServiceInstance", "instanceprobe").await;
}

async fn its_first_object_is_ready(name: &str, base: &str, resource: &str) {
    namespace::with(name, async |namespace| {
        let outside = tempfile::tempdir().unwrap();
        let service = written(name, base, outside.path()).await;
        let program = built_and_tested(name, &service).await;
        let checked =
            output(Command::new(&program).current_dir(&service).args(["check", ".", "config.yaml"]), "check").await;
        assert!(checked.contains("1 model: no problems found"), "{checked}");
        runs(namespace, &service, &program, resource).await;
    })
    .await
    .unwrap();
}

async fn written(name: &str, base: &str, parent: &Path) -> PathBuf {
    let mut command = Command::new(paths::program("xos").unwrap());
    command.current_dir(parent).args(["new", name, "--base", base, "--framework-path"]).arg(paths::repository());
    let said = output(&mut command, "xos new").await;
    assert!(said.contains("cargo test"), "{said}");
    let folder = parent.join(name);
    // Its dependencies are those that this workspace was built with: nothing is downloaded.
    fs::copy(paths::repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Runs its tests with this workspace's folder of built crates, so that only the framework is built again.
async fn built_and_tested(name: &str, service: &Path) -> PathBuf {
    let myself = env::current_exe().unwrap();
    let profile = myself.parent().and_then(Path::parent).unwrap();
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(service).args(["test", "--offline"]).env("CARGO_TARGET_DIR", profile.parent().unwrap());
    if profile.file_name() == Some(OsStr::new("release")) {
        command.arg("--release");
    }
    let said = output(&mut command, "cargo test").await;
    assert!(said.contains("test an_object_is_put_into_the_backend_and_taken_out ... ok"), "{said}");
    profile.join(name)
}

async fn runs(namespace: &TestNamespace, service: &Path, program: &Path, resource: &str) {
    let kubectl = namespace.cluster().kubectl();
    let manifest = service.join("rbac.yaml");
    let access =
        Access::grant(kubectl, &namespace.client(), &manifest, namespace.name(), namespace.folder()).await.unwrap();
    let backend = namespace.folder().join("backend");
    let overlay = json!({"namespaces": [namespace.name()], "settings": {"backend_folder": backend}});
    let log = namespace.log("synchronizer");
    let config = service.join("config.yaml");
    let program = program.to_str().unwrap();
    let launch = Launch::new(program, &config, &overlay, namespace.folder(), &log, &access).unwrap();
    let mut running = launch.start().unwrap();

    let objects = fs::read_to_string(service.join("objects.yaml")).unwrap();
    eventually(SOON, "its kinds to be served", async || namespace.apply(&objects).await.map(drop)).await.unwrap();
    let first = format!("{resource}/first");
    namespace.kubectl(&["wait", "--for=condition=Ready", &first, "--timeout=60s"]).await.unwrap();
    let file = backend.join(format!("{}.first.json", namespace.name()));
    let thing: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(thing, json!({"target": "somewhere", "label": "SOMEWHERE"}));

    namespace.kubectl(&["delete", &first, "--timeout=60s"]).await.unwrap();
    assert!(!file.exists());
    assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
}

/// What a command prints, which has to succeed.
async fn output(command: &mut Command, what: &str) -> String {
    let run = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{what}:\n{said}");
    said
}
