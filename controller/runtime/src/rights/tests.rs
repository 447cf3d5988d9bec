use serde_json::Value;
use xos_xproto::{Sources, compile};

use super::*;

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add(
        "net.xproto",
        "option app_label = \"net\"; message Site (XOSBase) { required string name = 1 [max_length = 9]; }
         message Node (XOSBase) { required manytoone site->Site:nodes = 1:1001; }",
    );
    compile(&sources).models
}

fn account() -> Account {
    Account { name: "sync".to_owned(), namespace: "home".to_owned() }
}

fn documents(extent: &Extent, namespaces: &[&str], namespaced: bool) -> Vec<Value> {
    let namespaces: Vec<_> = namespaces.iter().map(|&one| one.to_owned()).collect();
    let rights = Rights::of("Net.A", &models(), extent);
    serde_saphyr::from_multiple(&manifest("xos-net", &rights, &account(), &namespaces, namespaced)).unwrap()
}

/// Each role of the manifest: kind, name, namespace.
fn roles(documents: &[Value]) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let is_role = |one: &&Value| matches!(one["kind"].as_str(), Some("Role" | "ClusterRole"));
    let each = documents.iter().filter(is_role);
    each.map(|one| (text(&one["kind"]), text(&one["metadata"]["name"]), text(&one["metadata"]["namespace"]))).collect()
}

fn rules(documents: &[Value]) -> impl Iterator<Item = &Value> {
    documents.iter().filter_map(|one| one["rules"].as_array()).flatten()
}

#[test]
fn nothing_is_for_all_of_anything() {
    for everywhere in [true, false] {
        for admission in [true, false] {
            let extent =
                Extent { everywhere, finalizers_at_creation: true, admission, elects: true, ..Extent::default() };
            let documents = documents(&extent, if everywhere { &[] } else { &["a", "home"] }, false);
            for rule in rules(&documents) {
                for key in ["apiGroups", "resources", "verbs"] {
                    let words: Vec<_> = rule[key].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
                    assert!(!words.is_empty() && words.iter().all(|word| !word.contains('*')), "{rule}");
                }
                // What changes things of the whole cluster is for named ones only.
                let is_of_others = matches!(
                    rule["apiGroups"][0].as_str(),
                    Some("apiextensions.k8s.io" | "admissionregistration.k8s.io")
                );
                let verbs = rule["verbs"].as_array().unwrap();
                let writes = verbs.iter().any(|verb| matches!(verb.as_str(), Some("create" | "patch" | "delete")));
                assert!(!is_of_others || !writes || rule["resourceNames"].is_array(), "{rule}");
            }
        }
    }
}

#[test]
fn roles_are_where_the_objects_are() {
    let some = Extent::default();
    let role = |kind: &str, name: &str, namespace: &str| (kind.to_owned(), name.to_owned(), namespace.to_owned());
    let definitions = role("ClusterRole", "xos-net-definitions", "-");
    assert_eq!(roles(&documents(&some, &["a"], false)), [definitions.clone(), role("Role", "xos-net", "a")]);
    let both = [role("Role", "xos-net", "a"), role("Role", "xos-net", "home")];
    assert_eq!(roles(&documents(&some, &["a", "home"], true)), both);
    let all = Extent { everywhere: true, ..some.clone() };
    let everywhere = [definitions, role("ClusterRole", "xos-net", "-"), role("Role", "xos-net", "home")];
    assert_eq!(roles(&documents(&all, &[], false)), everywhere);
    let bindings = documents(&all, &[], false);
    let bindings = bindings.iter().filter(|one| one["subjects"].is_array());
    for binding in bindings {
        assert_eq!(binding["roleRef"]["name"], binding["metadata"]["name"]);
        assert_eq!(
            (&binding["subjects"][0]["name"], &binding["subjects"][0]["namespace"]),
            (&"sync".into(), &"home".into())
        );
    }
}

#[test]
fn kinds_and_names_are_those_of_the_models_and_the_synchronizer() {
    let extent = Extent { everywhere: true, finalizers_at_creation: true, ..Extent::default() };
    let documents = documents(&extent, &[], false);
    let find = |group: &str, resource: &str| -> Vec<&Value> {
        rules(&documents).filter(|rule| rule["apiGroups"][0] == group && rule["resources"][0] == resource).collect()
    };
    assert_eq!(find("net.xos.opencord.org", "sites")[0]["resources"], serde_json::json!(["sites", "nodes"]));
    assert_eq!(find("net.xos.opencord.org", "sites/status")[0]["verbs"], serde_json::json!(["update"]));
    let definitions = find("apiextensions.k8s.io", "customresourcedefinitions");
    assert_eq!(
        definitions[0]["resourceNames"],
        serde_json::json!([
            "sites.net.xos.opencord.org",
            "nodes.net.xos.opencord.org",
            "synchronizers.xos.opencord.org"
        ])
    );
    // A name with capitals is one with a hash.
    let lease = find("coordination.k8s.io", "leases")[0]["resourceNames"][0].as_str().unwrap().to_owned();
    assert!(lease.starts_with("xos-net.a-") && lease.len() == "xos-net.a-".len() + 8, "{lease}");
    let policies = find("admissionregistration.k8s.io", "mutatingadmissionpolicies");
    assert_eq!(
        policies.iter().map(|rule| rule["verbs"].clone()).collect::<Vec<_>>(),
        [["list"], ["get"]].map(|v| serde_json::json!(v))
    );
    assert_eq!(policies[1]["resourceNames"], serde_json::json!([lease]));
}

