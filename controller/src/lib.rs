#![doc = include_str!("lib.md")]

#[cfg(feature = "framework")]
mod framework;

#[cfg(feature = "framework")]
pub use framework::*;
#[cfg(feature = "build")]
pub use xos_codegen::{CodegenError, build, build_as};

/// Brings in what `build` made in build.rs: a struct for each model, enums for their choices, traits for
/// their bases, `XPROTO`, the files' text, and `models()`. With a name: what `build_as` made of that name.
#[macro_export]
macro_rules! include_models {
    () => {
        $crate::include_models!("models");
    };
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

/// Makes mimalloc the allocator of a program. Write it once, in `main.rs`:
///
/// ```
/// xos_controller::use_mimalloc!();
/// # fn main() {}
/// ```
///
/// Most of a controller's work is to read and write JSON, and a third of that time is spent in the system's allocator.
/// A program without this line keeps the system's allocator.
#[cfg(feature = "mimalloc")]
#[macro_export]
macro_rules! use_mimalloc {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::mimalloc::MiMalloc = $crate::mimalloc::MiMalloc;
    };
}
