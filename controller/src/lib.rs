#![doc = include_str!("lib.md")]

pub use xos_crds::{CustomResource, TypedError};
pub use xos_model as model;
pub use xos_runtime::Synchronizer;
pub use xos_steps::{
    BusEvent, Event, EventError, EventStep, Listing, Message, Models, Policy, ProduceError, PullStep, Pulled, Save,
    SettingsError, StepContext, StepError, Steps, StoreError, SyncStep,
};

/// Brings in what `xos_codegen::build` made in build.rs: a struct for each model, enums for their choices, traits for their bases,
/// `XPROTO`, the files' text, and `models()`. With a name: what `build_as` made of that name.
#[macro_export]
macro_rules! include_models {
    () => {
        $crate::include_models!("models");
    };
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}
