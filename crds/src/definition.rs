//! A model as a CustomResourceDefinition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, CustomResourceDefinitionNames, CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion, CustomResourceSubresourceStatus, CustomResourceSubresources,
    CustomResourceValidation,
};
use kube::api::ObjectMeta;
use kube::core::{ApiResource, GroupVersionKind};
use xos_model::names::APP_LABEL;
use xos_xproto::{Model, ModelSet};

use crate::names::{Names, VERSION};
use crate::{columns, schema, selectable};

/// Returns the definitions of all models that have objects (abstract ones have none), in the set's order.
pub fn definitions(models: &ModelSet) -> Vec<CustomResourceDefinition> {
    models.concrete().map(|model| definition(models, model)).collect()
}

/// Returns the definition of one model of a set: namespaced, version v1, with the status subresource.
pub fn definition(models: &ModelSet, model: &Model) -> CustomResourceDefinition {
    let names = Names::of(model);
    CustomResourceDefinition {
        metadata: ObjectMeta {
            name: Some(names.definition()),
            labels: Some([(APP_LABEL.to_owned(), names.categories.last().cloned().unwrap_or_default())].into()),
            ..ObjectMeta::default()
        },
        spec: CustomResourceDefinitionSpec {
            group: names.group.clone(),
            names: CustomResourceDefinitionNames {
                kind: names.kind.clone(),
                list_kind: Some(format!("{}List", names.kind)),
                plural: names.plural,
                singular: Some(names.singular),
                categories: Some(names.categories),
                short_names: Some(names.short_names).filter(|names| !names.is_empty()),
            },
            scope: "Namespaced".to_owned(),
            versions: vec![version(models, model)],
            ..CustomResourceDefinitionSpec::default()
        },
        status: None,
    }
}

fn version(models: &ModelSet, model: &Model) -> CustomResourceDefinitionVersion {
    CustomResourceDefinitionVersion {
        name: VERSION.to_owned(),
        served: true,
        storage: true,
        schema: Some(CustomResourceValidation { open_api_v3_schema: Some(schema::of(models, model)) }),
        subresources: Some(CustomResourceSubresources {
            status: Some(CustomResourceSubresourceStatus(serde_json::json!({}))),
            ..CustomResourceSubresources::default()
        }),
        additional_printer_columns: Some(columns::of(model)),
        selectable_fields: Some(selectable::of(model)).filter(|fields| !fields.is_empty()),
        ..CustomResourceDefinitionVersion::default()
    }
}

/// Returns what a client needs to address a model's custom resources.
pub fn api_resource(model: &Model) -> ApiResource {
    let names = Names::of(model);
    let gvk = GroupVersionKind::gvk(&names.group, VERSION, &names.kind);
    ApiResource::from_gvk_with_plural(&gvk, &names.plural)
}
