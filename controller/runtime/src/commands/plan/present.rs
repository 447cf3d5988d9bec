//! The objects as they are now: of the cluster, or of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use kube::Client;
use kube::api::{Api, DynamicObject};
use serde_json::Value as Json;
use xos_model::{Object, ObjectKey};
use xos_xproto::{Model, ModelSet};

use super::{PlanArgs, PlanCommandError, text};
use crate::commands::folder::Folder;
use crate::kinds;

/// Where kubectl remembers what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The field manager of `kubectl apply --server-side`.
const KUBECTL: &str = "kubectl";
/// The namespace of objects in files that name none.
const NAMESPACE: &str = "default";

/// The objects as they are now.
pub(super) struct Present {
    pub(super) objects: Vec<Stored>,
    /// The namespace of objects that name none.
    pub(super) namespace: String,
}

/// An object as it is stored.
pub(super) struct Stored {
    pub(super) object: Object,
    resource: Json,
}

impl Present {
    pub(super) fn of(&self, key: &ObjectKey) -> Option<&Stored> {
        self.objects.iter().find(|stored| stored.object.key() == *key)
    }
}

impl Stored {
    /// Returns the fields of spec that kubectl has applied last.
    pub(super) fn applied(&self) -> BTreeSet<String> {
        let metadata = &self.resource["metadata"];
        let last: Json = serde_json::from_str(text(&metadata["annotations"], LAST_APPLIED)).unwrap_or_default();
        let by_client = last["spec"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
        let managers = metadata["managedFields"].as_array().into_iter().flatten();
        let by_server = managers.filter(|one| text(one, "manager") == KUBECTL && text(one, "operation") == "Apply");
        let fields = by_server.filter_map(|one| one["fieldsV1"]["f:spec"].as_object()).flatten();
        let by_server = fields.filter_map(|(name, _)| Some(name.strip_prefix("f:")?.to_owned()));
        by_client.chain(by_server).collect()
    }

    /// Returns whether kubectl has applied it.
    pub(super) fn is_applied(&self) -> bool {
        let metadata = &self.resource["metadata"];
        let managers = metadata["managedFields"].as_array().into_iter().flatten();
        let is_ours = |one: &Json| text(one, "manager") == KUBECTL && text(one, "operation") == "Apply";
        metadata["annotations"][LAST_APPLIED].is_string() || managers.filter(|one| is_ours(one)).count() > 0
    }
}

/// Reads the objects that the command line says.
pub(super) fn read(args: &PlanArgs, folder: &Folder) -> Result<Present, PlanCommandError> {
    let given = || args.namespace.clone();
    if !args.objects.is_empty() {
        let namespace = given().unwrap_or_else(|| NAMESPACE.to_owned());
        let mut objects = vec![];
        for path in &args.objects {
            of_file(&folder.models, path, &namespace, &mut objects)?;
        }
        return Ok(Present { objects, namespace });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(PlanCommandError::System)?.block_on(async {
        let client = args.target.client(xos_engine::API_TIMEOUT).await?;
        let namespace = given().unwrap_or_else(|| client.default_namespace().to_owned());
        let objects = of_cluster(&client, folder).await?;
        Ok(Present { objects, namespace })
    })
}

fn of_file(models: &ModelSet, path: &Path, namespace: &str, objects: &mut Vec<Stored>) -> Result<(), PlanCommandError> {
    let failed = |why: String| PlanCommandError::Read { path: path.to_owned(), why };
    let content = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let all: Vec<Json> = serde_saphyr::from_multiple(&content).map_err(|error| failed(error.to_string()))?;
    let items = all.into_iter().flat_map(|one| match one {
        Json::Object(mut list) if list.get("kind").is_some_and(|kind| kind == "List") => match list.remove("items") {
            Some(Json::Array(items)) => items,
            _ => vec![],
        },
        one => vec![one],
    });
    for resource in items {
        // Objects of other APIs are of no concern here.
        let model = models.get(text(&resource, "kind")).filter(|model| {
            !model.is_abstract && text(&resource, "apiVersion") == xos_crds::names::Names::of(model).api_version()
        });
        if let Some(mut object) = model.and_then(|model| object(model, &resource)) {
            if object.meta.namespace.is_empty() {
                namespace.clone_into(&mut object.meta.namespace);
            }
            objects.push(Stored { object, resource });
        }
    }
    Ok(())
}

async fn of_cluster(client: &Client, folder: &Folder) -> Result<Vec<Stored>, PlanCommandError> {
    let mut objects = vec![];
    for model in folder.models.concrete() {
        let resource = xos_crds::api_resource(model);
        let namespaces = &folder.config.engine.namespaces;
        let apis: Vec<Api<DynamicObject>> = match namespaces.as_slice() {
            [] => vec![Api::all_with(client.clone(), &resource)],
            all => all.iter().map(|one| Api::namespaced_with(client.clone(), one, &resource)).collect(),
        };
        for api in apis {
            let listed = kinds::for_each(&api, |one| {
                let whole = serde_json::to_value(one).unwrap_or_default();
                objects.extend(object(model, &whole).map(|object| Stored { object, resource: whole }));
            });
            let failed = |source| PlanCommandError::List { what: resource.plural.clone(), source: Box::new(source) };
            listed.await.map_err(failed)?;
        }
    }
    Ok(objects)
}

/// Reads an object of a model; nothing if it has no name.
pub(super) fn object(model: &Model, resource: &Json) -> Option<Object> {
    let resource: DynamicObject = serde_json::from_value(resource.clone()).ok()?;
    xos_crds::from_custom_resource(model, &resource).ok()
}
