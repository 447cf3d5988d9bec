//! The generated code, as text. That it compiles and works is shown by the example, which is made of it.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use xos_codegen::generate;
use xos_xproto::{Sources, compile};

fn code(fields: &str) -> String {
    let mut sources = Sources::new();
    sources
        .add("m.xproto", format!("option app_label = \"m\";\n// A thing.\nmessage Thing (XOSBase) {{\n{fields}\n}}"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors());
    generate(&compiled.models)
}

#[test]
fn fields_have_the_types_of_their_presence() {
    let table = [
        ("required string f = 1 [max_length = 9];", "pub f: String,", "f: o.required(\"f\")?,"),
        ("optional string f = 1 [max_length = 9];", "pub f: Option<String>,", "f: o.optional(\"f\")?,"),
        ("required int32 f = 1 [default = 7];", "pub f: i32,", "f: o.optional(\"f\")?.unwrap_or(7),"),
        ("required uint32 f = 1;", "pub f: u32,", "f: o.required(\"f\")?,"),
        ("required double f = 1 [default = 2];", "pub f: f64,", "unwrap_or(2.0)"),
        ("required string f = 1 [max_length = 9, default = \"a\\\"b\"];", "pub f: String,", "String::from("),
        (
            "required string f = 1 [content_type = \"date\"];",
            "pub f: ::xos_controller::model::Timestamp,",
            "f: o.required(\"f\")?,",
        ),
        (
            "required string f = 1 [max_length = 9, feedback_state = True];",
            "pub f: Option<String>,",
            "f: o.optional(\"f\")?,",
        ),
    ];
    for (field, declaration, read) in table {
        let code = code(field);
        assert!(code.contains(declaration), "{field}: no `{declaration}` in\n{code}");
        assert!(code.contains(read), "{field}: no `{read}` in\n{code}");
    }
}

#[test]
fn docs_and_inherited_fields_are_there() {
    let code = code("required bool f = 1 [help_text = \"Whether [it] is <so>.\"];");
    assert!(code.contains("/// A thing.\n#[derive(Clone, Debug, PartialEq)]\npub struct Thing {"), "{code}");
    assert!(code.contains("/// Whether \\[it] is \\<so>."), "{code}");
    assert!(code.contains("pub backend_code: i32,"), "{code}");
    assert!(code.contains("pub enacted: Option<::xos_controller::model::Timestamp>,"), "{code}");
    assert!(!code.contains("struct XOSBase"), "an abstract model has no objects");
}

#[test]
fn links_are_references() {
    let code = code(
        "required manytoone owner->Thing:owned = 1:1001; optional manytoone second->Thing:seconds = 2:1002; \
         optional manytomany friends->Thing:of_friends = 3:1003;",
    );
    for line in [
        "pub owner: ::xos_controller::model::Reference,",
        "pub second: Option<::xos_controller::model::Reference>,",
        "pub friends: Vec<::xos_controller::model::Reference>,",
        "friends: o.optional(\"friends\")?.unwrap_or_default(),",
    ] {
        assert!(code.contains(line), "no `{line}` in\n{code}");
    }
}
