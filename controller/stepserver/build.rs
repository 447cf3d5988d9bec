//! Compiles `proto/xos/steps/v1/steps.proto`, with a compiler in Rust: no `protoc` is needed.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let file = root.join("xos/steps/v1/steps.proto");
    println!("cargo::rerun-if-changed={}", file.display());
    let descriptors = protox::compile([&file], [&root])?;
    tonic_prost_build::configure()
        .build_transport(false)
        // Objects have passwords, and an answer to a query has many: no log shows them.
        .skip_debug(["."])
        // They are written for protobuf, and not for rustdoc.
        .disable_comments(["."])
        .compile_fds(descriptors)?;
    Ok(())
}
