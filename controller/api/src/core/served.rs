//! What is served of a set of models.

use std::sync::{Arc, OnceLock};

use xos_grpc::{Api, Message, Schema};
use xos_xproto::{Model, ModelSet};

use crate::error::ApiError;

/// The API of the models that are loaded.
pub(crate) struct Served {
    pub(crate) models: Arc<ModelSet>,
    api: Api,
    schema: OnceLock<Option<Schema>>,
}

impl Served {
    pub(super) fn of(models: Arc<ModelSet>) -> Self {
        let api = Api::of(&models).unwrap_or_else(|error| {
            // It takes names that collide with those that the API adds.
            tracing::error!(%error, "these models have no API: nothing is served of any model");
            Api { messages: vec![] }
        });
        Self { models, api, schema: OnceLock::new() }
    }

    /// Returns a model and its message.
    pub(crate) fn get(&self, name: &str) -> Result<(&Model, &Message), ApiError> {
        let model = self.models.get(name).filter(|model| !model.is_referred);
        model.zip(self.api.message(name)).ok_or_else(|| ApiError::NoModel(name.to_owned()))
    }

    /// Returns what clients are told of the API.
    pub(crate) fn schema(&self) -> Option<&Schema> {
        let schema = || Schema::of(&self.api).inspect_err(|error| tracing::error!(%error, "no schema is served")).ok();
        self.schema.get_or_init(schema).as_ref()
    }
}
