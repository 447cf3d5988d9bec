//! Compiles the files of XOS's API that are the same for all models, with a compiler in Rust: no `protoc` is needed.

use std::error::Error;
use std::path::Path;

/// The files, beside those that they import.
const FILES: [&str; 6] = ["common", "dynamicload", "filetransfer", "modeldefs", "schema", "utility"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files: Vec<_> = FILES.iter().map(|name| root.join(format!("{name}.proto"))).collect();
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(&files, [&root])?;
    tonic_prost_build::configure()
        .build_transport(false)
        // Passwords and files are in no log.
        .skip_debug([".xos.LoginRequest", ".xos.LoginResponse", ".xos.FileContents", ".xos.FileUploadChunk"])
        // They are written for protobuf, and not for rustdoc.
        .disable_comments(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
