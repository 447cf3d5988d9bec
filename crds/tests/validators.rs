//! What a validator becomes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use serde_json::{Value, json};
use xos_crds::{cel::enforcement, definitions};
use xos_xproto::{Compiled, Sources, compile, render};

/// A model with a member of each kind; `POLICIES` and the validators come from each test.
const MODEL: &str = r#"
message Peer (XOSBase) { required string name = 1 [max_length = 9]; required int32 n = 2; }
message User (XOSBase) { required bool is_admin = 1 [default = False]; }
message M (XOSBase) {
    option validators = "VALIDATORS";
    required string s = 1 [max_length = 9];
    optional string os = 2 [max_length = 9];
    optional string text = 3 [text = True];
    required int32 n = 4;
    optional int32 on = 5;
    optional float x = 6;
    required bool b = 7 [default = True];
    optional string d = 8 [content_type = "date"];
    optional string namespace = 9 [max_length = 9];
    optional string st = 10 [feedback_state = True, max_length = 9];
    required manytoone one->Peer:ones = 11:1001;
    optional manytoone o1->Peer:o1s = 12:1002;
    required manytomany many->Peer:manies = 13:1003;
    optional string long = 14 [max_length = 2000];
    optional string key = 15 [max_length = 9, secret = True];
}
"#;

fn models(policies: &str, validators: &str) -> Compiled {
    let mut sources = Sources::new();
    let model = MODEL.replace("VALIDATORS", validators);
    sources.add("m.xproto", format!("option app_label = \"test\";\n{policies}\n{model}"));
    let compiled = compile(&sources);
    let shown: Vec<_> = compiled.diagnostics.iter().map(|d| render(d, &sources, false)).collect();
    assert!(!compiled.has_errors(), "{}", shown.join("\n"));
    compiled
}

/// Returns the rule of one policy, or what is left and why.
fn rule(policy: &str) -> String {
    let policies = format!("policy q < obj.n = 1 >\npolicy p < {policy} >");
    let compiled = models(&policies, "p:no");
    let model = compiled.models.get("M").unwrap();
    let enforced = &enforcement(&compiled.models, model)[0];
    let left = enforced.left.iter().map(|(part, reason)| format!("{part}: {reason}"));
    enforced.rule.iter().cloned().chain(left).collect::<Vec<_>>().join(" + ")
}

