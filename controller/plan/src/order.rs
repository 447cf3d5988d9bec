//! In which order steps are called, and why.

use serde_json::Value;
use xos_model::{Object, ObjectKey, Operation, Reference};
use xos_xproto::ModelSet;

use crate::plan::StepCall;
use crate::recording::Called;
use crate::world::{Service, shown};

/// What a link of an object leads to.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The link, as kubectl shows it.
    pub(crate) link: String,
    pub(crate) is_to_many: bool,
    class: String,
    namespace: String,
    name: String,
}

impl Peer {
    /// Returns whether it is this object.
    pub(crate) fn is(&self, models: &ModelSet, key: &ObjectKey) -> bool {
        *key.name == *self.name
            && *key.namespace == *self.namespace
            && models.get(&key.model).is_some_and(|model| model.is_a(&self.class))
    }
}

/// Returns what the links of an object lead to.
pub(crate) fn peers(models: &ModelSet, object: &Object) -> Vec<Peer> {
    let Some(model) = models.get(&object.model) else { return vec![] };
    let mut peers = vec![];
    for link in &model.links {
        let values = match object.fields.get(&link.name) {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => continue,
        };
        for value in values {
            let Ok(reference) = serde_json::from_value::<Reference>(value.clone()) else { continue };
            peers.push(Peer {
                link: shown(&link.name),
                is_to_many: link.is_to_many(),
                class: reference.kind.unwrap_or_else(|| link.peer.clone()),
                namespace: reference.namespace.unwrap_or_else(|| object.meta.namespace.clone()),
                name: reference.name,
            });
        }
    }
    peers
}

/// Returns the calls of steps in their order, and those of policies that are not run.
pub(crate) fn calls(service: &Service, called: &[Called]) -> (Vec<StepCall>, Vec<StepCall>) {
    let (mut steps, mut unknown) = (vec![], vec![]);
    for (at, one) in called.iter().enumerate().filter(|(_, one)| !is_needless(service, one)) {
        let operation = match one.operation {
            Operation::Sync => "sync",
            Operation::Delete => "delete",
            _ => "policy",
        };
        let after = if one.is_policy { vec![] } else { after(service, one, &called[..at]) };
        let call = StepCall { step: one.name.clone(), operation, object: one.object.to_string(), after };
        let into = if one.is_policy { &mut unknown } else { &mut steps };
        into.push(call);
    }
    (steps, unknown)
}

/// Returns whether it is the delete step of an object that was never handed to the step: a controller that saw the object
/// come knows that there is nothing to undo. (One that was started since is in doubt, and calls it.)
fn is_needless(service: &Service, one: &Called) -> bool {
    let own = one.state.status.of(&service.name);
    one.operation == Operation::Delete && own.is_none_or(|own| own.sync.is_untried())
}

/// Returns the objects of earlier calls for which a call waited, with the links that say so.
fn after(service: &Service, one: &Called, earlier: &[Called]) -> Vec<(String, String)> {
    let models = &service.models;
    let mut all: Vec<(String, String)> = vec![];
    let mut add = |other: &Called, link: String| {
        let pair = (other.object.to_string(), link);
        if !all.contains(&pair) {
            all.push(pair);
        }
    };
    let earlier = earlier.iter().filter(|other| !other.is_policy && other.object != one.object);
    match one.operation {
        Operation::Sync => {
            let peers = peers(models, &one.state);
            for other in earlier.filter(|other| other.operation == Operation::Sync) {
                if let Some(peer) = peers.iter().find(|peer| peer.is(models, &other.object)) {
                    add(other, peer.link.clone());
                } else if depends(service, &one.object, &other.object) {
                    add(other, "dependency_graph".to_owned());
                }
            }
        }
        // Those that lead to a deleted object go before it.
        Operation::Delete => {
            for other in earlier.filter(|other| other.operation == Operation::Delete) {
                let leads = peers(models, &other.state).into_iter().find(|peer| peer.is(models, &one.object));
                if let Some(peer) = leads {
                    add(other, peer.link);
                }
            }
        }
        _ => {}
    }
    all
}

/// Returns whether the dependencies of the configuration say that one object waits for another.
fn depends(service: &Service, one: &ObjectKey, other: &ObjectKey) -> bool {
    let is_a = |key: &ObjectKey, class: &str| service.models.get(&key.model).is_some_and(|model| model.is_a(class));
    let mut all = service.options.dependencies.iter().filter(|edge| edge.port.is_empty());
    one.namespace == other.namespace && all.any(|edge| is_a(one, &edge.model) && is_a(other, &edge.on))
}
