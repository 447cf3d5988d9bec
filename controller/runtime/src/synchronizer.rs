//! The builder of a synchronizer.

use xos_steps::{Steps, step_methods};

/// A synchronizer: models and the steps that work on them. `run` reads the command line and does what it says.
///
/// ```ignore
/// fn main() -> std::process::ExitCode {
///     Synchronizer::new("example").models(XPROTO).sync_step(SyncMyModel).run()
/// }
/// ```
#[must_use = "a synchronizer does nothing before `run`"]
pub struct Synchronizer {
    pub(crate) name: String,
    pub(crate) models: Vec<(String, String)>,
    pub(crate) steps: Steps,
}

impl Synchronizer {
    /// Makes a synchronizer without models and steps. The name is that of its command line; the name that it has on
    /// objects (in finalizers, field managers, bookkeeping) is `name` in its configuration.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), models: vec![], steps: Steps::new() }
    }

    /// Adds xproto files, as (name, text): `XPROTO` of the generated code. A `models_dir` in the configuration replaces
    /// them.
    pub fn models(mut self, files: &[(&str, &str)]) -> Self {
        self.models.extend(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        self
    }

    step_methods!(steps);
}
