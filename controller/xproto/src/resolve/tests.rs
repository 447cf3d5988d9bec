use super::*;
use crate::limits::{MAX_ANCESTORS, MAX_MEMBERS, MAX_MESSAGES, MAX_NAMES};
use crate::model::{FieldState, Literal, ScalarType};
use crate::source::MAX_SOURCE_BYTES;
use crate::{render, to_json};

fn compile_text(text: &str) -> Compiled {
    let mut sources = Sources::new();
    sources.add("a.xproto", format!("option app_label = \"a\";\n{text}"));
    compile(&sources)
}

fn codes(compiled: &Compiled) -> Vec<String> {
    compiled.diagnostics.iter().map(|diagnostic| diagnostic.code().to_string()).collect()
}

/// Returns a message with one field of that type and those options.
fn field(declaration: &str) -> Compiled {
    compile_text(&format!("message M {{ {declaration} }}"))
}

#[test]
fn the_built_in_base_is_that_of_xos() {
    // XOS 4.0.4, core.xproto.
    use FieldState::{Bookkeeping as B, Declarative as D, Feedback as F};
    let expected = [
        ("created", 2, true, B),
        ("updated", 3, true, B),
        ("enacted", 4, false, B),
        ("policed", 5, false, B),
        ("backend_register", 6, false, F),
        ("backend_need_delete", 7, true, B),
        ("backend_need_reap", 8, true, B),
        ("backend_status", 9, true, F),
        ("backend_code", 10, true, F),
        ("deleted", 11, true, B),
        ("write_protect", 12, true, B),
        ("lazy_blocked", 13, true, B),
        ("no_sync", 14, true, B),
        ("no_policy", 15, true, B),
        ("policy_status", 16, false, F),
        ("policy_code", 17, false, F),
        ("leaf_model_name", 18, true, B),
        ("backend_need_delete_policy", 19, true, B),
        ("xos_managed", 20, true, D),
        ("backend_handle", 21, false, F),
        ("changed_by_step", 22, false, B),
        ("changed_by_policy", 23, false, B),
    ];
    let compiled = compile(&Sources::new());
    assert_eq!(codes(&compiled), [""; 0]);
    let base = compiled.models.get("XOSBase").unwrap();
    let fields: Vec<_> =
        base.fields.iter().map(|field| (field.name.as_str(), field.number, field.required, field.state)).collect();
    assert_eq!(fields, expected);
    assert!(base.is_abstract && base.is_built_in());
    assert!(base.fields.iter().all(|field| field.help_text.is_some()));
    assert_eq!(base.field("xos_managed").unwrap().default, Some(Literal::Bool(true)));
    assert_eq!(base.field("updated").unwrap().default, Some(Literal::Now));
}

#[test]
fn modifiers_say_what_is_blank_and_null() {
    for (declaration, expected) in [
        ("required int32 a = 1;", (true, false, false)),
        ("optional int32 a = 1;", (false, true, true)),
        ("required bool a = 1;", (true, false, false)),
        ("optional bool a = 1;", (false, true, false)),
        ("required int32 a = 1 [blank = True, null = True];", (true, false, false)),
        ("optional int32 a = 1 [blank = False, null = False];", (false, true, true)),
    ] {
        let compiled = field(declaration);
        let field = compiled.models.get("M").unwrap().field("a").unwrap();
        assert_eq!((field.required, field.blank, field.null), expected, "{declaration}");
    }
}

