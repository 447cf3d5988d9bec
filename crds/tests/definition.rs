//! What a model's options become in its definition.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use serde_json::{Value, json};
use xos_crds::definitions;
use xos_xproto::{Sources, compile};

/// Makes the definition of the model `M` with this body, as JSON.
fn definition(body: &str) -> Value {
    let text = format!("option app_label = \"my_app\";\n{body}");
    let mut sources = Sources::new();
    sources.add("m.xproto", text);
    let compiled = compile(&sources);
    let errors: Vec<_> = compiled.diagnostics.iter().map(|d| xos_xproto::render(d, &sources, false)).collect();
    assert!(!compiled.has_errors(), "{}", errors.join("\n"));
    serde_json::to_value(&definitions(&compiled.models)[0]).unwrap()
}

fn version(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]
}

fn schema<'a>(definition: &'a Value, part: &str) -> &'a Value {
    &version(definition)["schema"]["openAPIV3Schema"]["properties"][part]
}

#[test]
fn names_group_and_scope() {
    let d = definition("message M (XOSBase) { required string name = 1 [max_length = 9]; }");
    assert_eq!(d["metadata"]["name"], "ms.my-app.xos.opencord.org");
    assert_eq!(d["spec"]["group"], "my-app.xos.opencord.org");
    assert_eq!(d["spec"]["scope"], "Namespaced");
    let names =
        json!({"kind": "M", "listKind": "MList", "plural": "ms", "singular": "m", "categories": ["xos", "my-app"]});
    assert_eq!(d["spec"]["names"], names);
    assert_eq!(version(&d)["subresources"], json!({"status": {}}));
    assert_eq!((&version(&d)["served"], &version(&d)["storage"]), (&json!(true), &json!(true)));
}

#[test]
fn abstract_models_have_no_definition() {
    let mut sources = Sources::new();
    sources.add("m.xproto", "option app_label = \"a\";\nmessage M (XOSBase) { option abstract = True; }");
    assert!(definitions(&compile(&sources).models).is_empty(), "neither XOSBase nor M");
}

#[test]
fn a_field_s_schema() {
    let text = |more: Value| merge(json!({"type": "string", "description": "It."}), more);
    let table = [
        (
            "required string f = 1 [max_length = 32, help_text = \"It.\"]",
            text(json!({"minLength": 1, "maxLength": 32})),
        ),
        ("optional string f = 1 [max_length = 32, help_text = \"It.\"]", text(json!({"maxLength": 32}))),
        (
            "required string f = 1 [max_length = 3, min_length = 3, pattern = \"^[0-9]+$\", help_text = \"It.\"]",
            text(json!({"minLength": 3, "maxLength": 3, "pattern": "^[0-9]+$"})),
        ),
        (
            "optional string f = 1 [max_length = 3, secret = True, help_text = \"It.\"]",
            text(json!({"maxLength": 3, "format": "password"})),
        ),
        ("optional string f = 1 [max_length = 3, min_length = 0, help_text = \"It.\"]", text(json!({"maxLength": 3}))),
        ("optional string f = 1 [text = True, help_text = \"It.\"]", text(json!({}))),
        ("optional string f = 1 [content_type = \"date\", help_text = \"It.\"]", text(json!({"format": "date-time"}))),
        (
            "optional string f = 1 [content_type = \"url\", help_text = \"It.\"]",
            text(json!({"x-kubernetes-validations": [{
                "rule": "self == '' || isURL(self)", "message": "f must be a URL, such as http://example.org/path",
            }]})),
        ),
        ("optional int32 f = 1", json!({"type": "integer", "format": "int32"})),
        (
            "optional int32 f = 1 [min_value = -1, max_value = 9, default = 3]",
            json!({"type": "integer", "format": "int32", "minimum": -1.0, "maximum": 9.0, "default": 3}),
        ),
        (
            "optional uint32 f = 1",
            json!({"type": "integer", "format": "int64", "minimum": 0.0, "maximum": 4_294_967_295.0}),
        ),
        ("optional float f = 1", json!({"type": "number", "format": "float"})),
        ("optional double f = 1", json!({"type": "number", "format": "double"})),
        ("optional bytes f = 1", json!({"type": "string", "format": "byte"})),
        ("required bool f = 1 [default = True]", json!({"type": "boolean", "default": true})),
        (
            "required string f = 1 [max_length = 5, default = \"up\"]",
            json!({"type": "string", "minLength": 1, "maxLength": 5, "default": "up"}),
        ),
    ];
    for (field, expected) in table {
        let d = definition(&format!("message M (XOSBase) {{ {field}; }}"));
        assert_eq!(schema(&d, "spec")["properties"]["f"], expected, "{field}");
    }
}

