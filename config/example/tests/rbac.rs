//! `rbac.yaml` is what the program prints.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

const HEAD: &str = "# What the example's synchronizer may do, and no more: `make rbac` writes this file, with
# example-synchronizer rbac --config config/example/config.yaml -n default --service-account xos-controller
";

#[test]
fn the_manifest_is_what_the_program_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut program = Command::new(env!("CARGO_BIN_EXE_example-synchronizer"));
    program.args(["rbac", "-n", "default", "--service-account", "xos-controller", "--config"]);
    let run = program.arg(folder.join("config.yaml")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let printed = format!("{HEAD}{}", String::from_utf8(run.stdout).unwrap());
    let path = folder.join("rbac.yaml");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), printed, "run `make rbac`");
}
