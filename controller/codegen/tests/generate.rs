//! The generated code, as text. That it compiles and works is shown by `controller/codegen/roundtrip`.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, missing_docs)]

use xos_codegen::{Names, generate, generate_used};
use xos_xproto::{ModelSet, Sources, compile};

fn models(text: &str) -> ModelSet {
    let mut sources = Sources::new();
    sources.add("m.xproto", format!("option app_label = \"m\";\n{text}"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors());
    compiled.models
}

fn code(fields: &str) -> String {
    generate(&models(&format!("// A thing.\nmessage Thing (XOSBase) {{\n{fields}\n}}")))
}

/// The code with nothing in front of names.
fn plain(fields: &str) -> String {
    let code = code(fields);
    [
        "::std::string::",
        "::std::primitive::",
        "::std::option::",
        "::std::vec::",
        "::xos_controller::model::",
        "Option::",
    ]
    .iter()
    .fold(code, |code, path| code.replace(path, ""))
}

#[test]
fn fields_have_the_types_of_their_presence() {
    let table = [
        ("required string f = 1 [max_length = 9];", "pub f: String,", "f: o.required(\"f\")?,"),
        ("optional string f = 1 [max_length = 9];", "pub f: Option<String>,", "f: o.optional(\"f\")?,"),
        ("required int32 f = 1 [default = 7];", "pub f: i32,", "f: o.optional(\"f\")?.unwrap_or_else(|| 7),"),
        ("required uint32 f = 1;", "pub f: u32,", "f: o.required(\"f\")?,"),
        ("required double f = 1 [default = 2];", "pub f: f64,", "unwrap_or_else(|| 2.0)"),
        ("required string f = 1 [max_length = 9, default = \"a\\\"b\"];", "pub f: String,", "String::from("),
        ("required string f = 1 [content_type = \"date\"];", "pub f: Timestamp,", "f: o.required(\"f\")?,"),
        (
            "required string f = 1 [content_type = \"date\", default = \"now()\"];",
            "pub f: Option<Timestamp>,",
            "f: o.optional(\"f\")?,",
        ),
        (
            "required string f = 1 [max_length = 9, default = make_it];",
            "pub f: Option<String>,",
            "f: o.optional(\"f\")?,",
        ),
        (
            "required string f = 1 [max_length = 9, feedback_state = True];",
            "pub f: Option<String>,",
            "f: o.optional(\"f\")?,",
        ),
    ];
    for (field, declaration, read) in table {
        let code = plain(field);
        assert!(code.contains(declaration), "{field}: no `{declaration}` in\n{code}");
        assert!(code.contains(read), "{field}: no `{read}` in\n{code}");
    }
}

#[test]
fn docs_and_inherited_fields_are_there() {
    let code = plain("required bool f = 1 [help_text = \"Whether [it] is <so>.\"];");
    let doc = code.split("pub struct Thing {").next().unwrap().rsplit("}\n\n").next().unwrap();
    assert!(doc.starts_with("/// A thing.\n///\n/// A Thing is a XOSBase.\n"), "{doc}");
    assert!(code.contains("/// Whether \\[it] is \\<so>. (`f` of Thing)"), "{code}");
    assert!(code.contains("pub backend_code: i32,"), "{code}");
    assert!(code.contains("pub enacted: Option<Timestamp>,"), "{code}");
}

#[test]
fn links_know_their_peer() {
    let code = plain(
        "required manytoone owner->Thing:owned = 1:1001; optional manytoone base->XOSBase:seconds = 2:1002; \
         optional manytomany friends->Thing:of_friends = 3:1003;",
    );
    for line in [
        "pub owner: Link<Thing>,",
        "pub base: Option<Link<XOSBase>>,",
        "pub friends: Vec<Link<Thing>>,",
        "friends: o.optional(\"friends\")?.unwrap_or_else(|| Vec::new()),",
    ] {
        assert!(code.contains(line), "no `{line}` in\n{code}");
    }
}

#[test]
fn an_owner_that_the_controller_sets_is_optional_also_in_the_views_of_bases() {
    let owned = "message Base (XOSBase) { required manytoone owner->Thing:owned = 1:1001; } \
                 message Order (Base) {OPTION}";
    let with = |option: &str| {
        let order = owned.replace("OPTION", option);
        plain(&format!("optional bool b = 1; }} {order} message Last (XOSBase) {{ optional bool b = 1;"))
    };
    let filled = with(" option owner_class_name = \"Thing\"; ");
    assert_eq!(filled.matches("pub owner: Option<Link<Thing>>,").count(), 2, "{filled}");
    assert!(!filled.contains("struct NewOrder"), "nothing has to be given: {filled}");
    let given = with("");
    assert_eq!(given.matches("pub owner: Option<Link<Thing>>,").count(), 0, "{given}");
}

#[test]
fn a_new_object_is_made_of_required_fields_by_name() {
    let code = plain(
        "required string a = 1 [max_length = 9]; required bool b = 2; required int32 c = 3 [default = 3]; \
         optional int32 d = 4 [default = 4]; required manytoone e->Thing:es = 5; optional string g = 6 [text = True];",
    );
    let required = code.split("pub struct NewThing {").nth(1).unwrap().split('}').next().unwrap();
    let fields: Vec<_> = required.lines().filter_map(|line| line.trim().strip_prefix("pub ")).collect();
    assert_eq!(fields, ["a: String,", "b: bool,", "e: Link<Thing>,"]);
    for line in ["pub fn new(required: NewThing) -> Self {", "c: 3,", "d: Some(4),", "g: None,", "a: required.a,"] {
        assert!(code.contains(line), "no `{line}` in\n{code}");
    }
    assert!(!code.contains("::std::default::Default for Thing"), "{code}");
    let nothing = plain("optional bool b = 1;");
    assert!(nothing.contains("::std::default::Default for Thing") && nothing.contains("pub fn new() -> Self {"));
    assert!(!nothing.contains("struct NewThing"), "{nothing}");
}

#[test]
fn fields_links_and_ports_are_constants() {
    let code = plain("required string name = 1 [max_length = 9]; optional manytomany next->Thing:name = 2:1002;");
    for line in [
        "pub const NAME: Field<Thing, String> = Field::new(\"name\");",
        "pub const NEXT: Field<Thing, Link<Thing>> = Field::new(\"next\");",
        "pub const NO_SYNC: Field<XOSBase, bool> = Field::new(\"no_sync\");",
        "pub const NAME_: Reverse<Thing, Thing> =",
    ] {
        assert!(code.contains(line), "no `{line}` in\n{code}");
    }
    assert!(!code.contains("Field<Thing, bool>"), "fields of all models are constants of their base");
}

#[test]
fn of_the_core_there_is_only_what_is_used() {
    let service = "message Mine (ServiceInstance) { required manytoone slice->Slice:mine = 1:1021; }";
    let names = |code: &str| -> Vec<String> {
        let after = code.split("pub struct ").skip(1).filter_map(|rest| rest.split(' ').next());
        after.filter(|name| !name.starts_with("New")).map(str::to_owned).collect()
    };
    let from_the_compiler = generate(&models(service));
    let used = [
        "XOSBase",
        "User",
        "Site",
        "Node",
        "Image",
        "Flavor",
        "TrustDomain",
        "Principal",
        "Slice",
        "Service",
        "ServiceInstance",
        "Mine",
    ];
    assert_eq!(names(&from_the_compiler), used);
    // Of those that nothing names there is what inherited fields need: no object of them can be made, or found.
    for (model, named) in [("Slice", true), ("ServiceInstance", true), ("Site", false), ("User", false)] {
        assert_eq!(from_the_compiler.contains(&format!("Known for {model} {{}}")), named, "{model}");
        assert_eq!(from_the_compiler.contains(&format!("pub struct New{model} ")), named, "{model}");
    }
    // The same where a service brings the core's file.
    let mut sources = Sources::new();
    sources.add("core.xproto", include_str!("../../../config/core.xproto"));
    sources.add("m.xproto", format!("option app_label = \"m\"; option name = \"m\";\n{service}"));
    let compiled = compile(&sources);
    assert!(!compiled.has_errors());
    assert_eq!(names(&generate_used(&compiled.models)), used);
}

#[test]
fn choices_have_variants_of_their_own() {
    let table = [
        ("string", "(('vm', 'V'), ('container_vm', 'C'))", "&[Self::Vm, Self::ContainerVm]"),
        ("string", "(('', 'Nothing'), ('10G', 'Ten'), ('NAT', 'NAT'))", "&[Self::Empty, Self::N10g, Self::Nat]"),
        ("string", "(('a', 'A'), ('A', 'B'), ('a2', 'C'))", "&[Self::A, Self::A2, Self::A2_2]"),
        ("string", "(('<', 'Less than'), ('+', '+'))", "&[Self::LessThan, Self::Other]"),
        ("string", "(('self', 'Self'), ('all', 'All'), ('aLL', 'x'))", "&[Self::Self2, Self::All, Self::ALL2]"),
        ("int32", "((1, 'One'), (-2, 'Two'), (0, 'None'))", "&[Self::N1, Self::Minus2, Self::N0]"),
    ];
    for (ty, choices, variants) in table {
        let code = plain(&format!("required {ty} f = 1 [max_length = 20, choices = \"{choices}\"];"));
        assert!(code.contains("pub f: ThingF,"), "{code}");
        assert!(code.contains(&format!("pub const ALL: &'static [Self] = {variants};")), "{choices}:\n{code}");
    }
    let with_none = plain("optional string f = 1 [max_length = 9, choices = \"((None, 'None'), ('a', 'A'))\"];");
    assert!(with_none.contains("pub f: Option<ThingF>,") && with_none.contains("&[Self::A];"), "{with_none}");
    let only_none = plain("optional string f = 1 [max_length = 9, choices = \"((None, 'None'),)\"];");
    assert!(only_none.contains("pub f: Option<String>,"), "{only_none}");
}

#[test]
fn heirs_share_the_choices_of_their_base() {
    let models = models(
        "message Base (XOSBase) { required string kind = 1 [max_length = 9, default = \"b\", choices = \"(('a', 'A'), ('b', 'B'))\"]; }
         message Heir (Base) {}",
    );
    let code = generate(&models);
    assert_eq!(code.matches("pub enum ").count(), 1, "{code}");
    assert_eq!(code.matches("pub kind: BaseKind,").count(), 2, "{code}");
    assert_eq!(code.matches("unwrap_or_else(|| BaseKind::B)").count(), 2, "{code}");
}

#[test]
fn classes_are_traits() {
    let models = models(
        "message Base (XOSBase) { option abstract = True; required string name = 1 [max_length = 9]; }
         message Heir (Base) { optional manytoone peer->Base:heirs = 1; }",
    );
    let code = generate(&models);
    for line in [
        "pub trait IsBase: IsXOSBase {",
        "fn name(&self) -> &::std::primitive::str;",
        "fn set_name(&mut self, value: ::std::string::String);",
        "impl IsBase for Base {",
        "impl IsBase for Heir {",
        "impl IsXOSBase for Heir {",
        "impl ::xos_controller::model::IsA<Base> for Heir {}",
    ] {
        assert!(code.contains(line), "no `{line}` in\n{code}");
    }
    assert!(!code.contains("trait IsHeir"), "{code}");
    assert!(!code.contains("fn set_enacted"), "bookkeeping is the framework's");
    assert!(code.contains("fn set_no_sync"), "{code}");
}

#[test]
fn each_type_has_a_name_of_its_own() {
    let models = models(
        "message Thing (XOSBase) { required string kind = 1 [max_length = 9, choices = \"(('a', 'A'),)\"]; }
         message ThingKind (Thing) {} message IsThing (XOSBase) {} message type (XOSBase) {} message Self (XOSBase) {}",
    );
    let names = Names::of(&models);
    let kind = models.get("Thing").unwrap().field("kind").unwrap();
    assert_eq!(names.of_choices(kind), Some("ThingKindChoice"));
    assert_eq!((names.of_trait("Thing"), names.of_trait("ThingKind")), (Some("IsThing_"), None));
    assert_eq!((names.of_struct("type"), names.of_struct("Self")), (Some("r#type"), Some("Self_")));
}

#[test]
fn debug_shows_no_secret() {
    let code =
        plain("required string name = 1 [max_length = 9];\nrequired string key = 2 [max_length = 9, secret = True];");
    assert!(code.contains(".field(\"name\", &self.name)"), "{code}");
    assert_eq!(
        code.matches(".field(\"key\", &::std::format_args!(\"***\"))").count(),
        2,
        "also what is required\n{code}"
    );
    assert!(!code.contains("&self.key)\n"), "{code}");
}

#[test]
fn properties_are_methods_and_constants() {
    let text = "option app_label = \"m\"; message Base (XOSBase) { optional int32 n = 1; }
        message Heir (Base) { optional manytoone to->Base:from = 1:1001; }";
    let mut sources = Sources::new();
    sources.add("m.xproto", text);
    let mut convenience = xos_properties::Convenience::default();
    let properties = "Base: {twice: self.n * 2, all: \"[self.n]\"}\nHeir: {peer: self.to, new: \"'x'\"}";
    convenience.add("convenience/m.yaml", properties);
    let (models, _) = convenience.compile(&compile(&sources).models).unwrap();
    let code = generate(&models);
    let method = |name: &str, of: &str, xos: &str| {
        format!(
            "pub fn {name}(
        &self,
        ctx: &::xos_controller::StepContext,
    ) -> ::std::result::Result<::std::option::Option<{of}>, ::xos_controller::PropertyError> {{
        ctx.property(self, \"{xos}\")
    }}"
        )
    };
    // The base's are those of its heir, too.
    assert_eq!(code.matches(&method("twice", "::std::primitive::i64", "twice")).count(), 2);
    assert_eq!(code.matches(&method("all", "::std::vec::Vec<::std::primitive::i64>", "all")).count(), 2);
    assert_eq!(code.matches(&method("peer", "::xos_controller::model::Link<Base>", "peer")).count(), 1);
    assert_eq!(code.matches(&method("new_", "::std::string::String", "new")).count(), 1);
    let constant = "pub const TWICE: ::xos_controller::model::Field<Base, ::std::primitive::i64> =";
    assert!(code.contains(constant) && !code.contains("pub const ALL:"), "{code}");
}
