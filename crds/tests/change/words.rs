//! Changes in words: these texts are what people see.

use serde_json::{Value, json};
use xos_crds::change::{Change, Refusal, Report, Verdict, compare};

use crate::of_model;

const OLD: &str = "required string first_name = 1 [max_length = 32]; optional string last_name = 2 [max_length = 32];";
const NEW: &str = "required string first_name = 1 [max_length = 3]; optional int32 age = 3;";

fn change(objects: &[(&str, Value)]) -> Change {
    let mut change =
        Change::new("ms.a.xos.opencord.org".to_owned(), false, compare(&of_model(OLD), &of_model(NEW)).unwrap());
    for (name, spec) in objects {
        change.look_at(name, &json!({"spec": spec}));
    }
    change
}

#[test]
fn a_refusal_names_path_objects_and_remedy() {
    let crowd: Vec<_> = (0..12).map(|n| (format!("crowd/p{n}"), json!({"firstName": "Mary"}))).collect();
    let mut objects: Vec<_> = crowd.iter().map(|(name, spec)| (name.as_str(), spec.clone())).collect();
    objects.push(("default/ada", json!({"firstName": "Ada", "lastName": "Lovelace"})));
    let change = change(&objects);
    assert_eq!(change.verdict(), Verdict::Refuse);
    let expected = "\
the models do not fit what is stored in the cluster; no definition was applied

ms.a.xos.opencord.org
  spec.firstName: maxLength 32 → 3
    12 objects do not comply: crowd/p0, crowd/p1, crowd/p2, crowd/p3, crowd/p4, crowd/p5, crowd/p6, crowd/p7, crowd/p8, crowd/p9 and 2 more
    help: change it in these objects first, or keep the model as it was
  spec.lastName: removed (was string)
    1 object has it: default/ada
    help: take it out of these objects first, or keep it in the model; if a newer version of the program has added it, run that one

`crds --diff` shows all differences.";
    assert_eq!(Refusal(vec![change]).to_string(), expected);
}

#[test]
fn a_report_shows_everything() {
    let changes =
        [change(&[("default/ada", json!({"firstName": "Ada"}))]), Change::new("new".to_owned(), true, vec![])];
    let expected = "\
ms.a.xos.opencord.org: 4 differences
  harmless    definition: additionalPrinterColumns changed
  harmless    spec.age: added (integer)
  breaking    spec.firstName: maxLength 32 → 3
              no object does not comply
  breaking    spec.lastName: removed (was string)
              no object has it
new: new
`run` would apply this";
    assert_eq!(Report(&changes).to_string(), expected);
    let same = Change::new("same".to_owned(), false, vec![]);
    assert_eq!(Report(&[same]).to_string(), "same: unchanged\n`run` has nothing to apply");
}

#[test]
fn what_cannot_be_looked_at_is_refused_with_the_reason() {
    let change = Change { unseen: Some("listing is forbidden.".to_owned()), ..change(&[]) };
    assert_eq!(change.verdict(), Verdict::Refuse);
    let text = Refusal(vec![change]).to_string();
    let unknown = "  spec.lastName: removed (was string)\n  Whether that breaks stored objects is not known: \
                   listing is forbidden.\n";
    assert!(text.contains(unknown), "{text}");
}

#[test]
fn programs_get_json() {
    let change = change(&[("default/ada", json!({"firstName": "Ada", "lastName": "L"}))]);
    let json = change.to_json();
    assert_eq!((&json["definition"], &json["verdict"]), (&json!("ms.a.xos.opencord.org"), &json!("refuse")));
    let expected = json!({
        "path": "spec.lastName", "what": "field", "before": "string", "after": null, "effect": "breaking",
        "objects": {"count": 1, "names": ["default/ada"]},
    });
    assert_eq!(json["differences"][3], expected);
}

#[test]
fn remedies_fit_what_objects_can_do() {
    let help = |old: &str, new: &str, object: Value| {
        let found = compare(&of_model(old), &of_model(new)).unwrap();
        let mut change = Change::new("ms".to_owned(), false, found);
        change.look_at("default/ada", &object);
        let text = Refusal(vec![change]).to_string();
        text.lines().find_map(|line| line.trim().strip_prefix("help: ").map(str::to_owned)).expect(&text)
    };
    let none = "";
    let given = json!({"spec": {"s": "a"}});
    let required = help("required string s = 1 [max_length = 9];", none, given.clone());
    assert!(required.starts_with("make it optional in the model first, then take it out"), "{required}");
    let status = json!({"status": {"s": "a"}});
    let feedback = help(none, "optional int32 s = 1 [feedback_state = True];", status);
    assert!(
        feedback.starts_with("change it in these objects first (`kubectl edit --subresource=status`)"),
        "{feedback}"
    );
    let added = help(none, "required int32 n = 1;", json!({"spec": {}}));
    assert!(added.starts_with("give it a default in the model, or make it optional"), "{added}");
    let now = help("optional int32 n = 1;", "required int32 n = 1;", json!({"spec": {}}));
    assert!(now.starts_with("give it a value in these objects first, or a default"), "{now}");
}