#[test]
fn defaults_are_read_after_the_type() {
    for (ty, default, expected) in [
        ("int32", "5", Some(Literal::Int(5))),
        ("int32", "\"-5\"", Some(Literal::Int(-5))),
        ("int32", "None", Some(Literal::Null)),
        ("int32", "\"None\"", Some(Literal::Null)),
        ("int32", "five", Some(Literal::Callable("five".into()))),
        ("int32", "\"five\"", None),
        ("uint32", "4294967295", Some(Literal::Int(4_294_967_295))),
        ("uint32", "-1", None),
        ("bool", "True", Some(Literal::Bool(true))),
        ("bool", "\"False\"", Some(Literal::Bool(false))),
        ("bool", "true", Some(Literal::Bool(true))),
        ("bool", "0", None),
        ("float", "1", Some(Literal::Float(1.0))),
        ("double", "\"-1.5\"", Some(Literal::Float(-1.5))),
        ("float", "\"inf\"", None),
        ("string", "\"\"", Some(Literal::Str(String::new()))),
        ("string", "\"None\"", Some(Literal::Str("None".into()))),
        ("string", "\"now()\"", None),
        ("string", "\"a.b()\"", Some(Literal::Callable("a.b".into()))),
        ("string", "\"call me()\"", Some(Literal::Str("call me()".into()))),
        ("string", "get_it", Some(Literal::Callable("get_it".into()))),
        ("string", "5", Some(Literal::Str("5".into()))),
        ("bytes", "\"x\"", Some(Literal::Str("x".into()))),
    ] {
        let compiled = field(&format!("optional {ty} a = 1 [default = {default}];"));
        let field = compiled.models.get("M").unwrap().field("a").unwrap();
        assert_eq!(field.default, expected, "{ty} {default}");
        assert_eq!(compiled.has_errors(), expected.is_none(), "{ty} {default}");
    }
}

#[test]
fn every_type_is_read() {
    for (keyword, ty) in ScalarType::ALL {
        let compiled = field(&format!("required {keyword} a = 1 [text = True];"));
        assert_eq!(compiled.models.get("M").unwrap().field("a").unwrap().ty, ty);
    }
}

#[test]
fn states_and_flags_may_be_quoted() {
    for (options, expected) in [
        ("", FieldState::Declarative),
        ("feedback_state = True", FieldState::Feedback),
        ("feedback_state = \"True\"", FieldState::Feedback),
        ("feedback_state = true", FieldState::Feedback),
        ("feedback_state = False", FieldState::Declarative),
        ("bookkeeping_state = True", FieldState::Bookkeeping),
        ("bookkeeping_state = \"False\"", FieldState::Declarative),
    ] {
        let compiled = field(&format!("required int32 a = 1 [{options}];"));
        assert_eq!(compiled.models.get("M").unwrap().field("a").unwrap().state, expected, "{options}");
    }
}

#[test]
fn all_errors_are_reported_in_one_go() {
    let mut sources = Sources::new();
    sources.add("a.xproto", "message A (B) { required int32 a = 100; ;}");
    sources.add("b.xproto", b"message \xff { required int64 b = 1; }".to_vec());
    let compiled = compile(&sources);
    assert_eq!(codes(&compiled), ["X206", "X201", "X302", "X013", "X001", "X206", "X209", "X307"]);
}

#[test]
fn a_model_with_errors_is_there_all_the_same() {
    let compiled = compile_text("message A (Unknown, XOSBase) { required int32 a = 1; required wrong b = 2; }");
    let model = compiled.models.get("A").unwrap();
    assert_eq!(model.ancestry, ["A", "XOSBase"]);
    assert!(model.field("a").is_some() && model.field("b").is_none() && model.field("created").is_some());
}

#[test]
fn circles_are_cut_and_the_rest_is_inherited() {
    let compiled = compile_text("message A (B) {} message B (A, XOSBase) { required int32 b = 1; }");
    assert_eq!(codes(&compiled), ["X203"]);
    assert!(compiled.models.get("A").unwrap().is_a("XOSBase"));
    assert!(compiled.models.get("A").unwrap().field("b").is_some());
}