fn merge(mut to: Value, from: Value) -> Value {
    if let (Value::Object(to), Value::Object(from)) = (&mut to, from) {
        to.extend(from);
    }
    to
}

#[test]
fn what_must_be_given() {
    let fields =
        "required string first_name = 1 [max_length = 9]; required int32 n = 2 [default = 1]; optional bool b = 3;";
    let d = definition(&format!("message M (XOSBase) {{ {fields} }}"));
    assert_eq!(schema(&d, "spec")["required"], json!(["firstName"]), "what has a default need not be given");
    assert_eq!(version(&d)["schema"]["openAPIV3Schema"]["required"], json!(["spec"]));
    let d = definition("message M (XOSBase) { optional bool b = 1; }");
    assert_eq!(schema(&d, "spec")["required"], Value::Null);
    assert_eq!(version(&d)["schema"]["openAPIV3Schema"]["required"], Value::Null);
}

#[test]
fn every_state_has_its_place() {
    let d =
        definition("message M (XOSBase) { optional string oper_status = 1 [max_length = 9, feedback_state = True]; }");
    let names = |part| schema(&d, part)["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names("spec"), ["lazyBlocked", "noPolicy", "noSync", "writeProtect", "xosManaged"]);
    assert_eq!(names("status"), ["conditions", "observedGeneration", "operStatus"]);
    assert_eq!(schema(&d, "spec")["properties"]["noSync"]["default"], Value::Null, "an absent switch stays absent");
}

#[test]
fn what_the_framework_writes_is_open_and_described() {
    let d = definition("message M (XOSBase) {}");
    let status = schema(&d, "status");
    assert_eq!(status["x-kubernetes-preserve-unknown-fields"], json!(true));
    assert_eq!(status["x-kubernetes-map-type"], json!("atomic"));
    let text = status["description"].as_str().unwrap();
    for name in ["backendCode", "backendStatus", "enacted", "policed", "updated", "history", "synchronizers"] {
        assert!(text.contains(name), "{name} is missing");
    }
}

#[test]
fn every_property_is_described() {
    let d = definition("// Doc.\nmessage M (XOSBase) { optional bool b = 1 [help_text = \"B.\"]; }");
    fn check(path: &str, schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            assert!(property["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} has no description");
            check(&path, property);
            check(&path, &property["items"]);
        }
    }
    let whole = &version(&d)["schema"]["openAPIV3Schema"];
    assert_eq!(whole["description"], "Doc.");
    check("", whole);
}

#[test]
fn columns() {
    let fields = "required string name = 1 [max_length = 9]; optional int32 port_no = 2; \
                  optional string oper_status = 3 [max_length = 9, feedback_state = True];";
    let d = definition(&format!("message M (XOSBase) {{ {fields} }}"));
    let columns = version(&d)["additionalPrinterColumns"].as_array().unwrap();
    let shown: Vec<_> =
        columns.iter().map(|c| (c["name"].as_str().unwrap(), c["priority"].as_i64().unwrap_or(0))).collect();
    let always = [("Ready", 0), ("Reason", 0), ("Status", 0), ("Age", 0), ("Synced", 1), ("Code", 1)];
    let expected = [&[("XOS Name", 0), ("Oper Status", 0)][..], &always, &[("Port No", 1)]].concat();
    assert_eq!(shown, expected);
    assert_eq!(columns[1]["jsonPath"], ".status.operStatus");
}

#[test]
fn wide_columns_are_those_that_the_author_chose() {
    let titles = |option: &str| {
        let base = "message Base (XOSBase) { option abstract = True; optional int32 floor = 1;
            required string name = 2 [max_length = 9]; }";
        let fields = "optional int32 port = 1; optional manytoone up->M:downs = 2:1001;
            optional manytomany friends->M:back = 3:1002; optional bool hot = 4;";
        let d = definition(&format!("{base} message M (Base) {{ {option} {fields} }}"));
        let columns = version(&d)["additionalPrinterColumns"].as_array().unwrap().clone();
        let own = columns.iter().skip_while(|column| column["name"] != "Code").skip(1);
        own.map(|column| (column["name"].clone(), column["jsonPath"].clone())).collect::<Vec<_>>()
    };
    let shown = |all: &[(&str, &str)]| all.iter().map(|(name, path)| (json!(name), json!(path))).collect::<Vec<_>>();
    let own = shown(&[("Port", ".spec.port"), ("Hot", ".spec.hot"), ("Up", ".spec.up.name")]);
    assert_eq!(titles(""), own, "none that it inherits");
    let chosen = shown(&[
        ("Up", ".spec.up.name"),
        ("Floor", ".spec.floor"),
        ("Backend Handle", ".status.backendHandle"),
        ("Friends", ".spec.friends"),
    ]);
    assert_eq!(titles("option columns = \"up, floor, name, up, backend_handle, friends\";"), chosen);
    assert_eq!(titles("option columns = \"\";"), shown(&[]));
}

