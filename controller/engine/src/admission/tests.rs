use super::*;
use crate::installation::Run;
use crate::registry::Registry;
use jiff::Timestamp;
use xos_steps::{StepContext, StepError, Steps, SyncStep};
use xos_xproto::{Sources, compile};

struct Step;

impl SyncStep for Step {
    type Model = xos_model::Object;
    fn observes(&self) -> &str {
        "Slice"
    }
    async fn sync_record(&self, _: &StepContext, _: &mut xos_model::Object) -> Result<(), StepError> {
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &xos_model::Object) -> Result<(), StepError> {
        Ok(())
    }
}

fn registry() -> Registry {
    let mut sources = Sources::new();
    let text = "option app_label = \"t\"; message Site (XOSBase) { required string name = 1 [max_length = 9]; }
        message Slice (XOSBase) { required manytoone site->Site:slices = 1:1001; }
        message Other (XOSBase) { required string name = 1 [max_length = 9]; }";
    sources.add("t.xproto", text);
    Registry::new("my-sync", &compile(&sources).models, &Steps::new().sync_step(Step)).unwrap()
}

fn installation(namespaces: &[&str], at_creation: bool) -> Installation {
    let namespaces: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
    let run = Run { started_at: Timestamp::UNIX_EPOCH, instance: "host/1".to_owned(), stopped_at: None };
    Installation::of(&registry(), &namespaces, at_creation, run)
}

#[test]
fn the_parameter_says_which_finalizers() {
    let own = installation(&["b", "a"], true);
    let shown: Vec<_> = own
        .spec
        .kinds
        .iter()
        .map(|kind| (kind.resource.as_str(), kind.finalizers.join(","), kind.finalizers_at_creation))
        .collect();
    assert_eq!(
        shown,
        [
            ("sites", "links.xos.opencord.org/my-sync".to_owned(), true),
            ("slices", "sync.xos.opencord.org/my-sync".to_owned(), true)
        ]
    );
    assert_eq!(own.spec.namespaces, ["a", "b"]);
    assert!(!installation(&[], false).sets_finalizers_at_creation());
    assert!(!own.without_finalizers_at_creation().sets_finalizers_at_creation());
}

#[test]
fn the_policy_is_the_same_for_all_installations_of_a_synchronizer() {
    assert_eq!(policy(&installation(&["a"], true)), policy(&installation(&[], false)));
    let (policy, binding) = policy(&installation(&[], true));
    assert_eq!(policy.metadata.name.as_deref(), Some("xos-my-sync"));
    assert_eq!(policy.metadata, binding.metadata);
    let reference = binding.spec.unwrap().param_ref.unwrap();
    assert_eq!(reference.parameter_not_found_action.as_deref(), Some("Allow"));
    assert!(policy.spec.unwrap().param_kind.is_some());
}
