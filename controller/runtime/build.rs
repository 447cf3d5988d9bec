//! Tells the program which compiler it is made with, for the metric `xos_build_info`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let Some(rustc) = std::env::var_os("RUSTC") else { return };
    let Ok(told) = Command::new(rustc).arg("--version").output() else { return };
    // `rustc 1.95.0 (…)`
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    if let Some(version) = told.split_whitespace().nth(1) {
        println!("cargo:rustc-env=XOS_RUSTC={version}");
    }
}
