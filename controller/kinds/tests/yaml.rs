//! `crds/yaml/framework/` holds the definitions of the five kinds: written by `make crds`, proved current by this test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::{env, fs};

use xos_crds::yaml::to_yaml;
use xos_kinds::{Framework, definitions};

#[test]
fn the_committed_definitions_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds/yaml/framework");
    for Framework { name, definition } in definitions() {
        let path = folder.join(format!("{name}.yaml"));
        let text = format!("# Made by `make crds`; do not edit.\n{}", to_yaml(&definition).unwrap());
        if env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{} is not current; `make crds` writes it anew", path.display());
    }
}