#[test]
fn an_election_needs_the_lease_where_the_synchronizer_runs() {
    let leases = |namespaces: &[&str]| -> Vec<String> {
        let extent = Extent { everywhere: namespaces.is_empty(), elects: true, ..Extent::default() };
        let documents = documents(&extent, namespaces, false);
        let roles = documents.iter().filter(|one| one["rules"].is_array());
        let named = roles.flat_map(|role| {
            let rules = role["rules"].as_array().unwrap().iter().filter(|rule| rule["resources"][0] == "leases");
            let place = role["metadata"]["namespace"].as_str().unwrap_or("-").to_owned();
            rules.map(move |rule| format!("{place}: {} {}", rule["resourceNames"], rule["verbs"])).collect::<Vec<_>>()
        });
        named.filter(|one| one.contains("leader-xos-") || one.contains("create")).collect()
    };
    let all = leases(&[]);
    assert!(all.len() == 2 && all.iter().all(|one| one.starts_with("home: ")), "{all:?}");
    let elsewhere = leases(&["a"]);
    assert_eq!(elsewhere.iter().filter(|one| one.starts_with("home: ")).count(), 2, "{elsewhere:?}");
    let here = leases(&["home"]);
    assert_eq!(here.len(), 2, "no rule twice: {here:?}");
}

#[test]
fn secrets_are_read_only_where_a_model_has_a_secret_field() {
    let of = |field: &str| {
        let mut sources = Sources::new();
        sources.add("m.xproto", format!("option app_label = \"m\"; message M (XOSBase) {{ {field} }}"));
        let rights = Rights::of("m", &compile(&sources).models, &Extent::default());
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&manifest("xos-m", &rights, &account(), &["a".to_owned()], true)).unwrap();
        let is_it = |rule: &&Value| rule["resources"][0] == "secrets";
        rules(&documents).filter(is_it).map(|rule| (rule["apiGroups"][0].clone(), rule["verbs"].to_string())).collect()
    };
    let none: Vec<(Value, String)> = of("required string key = 1 [max_length = 9];");
    assert_eq!(none, []);
    let expected = (Value::from(""), r#"["get","list","watch"]"#.to_owned());
    assert_eq!(of("required string key = 1 [max_length = 9, secret = True];"), [expected]);
}

/// Rights for models and documents in the cluster: no wildcard over all groups, and definitions by name where the names
/// are known.
#[test]
fn groups_of_model_sets_are_named() {
    let group = |name: &str, resources: &[&str]| Group {
        name: name.to_owned(),
        resources: resources.iter().map(|&one| one.to_owned()).collect(),
    };
    let of = |groups: Vec<Group>| {
        let in_cluster = Some(InCluster { namespace: Some("services".to_owned()), groups });
        documents(&Extent { everywhere: true, in_cluster, ..Extent::default() }, &[], false)
    };
    let known = of(vec![group("voip.xos.opencord.org", &["phones"])]);
    let definitions: Vec<_> =
        rules(&known).filter(|rule| rule["resources"][0] == "customresourcedefinitions").collect();
    assert!(definitions.iter().all(|rule| rule["resourceNames"].is_array()), "{definitions:?}");
    let names = |rule: &Value| rule["resourceNames"].to_string();
    let applied = names(definitions[0]);
    assert!(
        applied.contains("phones.voip.xos.opencord.org") && applied.contains("modelsets.xos.opencord.org"),
        "{applied}"
    );
    assert_eq!(names(definitions[1]), r#"["phones.voip.xos.opencord.org"]"#);
    let of_documents = known.iter().find(|one| one["metadata"]["name"] == "xos-net-documents").unwrap();
    assert_eq!(of_documents["metadata"]["namespace"], "services");
    assert_eq!(of_documents["rules"][1]["verbs"], serde_json::json!(["patch"]));
    let unknown = of(vec![group("voip.xos.opencord.org", &[])]);
    let of_group: Vec<_> = rules(&unknown).filter(|rule| rule["apiGroups"][0] == "voip.xos.opencord.org").collect();
    assert_eq!(of_group[0]["resources"], serde_json::json!(["*"]));
    assert_eq!(
        (&of_group[1]["resources"], &of_group[1]["verbs"]),
        (&serde_json::json!(["*/status"]), &serde_json::json!(["update"]))
    );
    for rule in rules(&unknown) {
        assert!(!rule["apiGroups"].to_string().contains('*') && !rule["verbs"].to_string().contains('*'), "{rule}");
    }
}