#[test]
fn policies_become_rules() {
    let same = |a: &str, b: &str| {
        let optional = |p: &str| format!("has({a}.{p}) == has({b}.{p}) && (!has({a}.{p}) || {a}.{p} == {b}.{p})");
        format!("{a}.name == {b}.name && {} && {}", optional("__namespace__"), optional("kind"))
    };
    let table = [
        // A value by itself.
        ("obj.s", r#"self.s != """#.to_owned()),
        ("obj.os", r#"has(self.os) && self.os != """#.to_owned()),
        ("obj.n", "self.n != 0".to_owned()),
        ("obj.x", "has(self.x) && self.x != 0.0".to_owned()),
        ("obj.b", "self.b".to_owned()),
        ("obj.d", "has(self.d)".to_owned()),
        ("obj.one", "true".to_owned()),
        ("obj.o1", "has(self.o1)".to_owned()),
        ("obj.many.all()", "has(self.many) && size(self.many) > 0".to_owned()),
        ("obj.no_sync", "(has(self.noSync) ? self.noSync : false)".to_owned()),
        ("obj.xos_managed", "(has(self.xosManaged) ? self.xosManaged : true)".to_owned()),
        ("obj.namespace", r#"has(self.__namespace__) && self.__namespace__ != """#.to_owned()),
        // Equal.
        (r#"obj.s = "a\"b""#, r#"self.s == "a\"b""#.to_owned()),
        (r#"obj.os = "a""#, r#"has(self.os) && self.os == "a""#.to_owned()),
        (r#""a" = obj.os"#, r#"has(self.os) && "a" == self.os"#.to_owned()),
        ("obj.os = obj.s", "has(self.os) && self.os == self.s".to_owned()),
        (
            "obj.os = obj.namespace",
            "has(self.os) == has(self.__namespace__) && (!has(self.os) || self.os == self.__namespace__)".to_owned(),
        ),
        ("obj.os = None", "!has(self.os)".to_owned()),
        ("None = obj.s", "false".to_owned()),
        ("obj.n = 1.5", "double(self.n) == 1.5".to_owned()),
        ("obj.x = 2", "has(self.x) && self.x == double(2)".to_owned()),
        ("obj.n = obj.x", "has(self.x) && double(self.n) == self.x".to_owned()),
        (r#"obj.n = "1""#, "false".to_owned()),
        ("obj.on = obj.o1", "!has(self.on) && !has(self.o1)".to_owned()),
        ("obj.b = True", "self.b == true".to_owned()),
        ("obj.d = obj.d", "has(self.d) == has(self.d) && (!has(self.d) || self.d == self.d)".to_owned()),
        ("obj.one = obj.o1", format!("has(self.o1) && {}", same("self.one", "self.o1"))),
        // In.
        (r#"" " in obj.s"#, r#"self.s.contains(" ")"#.to_owned()),
        ("obj.os in obj.s", "has(self.os) && self.s.contains(self.os)".to_owned()),
        (
            "obj.o1 in obj.many.all()",
            format!("has(self.o1) && has(self.many) && self.many.exists(p, {})", same("p", "self.o1")),
        ),
        // Together.
        (r#"not " " in obj.s"#, r#"!self.s.contains(" ")"#.to_owned()),
        ("not obj.os = None", "!!has(self.os)".to_owned()),
        ("not obj.n = 1", "!(self.n == 1)".to_owned()),
        ("obj.b -> obj.on", "!self.b || has(self.on) && self.on != 0".to_owned()),
        ("(obj.b | obj.o1) & obj.n = 1", "(self.b || has(self.o1)) && self.n == 1".to_owned()),
        ("not (obj.b & obj.n)", "!(self.b && self.n != 0)".to_owned()),
        ("*q(obj) | obj.b", "self.n == 1 || self.b".to_owned()),
        // Before the save.
        (r#"old.s = "x" -> obj.s = "y""#, r#"!(oldSelf.s == "x") || self.s == "y""#.to_owned()),
        ("*q(old) -> obj.n = 2", "!(oldSelf.n == 1) || self.n == 2".to_owned()),
    ];
    for (policy, expected) in table {
        assert_eq!(rule(policy), expected, "{policy}");
    }
}

#[test]
fn what_cannot_be_a_rule_is_left_with_a_reason() {
    let table = [
        (r#"obj.one.name = "a""#, r#"obj.one.name = "a": `obj.one.name` depends on another object"#),
        (
            "exists User: User.is_admin",
            "exists User: User.is_admin: `exists User: User.is_admin` depends on another object",
        ),
        ("ctx.user.is_admin", "ctx.user.is_admin: it depends on the user"),
        ("ctx.write_access", "ctx.write_access: it depends on the user"),
        ("obj.st", "obj.st: `st` is written by synchronizers, to status"),
        ("obj.id = 1", "obj.id = 1: `id` is written by synchronizers, to status"),
        ("{{ obj.s }}", "{{ obj.s }}: only XOS's own core can evaluate Python"),
        (r#"obj.d = "2026""#, r#"obj.d = "2026": a rule cannot compare the two in `obj.d = "2026"`"#),
        ("obj.long in obj.text", "obj.long in obj.text: `obj.long in obj.text` costs too much without a max_length"),
        ("*q(obj.one)", "*q(obj.one): `*q(obj.one)` depends on another object"),
        // Of parts that must all hold those that can be are enforced.
        ("obj.b & ctx.user.is_admin & obj.n", "self.b && self.n != 0 + ctx.user.is_admin: it depends on the user"),
        ("obj.b | ctx.user.is_admin", "obj.b | ctx.user.is_admin: it depends on the user"),
    ];
    for (policy, expected) in table {
        assert_eq!(rule(policy), expected, "{policy}");
    }
}

#[test]
fn a_rule_has_the_model_s_message() {
    let validators = "p:Name {obj.s} has blanks, q:At {obj.o1} {obj.on} {obj.one.name} {obj.one.n} {old.s}";
    let compiled = models("policy p < not \" \" in obj.s >\npolicy q < obj.n = old.n >", validators);
    let definition = serde_json::to_value(&definitions(&compiled.models)[2]).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let expected = json!([
        {
            "rule": "!self.s.contains(\" \")",
            "message": "Name {obj.s} has blanks",
            "messageExpression": r#""Name " + self.s + " has blanks""#,
        },
        {
            "rule": "self.n == oldSelf.n",
            "message": "At {obj.o1} {obj.on} {obj.one.name} {obj.one.n} {old.s}",
            "messageExpression": "\"At \" + (has(self.o1) ? self.o1.name : \"\") + \" \" \
                + (has(self.on) ? string(self.on) : \"\") + \" \" \
                + self.one.name + \" \" + \"{obj.one.n}\" + \" \" + oldSelf.s",
        },
        {
            "rule": "!has(self.key) || !has(self.keyFrom)",
            "message": "give key or keyFrom, not both",
            "fieldPath": ".keyFrom",
        },
    ]);
    assert_eq!(schema["properties"]["spec"]["x-kubernetes-validations"], expected);
    assert_eq!(schema["required"], json!(["spec"]));
}

#[test]
fn a_message_quotes_no_secret() {
    let compiled = models("policy p < not \" \" in obj.key >", "p:The key {obj.key} has blanks");
    let definition = serde_json::to_value(&definitions(&compiled.models)[2]).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let rule = &schema["properties"]["spec"]["x-kubernetes-validations"][0];
    assert_eq!(rule["messageExpression"], r#""The key " + "***" + " has blanks""#);
}

#[test]
fn what_is_immutable_stays() {
    let mut sources = Sources::new();
    let text = "option app_label = \"t\";\nmessage M (XOSBase) {
        optional string first_name = 1 [max_length = 9, immutable = True];
        optional string at = 2 [max_length = 9, immutable = True, feedback_state = True];
        optional manytoone m->M:ms = 3 [immutable = True]; }";
    sources.add("m.xproto", text);
    let definition = serde_json::to_value(&definitions(&compile(&sources).models)[0]).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let rules = &schema["properties"]["spec"]["x-kubernetes-validations"];
    let rule = |name: &str, camel: &str| {
        let new = format!("self.{camel}");
        let old = format!("oldSelf.{camel}");
        json!({
            "rule": format!("has({new}) == has({old}) && (!has({new}) || {new} == {old})"),
            "message": format!("{name} cannot be changed after creation"),
            "fieldPath": format!(".{camel}"),
            "reason": "FieldValueForbidden",
        })
    };
    assert_eq!(rules, &json!([rule("first_name", "firstName"), rule("m", "m")]));
}

#[test]
fn a_model_without_rules_has_its_defaults_also_without_a_spec() {
    let mut sources = Sources::new();
    sources.add("m.xproto", "option app_label = \"t\";\nmessage M (XOSBase) { optional int32 n = 1 [default = 7]; }");
    let definition = serde_json::to_value(&definitions(&compile(&sources).models)[0]).unwrap();
    let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    assert_eq!((&schema["properties"]["spec"]["default"], &schema["required"]), (&json!({}), &Value::Null));
}
