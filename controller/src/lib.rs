#![doc = include_str!("lib.md")]

pub use xos_model as model;
pub use xos_runtime::Synchronizer;
pub use xos_steps::{ContextParts, SettingsError, StepContext, StepError, SyncStep};

/// Brings in what `xos_codegen::build` made in build.rs: a struct for each model, and `XPROTO`, the files' text.
#[macro_export]
macro_rules! include_models {
    () => {
        include!(concat!(env!("OUT_DIR"), "/models.rs"));
    };
}