/// Limits on what models have together: a base with many fields that many models inherit from, a model that many links
/// lead to.
#[test]
fn what_grows_with_the_product_of_the_text_has_limits() {
    let fields: String = (0..=MAX_MEMBERS).map(|n| format!("optional int32 f{n} = {};\n", n % 99 + 1)).collect();
    let many = codes(&compile_text(&format!("message Base {{\n{fields}}}")));
    assert!(many.contains(&"X214".to_owned()));
    let names = "a,".repeat(100_000);
    let compiled = field(&format!("optional int32 a = 1 [unique_with = \"{names}\"];"));
    assert_eq!(compiled.models.get("M").unwrap().field("a").unwrap().unique_with.len(), MAX_NAMES);
    let message = compiled.diagnostics[0].message();
    assert_eq!(message, "`unique_with` of `a` has more than 100 names; the last 99900 of them are not read");
    let link = |n: usize| format!("message L{n} {{ optional manytoone l->Base:p{n} = 1; }}\n");
    let links: String = (0..3000).map(link).collect();
    let heirs: String = (0..3000).map(|n| format!("message H{n} (Base) {{}}\n")).collect();
    let compiled = compile_text(&format!("message Base {{}}\n{links}{heirs}"));
    assert!(codes(&compiled).contains(&"X215".to_owned()));
    assert_eq!(compiled.models.get("Base").unwrap().reverse_links.len(), 3000);
}

#[test]
fn a_set_has_limits() {
    let many: String = (0..=MAX_MESSAGES).map(|n| format!("message M{n} {{}}\n")).collect();
    assert!(codes(&compile_text(&many)).contains(&"X212".to_owned()));
    let chain: String = (0..=MAX_ANCESTORS)
        .map(|n| format!("message M{} (M{n}) {{}}\n", n + 1))
        .chain(["message M0 {}".into()])
        .collect();
    assert_eq!(codes(&compile_text(&chain)), ["X211"]);
    let large = " ".repeat(MAX_SOURCE_BYTES);
    assert_eq!(codes(&compile_text(&large)), ["X002"]);
    let wrong = "@ ".repeat(1000);
    assert_eq!(codes(&compile_text(&wrong)).last().unwrap(), "X016");
}

/// What grows with the square of the text would not end within the time that anybody waits.
#[test]
fn time_is_linear_in_the_text() {
    let size = 1 << 18;
    for pattern in [
        "\"a\" ",
        "policy a < b ",
        "policy a < b > ",
        "policy a <\n",
        "message A { ",
        "message A (A) {}",
        "// c\n",
        "/* c */",
        "1.",
        "option a = 1;",
        "required ",
        "message M (",
        "'",
        "#\n",
        "@ ",
        "\u{e9}",
        "[ a = 1, ",
        "}\n",
        "message A {\n",
        "required int32 a = 1;\n",
        "required manytoone a->M:b = 1:1001;\n",
        "message A { required manytoone a->A:b = 1:1001; }\n",
        "policy a < b & c > ",
        "policy a < (",
        "policy a < not ",
        "policy a < b -> ",
        "policy a < exists A: (A.b & c) | ",
        "policy a < *a(b) & ",
        "required int32 a = 1 [choices = \"((1, 'a'), (2, 'b'))\", unique_with = \"a, b\"];\n",
        "{{ ",
        "*a(",
    ] {
        let text = pattern.repeat(size / pattern.len());
        let started = std::time::Instant::now();
        let inside = format!("message M {{ {text}");
        let policy = format!("message M::p {{}} policy p < {text}");
        compile_text(&policy);
        compile_text(&text);
        compile_text(&inside);
        let took = started.elapsed();
        assert!(took.as_secs() < 10, "{pattern:?} took {took:?}");
    }
}

/// A line is as dear as its text is long, however many errors it has: compiled, and shown in both ways.
#[test]
fn a_line_with_many_errors_costs_no_more_than_its_length() {
    for error in ["/* c */ required int32 a = x; ", "required strin\u{67}\u{e9} a = 1; ", "policy a < b >= c > "] {
        let mut sources = Sources::new();
        sources.add("m.xproto", format!("option app_label = \"a\"; message M {{ {} }}", error.repeat(20_000)));
        let started = std::time::Instant::now();
        let compiled = compile(&sources);
        assert!(compiled.errors() > 400, "{error}");
        let shown: usize = compiled.diagnostics.iter().map(|one| render(one, &sources, false).len()).sum();
        let places: usize =
            compiled.diagnostics.iter().map(|one| to_json(one, &sources).range.start.column).filter(|c| *c > 1).count();
        assert!(shown < 1 << 20 && places > 400, "{error}: {shown} {places}");
        let took = started.elapsed();
        assert!(took.as_secs() < 10, "{error:?} took {took:?}");
    }
}