#[test]
fn no_two_columns_have_one_title() {
    let status = "required string status = 1 [max_length = 9, default = \"free\"]; optional int32 code = 2; \
                  optional bool synced = 3; optional string age = 4 [max_length = 9];";
    let d = definition(&format!("message M (XOSBase) {{ {status} }}"));
    let columns = version(&d)["additionalPrinterColumns"].as_array().unwrap();
    let titles: Vec<_> = columns.iter().map(|c| c["name"].as_str().unwrap().to_uppercase()).collect();
    let mut different = titles.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), titles.len(), "{titles:?}");
    assert_eq!((titles[0].as_str(), columns[0]["jsonPath"].as_str()), ("XOS STATUS", Some(".spec.status")));
}

#[test]
fn an_owner_that_the_controller_sets_need_not_be_given() {
    let models = "message Cafe (XOSBase) {} message Base (XOSBase) { required manytoone owner->Cafe:orders = 1; }
                  message Order (Base) { option owner_class_name = \"Cafe\"; } message Large (Order) {}";
    let mut sources = Sources::new();
    sources.add("m.xproto", format!("option app_label = \"a\";\n{models}"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let definitions = definitions(&compiled.models).into_iter().map(|d| serde_json::to_value(d).unwrap());
    let required: Vec<_> = definitions
        .map(|d| (d["spec"]["names"]["kind"].clone(), schema(&d, "spec")["required"].clone()))
        .filter(|(kind, _)| kind != "Cafe")
        .collect();
    let none = Value::Null;
    let expected = [("Base", json!(["owner"])), ("Order", none.clone()), ("Large", none)];
    assert_eq!(required, expected.map(|(kind, required)| (json!(kind), required)));
}

#[test]
fn the_yaml_is_the_definition() {
    let mut sources = Sources::new();
    sources.add(
        "m.xproto",
        "option app_label = \"a\";\nmessage M (XOSBase) { optional string s = 1 [max_length = 9, default = \"no\"]; }",
    );
    let definition = definitions(&compile(&sources).models).remove(0);
    let text = xos_crds::yaml::to_yaml(&definition).unwrap();
    let back: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(back, serde_json::to_value(&definition).unwrap(), "{text}");
}

#[test]
fn choices_are_an_enum_without_none() {
    let field =
        "optional string s = 1 [max_length = 9, choices = \"(('up', 'Up'), ('down', 'Down'), (None, 'Not known'),)\"];";
    let d = definition(&format!("message M (XOSBase) {{ {field} }}"));
    assert_eq!(schema(&d, "spec")["properties"]["s"]["enum"], json!(["up", "down"]));
}

#[test]
fn links_are_references() {
    let links = "required manytoone owner->M:owned = 1:1001; optional manytoone second->M:seconds = 2:1002; \
                 optional manytomany friends->M:of_friends = 3:1003;";
    let d = definition(&format!("message M (XOSBase) {{ {links} }}"));
    let spec = schema(&d, "spec");
    assert_eq!(spec["required"], json!(["owner"]));
    let owner = &spec["properties"]["owner"];
    assert_eq!((&owner["type"], &owner["required"]), (&json!("object"), &json!(["name"])));
    assert_eq!(spec["properties"]["friends"]["type"], "array");
    assert_eq!(spec["properties"]["friends"]["items"]["required"], json!(["name"]));
}

#[test]
fn keys_and_links_are_selectable() {
    let members = "required string name = 1 [max_length = 9]; optional int32 port = 2 [tosca_key = True]; \
                   optional float f = 3 [unique = True]; required manytoone owner->M:owned = 4:1001;";
    let d = definition(&format!("message M (XOSBase) {{ {members} }}"));
    let paths = [".spec.name", ".spec.port", ".spec.owner.name"].map(|path| json!({"jsonPath": path}));
    assert_eq!(version(&d)["selectableFields"], json!(paths));
    assert_eq!(d["spec"]["names"]["shortNames"], Value::Null);
}

#[test]
fn a_kind_that_hides_a_built_in_one_has_a_name_of_its_own() {
    let d = definition("message Service (XOSBase) { optional bool b = 1; }");
    assert_eq!(d["spec"]["names"]["shortNames"], json!(["xosservice"]));
}

#[test]
fn a_secret_is_neither_a_column_nor_selectable() {
    let text = "message M (XOSBase) { required string key = 1 [max_length = 9, secret = True, unique = True];
        optional string key_status = 2 [max_length = 9, secret = True, feedback_state = True]; }";
    let d = definition(text);
    let shown = |part: &str| version(&d)[part].to_string().to_lowercase();
    assert!(!shown("additionalPrinterColumns").contains("key"), "{}", shown("additionalPrinterColumns"));
    assert!(!shown("selectableFields").contains("key"), "{}", shown("selectableFields"));
    assert_eq!(schema(&d, "status")["properties"]["keyStatus"]["format"], "password");
}

#[test]
fn a_secret_may_come_from_a_secret() {
    let text = "message M (XOSBase) { required string key = 1 [max_length = 9, secret = True];
        required string pin = 2 [max_length = 9, secret = True, default = \"0000\"];
        optional string seen = 3 [max_length = 9, secret = True, feedback_state = True]; }";
    let d = definition(text);
    let spec = schema(&d, "spec");
    assert_eq!(spec["required"], Value::Null, "{spec}");
    assert_eq!(spec["properties"]["pin"].get("default"), None, "it would be there beside a reference");
    let reference = &spec["properties"]["keyFrom"]["properties"]["secretKeyRef"];
    assert_eq!(
        (&reference["required"], &reference["properties"]["name"]["type"]),
        (&json!(["key", "name"]), &json!("string"))
    );
    assert!(schema(&d, "status")["properties"].get("seenFrom").is_none());
    let rules: Vec<_> = spec["x-kubernetes-validations"].as_array().unwrap().iter().map(|rule| &rule["rule"]).collect();
    let expected = [
        "!has(self.key) || !has(self.keyFrom)",
        "has(self.key) || has(self.keyFrom)",
        "!has(self.pin) || !has(self.pinFrom)",
    ];
    assert_eq!(rules, expected.map(|rule| json!(rule)).iter().collect::<Vec<_>>());
}
