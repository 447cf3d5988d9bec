use super::*;
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

#[test]
fn one_policy_for_what_goes_together() {
    let policies = policies(&registry(), &[]);
    let shown: Vec<_> = policies
        .wanted
        .iter()
        .map(|(policy, binding)| {
            let spec = policy.spec.as_ref().unwrap();
            let rule = &spec.match_constraints.as_ref().unwrap().resource_rules.as_ref().unwrap()[0];
            let patch = spec.mutations.as_ref().unwrap()[0].apply_configuration.clone().unwrap();
            (policy.name_any(), binding.name_any(), rule.resources.clone().unwrap(), patch.expression.unwrap())
        })
        .collect();
    let expect = |kind: &str, resource: &str| {
        let name = format!("xos-my-sync-{kind}");
        let set = format!("Object{{metadata: Object.metadata{{finalizers: [\"{kind}.xos.opencord.org/my-sync\"]}}}}");
        (name.clone(), name, vec![resource.to_owned()], set)
    };
    assert_eq!(shown, [expect("links", "sites"), expect("sync", "slices")]);
    assert_eq!(policies.unwanted, ["xos-my-sync-policy", "xos-my-sync-sync-policy"]);
}

#[test]
fn each_set_of_namespaces_has_its_own_binding() {
    let names = |namespaces: &[&str]| {
        let namespaces: Vec<_> = namespaces.iter().map(|&name| name.to_owned()).collect();
        let policies = policies(&registry(), &namespaces);
        policies.wanted.into_iter().map(|(_, binding)| binding.name_any()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["a", "b"]), names(&["b", "a"]));
    assert_ne!(names(&["a", "b"]), names(&["a"]));
}
