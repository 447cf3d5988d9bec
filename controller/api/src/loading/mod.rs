//! Models that clients load and unload, as XOS's synchronizers do when they start: each service is a `ModelSet`.

mod sets;
mod version;

use std::collections::BTreeMap;

use xos_grpc::messages::xos::load_models_reply::LoadModelsStatus;
use xos_grpc::messages::xos::unload_models_request::CleanupBehavior;
use xos_grpc::messages::xos::{LoadModelsRequest, LoadStatusReply, ServiceModelStatus, UnloadModelsRequest};
use xos_kinds::{Cleanup, ModelSet};
use xos_model::Query;
use xos_xproto::{ModelSet as Models, Sources, compile};

use crate::caller::Caller;
use crate::core::Core;
use crate::error::ApiError;

pub use sets::ModelSets;
pub(crate) use version::XOS;

/// What is loaded, as the original names it.
const CORE: &str = "core";

/// Loads and unloads models.
#[derive(Clone, Debug)]
pub(crate) struct Loading {
    pub(crate) core: Core,
    /// Where sets of models are objects; nowhere, if the configuration does not take them.
    pub(crate) sets: Option<ModelSets>,
}

impl Loading {
    /// Loads the models of a service. Returns once they are served.
    ///
    /// # Errors
    /// When they are for another version of XOS, have errors, or would break stored objects; or when none are taken here.
    pub(crate) async fn load(&self, caller: &Caller, request: LoadModelsRequest) -> Result<LoadModelsStatus, ApiError> {
        version::check(&request.name, &request.core_version)?;
        let mut xprotos = BTreeMap::new();
        for file in request.xprotos {
            check_name(&file.filename)?;
            xprotos.insert(file.filename, file.contents);
        }
        let python = request.decls.len() + request.attics.len() + request.migrations.len();
        if python > 0 {
            tracing::warn!(
                service = request.name,
                files = python,
                "models come with code in Python, which is not run here"
            );
        }
        let there = match &self.sets {
            Some(sets) => sets.get(&request.name).await?,
            None => None,
        };
        if there.is_none() && self.are_served(&xprotos) {
            return Ok(LoadModelsStatus::SuccessNothingChanged);
        }
        let Some(sets) = &self.sets else {
            let why = "no models are loaded here: set `cluster_documents` in the configuration, or put them into `models_dir`";
            return Err(ApiError::Precondition(format!("{}: {why}", request.name)));
        };
        let is_same = |set: &ModelSet| {
            set.spec.xprotos == xprotos && set.spec.version.as_deref() == Some(&request.version) && sets::is_ready(set)
        };
        if there.as_ref().is_some_and(is_same) {
            return Ok(LoadModelsStatus::SuccessNothingChanged);
        }
        sets.apply(caller, &request.name, &request.version, &xprotos).await?;
        Ok(LoadModelsStatus::Success)
    }

    /// Returns whether all models in these files are served, as they are there.
    fn are_served(&self, xprotos: &BTreeMap<String, String>) -> bool {
        let (compiled, served) = (compiled(xprotos), self.core.served());
        let mut own = own(&compiled).peekable();
        own.peek().is_some()
            && own.all(|model| served.models.get(&model.name).is_some_and(|there| there.is_declared_as(model)))
    }

    /// Takes the models of a service away.
    ///
    /// # Errors
    /// When there are objects of them, and the request does not say what becomes of these.
    pub(crate) async fn unload(
        &self,
        caller: &Caller,
        request: UnloadModelsRequest,
    ) -> Result<LoadModelsStatus, ApiError> {
        let Some(sets) = &self.sets else { return Ok(LoadModelsStatus::Success) };
        let Some(set) = sets.get(&request.name).await? else { return Ok(LoadModelsStatus::Success) };
        let cleanup = match CleanupBehavior::try_from(request.cleanup_behavior) {
            Ok(CleanupBehavior::RequireClean) => Cleanup::RequireClean,
            Ok(CleanupBehavior::AutomaticallyClean) => Cleanup::AutomaticallyClean,
            Ok(CleanupBehavior::Purge) => Cleanup::Purge,
            Err(_) => return Err(ApiError::field("cleanup_behavior", "there is no such behaviour")),
        };
        if cleanup == Cleanup::RequireClean {
            self.refuse_live(&set)?;
        }
        let is_gone = sets.remove(caller, &set, cleanup).await?;
        Ok(if is_gone { LoadModelsStatus::Success } else { LoadModelsStatus::Tryagain })
    }

    /// Refuses to unload models of which there are objects.
    fn refuse_live(&self, set: &ModelSet) -> Result<(), ApiError> {
        let compiled = compiled(&set.spec.xprotos);
        let mut is_leaving = false;
        for model in own(&compiled).filter(|model| !model.is_abstract) {
            let all = Query { with_deleted: true, ..Query::of(&model.name, None) };
            for object in self.core.query(&all)? {
                if object.meta.deleting.is_none() {
                    return Err(ApiError::Duplicate("ERROR_LIVE_MODELS".to_owned()));
                }
                is_leaving = true;
            }
        }
        if is_leaving { Err(ApiError::Duplicate("ERROR_DELETION_IN_PROGRESS".to_owned())) } else { Ok(()) }
    }

    /// Returns what is loaded; the core last.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(crate) async fn status(&self) -> Result<LoadStatusReply, ApiError> {
        let all = match &self.sets {
            Some(sets) => sets.all().await?,
            None => vec![],
        };
        let entry = |name: &str, version: &str, state: &str| ServiceModelStatus {
            name: name.to_owned(),
            version: version.to_owned(),
            state: state.to_owned(),
        };
        let mut services: Vec<_> = all
            .iter()
            .map(|set| {
                let state = match set.metadata.deletion_timestamp {
                    Some(_) => "unload",
                    None if sets::is_ready(set) => "present",
                    None => "load",
                };
                entry(sets::name_of(set), set.spec.version.as_deref().unwrap_or_default(), state)
            })
            .collect();
        services.push(entry(CORE, XOS, "present"));
        Ok(LoadStatusReply { services, ..LoadStatusReply::default() })
    }
}

/// Returns the models of files; none where they have errors.
fn compiled(xprotos: &BTreeMap<String, String>) -> Models {
    let mut sources = Sources::new();
    for (name, text) in xprotos {
        sources.add(name, text.as_str());
    }
    let compiled = compile(&sources);
    if compiled.has_errors() { Models::default() } else { compiled.models }
}

/// Returns those that the files declare themselves.
fn own(models: &Models) -> impl Iterator<Item = &xos_xproto::Model> {
    models.iter().filter(|model| !model.is_built_in())
}

/// Checks the name of a file.
fn check_name(name: &str) -> Result<(), ApiError> {
    let is_allowed = |letter: char| letter.is_alphanumeric() || "_.-".contains(letter);
    if !name.is_empty() && name.chars().all(is_allowed) {
        return Ok(());
    }
    Err(ApiError::field("filename", format!("`{name}` has other characters than letters, digits, `_`, `.` and `-`")))
}
