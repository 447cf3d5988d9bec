//! What says to whom an object of Kubernetes belongs: labels on it, and a list of all of them on its owner.
//!
//! The list is an annotation of the owner, and is written before an object that is not in it is made. So what a document
//! once made, and does not name any more, is found and removed, also after a crash.

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use xos_crds::names::Names;
use xos_model::Object;
use xos_model::names::{DOMAIN, SYNCHRONIZER_LABEL};
use xos_steps::{ForeignKind, StepContext};
use xos_xproto::ModelSet;

/// The longest value of a label, and the longest name of an annotation.
const LONGEST: usize = 63;

/// An object that belongs to one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) kind: ForeignKind,
    /// Empty for kinds that are in no namespace.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Owned {
    /// Returns it as a text: `apps/v1 Deployment deployments default/web`.
    fn text(&self) -> String {
        let Self { kind, namespace, name } = self;
        format!("{} {} {} {namespace}/{name}", kind.api_version(), kind.kind, kind.plural)
    }

    fn read(text: &str) -> Option<Self> {
        let [version, kind, plural, place] = text.split(' ').collect::<Vec<_>>().try_into().ok()?;
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let (namespace, name) = place.split_once('/')?;
        let kind = ForeignKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            is_namespaced: !namespace.is_empty(),
        };
        Some(Self { kind, namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Returns whether it is the same object, whatever version of its kind is meant.
    pub(crate) fn is(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.kind.group.clone(), one.kind.kind.clone(), one.namespace.clone(), one.name.clone());
        key(self) == key(other)
    }

    pub(crate) fn called(&self) -> String {
        super::api::called(&self.kind, &self.namespace, &self.name)
    }
}

/// Returns the name of the annotation with the list, after `xos.opencord.org/`. Each synchronizer has its own.
pub(crate) fn annotation(synchronizer: &str) -> String {
    short(&format!("applied.{synchronizer}"))
}

/// Returns all that was made for an object, in the order in which it was made.
pub(crate) fn all_of(object: &Object, synchronizer: &str) -> Vec<Owned> {
    let text = object.meta.annotations.get(annotation(synchronizer).as_str());
    let all: Vec<String> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    all.iter().filter_map(|text| Owned::read(text)).collect()
}

/// Returns the value of the annotation; none if there is nothing to list.
pub(crate) fn listed(all: &[Owned]) -> Option<String> {
    let texts: Vec<_> = all.iter().map(Owned::text).collect();
    (!texts.is_empty()).then(|| json!(texts).to_string())
}

/// The owner of objects: one of ours, and the step that makes them.
pub(crate) struct Owner {
    uid: String,
    labels: Vec<(String, String)>,
    reference: Option<Json>,
    namespace: String,
}

impl Owner {
    pub(crate) fn of(ctx: &StepContext, models: &ModelSet, object: &Object) -> Self {
        let meta = &object.meta;
        let label = |name: &str, value: &str| (format!("{DOMAIN}/{name}"), short(value));
        let labels = vec![
            ("app.kubernetes.io/managed-by".to_owned(), "xos".to_owned()),
            (SYNCHRONIZER_LABEL.to_owned(), ctx.synchronizer().to_owned()),
            label("step", ctx.step()),
            label("owner-kind", &object.model),
            label("owner-namespace", &meta.namespace),
            label("owner-name", &meta.name),
            label("owner-uid", &meta.uid),
        ];
        let reference = models.get(&object.model).map(|model| {
            let names = Names::of(model);
            json!({"apiVersion": names.api_version(), "kind": names.kind, "name": meta.name, "uid": meta.uid})
        });
        Self { uid: short(&meta.uid), labels, reference, namespace: meta.namespace.clone() }
    }

    /// Returns whether an object belongs to it.
    pub(crate) fn owns(&self, object: &Json) -> bool {
        object["metadata"]["labels"][format!("{DOMAIN}/owner-uid")] == self.uid.as_str()
    }

    /// Gives an object its name, and what says to whom it belongs. An ownerReference may only lead to an object of the same
    /// namespace.
    pub(crate) fn mark(&self, object: &mut Json, owned: &Owned) {
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(owned.name);
        if owned.kind.is_namespaced {
            metadata["namespace"] = json!(owned.namespace);
        }
        for (name, value) in &self.labels {
            metadata["labels"][name] = json!(value);
        }
        if owned.kind.is_namespaced && owned.namespace == self.namespace && metadata["ownerReferences"].is_null() {
            metadata["ownerReferences"] = self.reference.iter().cloned().collect();
        }
    }

    /// Returns a label selector for all objects that the step makes.
    pub(crate) fn selector(ctx: &StepContext) -> String {
        format!("{SYNCHRONIZER_LABEL}={},{DOMAIN}/step={}", ctx.synchronizer(), short(ctx.step()))
    }
}

/// Returns who says that an object is his.
pub(crate) fn owner_of(object: &Json) -> String {
    let label = |name: &str| object["metadata"]["labels"][format!("{DOMAIN}/{name}")].as_str();
    match (label("owner-kind"), label("owner-namespace"), label("owner-name")) {
        (Some(kind), Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
        _ => "somebody else".to_owned(),
    }
}

/// Returns a text that fits into a label: one that is too long is cut, and has a hash at its end.
fn short(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let hash: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let cut: String = text.chars().take(LONGEST - hash.len() - 1).collect();
    format!("{}-{hash}", cut.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let kind = |group: &str, kind: &str, plural: &str, is_namespaced| ForeignKind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            is_namespaced,
        };
        let web = Owned {
            kind: kind("apps", "Deployment", "deployments", true),
            namespace: "default".to_owned(),
            name: "web".to_owned(),
        };
        let all = [
            web.clone(),
            Owned { kind: kind("", "Namespace", "namespaces", false), namespace: String::new(), name: "a".to_owned() },
        ];
        let mut object = Object::named("Person", "default", "ada");
        let text = listed(&all).unwrap();
        assert_eq!(text, r#"["apps/v1 Deployment deployments default/web","v1 Namespace namespaces /a"]"#);
        object.meta.annotations.insert(annotation("people").into(), text);
        assert_eq!(all_of(&object, "people"), all);
        assert_eq!(all_of(&object, "others"), []);
        assert_eq!(listed(&[]), None);
        assert!(web.is(&Owned { kind: ForeignKind { version: "v2".to_owned(), ..web.kind.clone() }, ..web.clone() }));
    }

    #[test]
    fn what_is_too_long_for_a_label_is_cut_and_stays_unlike_others() {
        assert_eq!(short("ada"), "ada");
        let [one, other] = ["x", "y"].map(|end| short(&format!("{}{end}", "a.".repeat(40))));
        assert!(one.len() <= LONGEST && one != other, "{one} {other}");
    }
}
