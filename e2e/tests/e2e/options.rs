//! Every option of the language that restricts values: objects that are accepted, objects that are refused, and the API
//! server's message.

use serde_json::{Value, json};
use xos_harness::{
    models::{Kinds, from_text},
    namespace,
};

use crate::causes;

/// A case: an option on a field or link `f`.
struct Row {
    /// The field or link.
    member: &'static str,
    /// Specs that are accepted, with what is stored.
    good: Vec<(Value, Value)>,
    /// Specs that are refused, with a part of the message.
    bad: Vec<(Value, &'static str)>,
}

/// Returns a case whose accepted specs are stored unchanged.
fn row<const G: usize, const B: usize>(member: &'static str, good: [Value; G], bad: [(Value, &'static str); B]) -> Row {
    Row { member, good: good.into_iter().map(|spec| (spec.clone(), spec)).collect(), bad: bad.into() }
}

fn f(value: impl Into<Value>) -> Value {
    json!({ "f": value.into() })
}

fn types() -> Vec<Row> {
    vec![
        row(
            "required string f = 1 [max_length = 3]",
            [f("a"), f("äöü")],
            [
                (json!({}), "spec.f: Required value"),
                (f(""), "should be at least 1 chars long"),
                (f("abcd"), "may not be more than 3"),
                (f(7), "must be of type string"),
            ],
        ),
        row(
            "optional string f = 1 [max_length = 3]",
            [json!({}), f(""), f("abc")],
            [(f("abcd"), "may not be more than 3"), (f(true), "must be of type string")],
        ),
        row(
            "required string f = 1 [max_length = 3, min_length = 3, pattern = \"^[0-9]{3}$\"]",
            [f("123")],
            [
                (f("12a"), "should match '^[0-9]{3}$'"),
                (f("1234"), "may not be more than 3"),
                (f("12"), "should be at least 3 chars long"),
            ],
        ),
        row(
            "optional string f = 1 [max_length = 9, min_length = 2]",
            [json!({}), f("äö")],
            [(f("ä"), "should be at least 2 chars long"), (f(""), "should be at least 2 chars long")],
        ),
        // What the compiler accepts, the API server reads the same way.
        row(
            r#"optional string f = 1 [max_length = 9, pattern = "(?i)^\\p{Greek}\\d\\x{41}[\\w-]*$"]"#,
            [f("α1a"), f("Ω2A_-")],
            [(f("α\u{663}a"), "should match"), (f("a1a"), "should match")],
        ),
        row("optional string f = 1 [text = True]", [f("x".repeat(100_000))], [(f(1), "must be of type string")]),
        row(
            "required int32 f = 1",
            [f(-2_147_483_648_i64), f(0)],
            [
                (json!({}), "spec.f: Required value"),
                (f("1"), "must be of type integer"),
                (f(1.5), "must be of type integer"),
                (f(2_147_483_648_i64), "int32"),
            ],
        ),
        row(
            "required uint32 f = 1",
            [f(0), f(4_294_967_295_i64)],
            [(f(-1), "greater than or equal to 0"), (f(4_294_967_296_i64), "less than or equal to 4294967295")],
        ),
        row("required float f = 1", [f(-1.5), f(2)], [(f("1.5"), "must be of type number")]),
        row("required double f = 1", [f(1e300)], [(f(false), "must be of type double")]),
        row(
            "required bool f = 1 [default = False]",
            [f(true)],
            [(f("true"), "must be of type boolean"), (f(1), "must be of type boolean")],
        ),
        row("optional bytes f = 1", [f("AAEC")], [(f("no base 64!"), "byte")]),
    ]
}

fn limits() -> Vec<Row> {
    vec![
        row(
            "required int32 f = 1 [min_value = 10, max_value = 20]",
            [f(10), f(20)],
            [(f(9), "greater than or equal to 10"), (f(21), "less than or equal to 20")],
        ),
        row(
            "optional string f = 1 [max_length = 9, blank = True]",
            [f("")],
            [(f("0123456789"), "may not be more than 9")],
        ),
        row("optional int32 f = 1", [json!({}), f(5)], [(f("5"), "must be of type integer")]),
        row(
            "required string f = 1 [choices = \"(('vm', 'Virtual Machine'), ('c', 'Container'))\", max_length = 9]",
            [f("vm"), f("c")],
            [(f("pod"), "supported values: \"vm\", \"c\""), (json!({}), "Required value")],
        ),
        row(
            "optional string f = 1 [choices = \"((None, 'Nothing'), ('a', 'A'))\", max_length = 9]",
            [json!({}), f("a")],
            [(f("b"), "supported values: \"a\"")],
        ),
        row(
            "required int32 f = 1 [choices = \"((1, 'One'), (2, 'Two'))\"]",
            [f(1), f(2)],
            [(f(3), "supported values: \"1\", \"2\"")],
        ),
    ]
}

fn content() -> Vec<Row> {
    vec![
        row(
            "optional string f = 1 [content_type = \"stripped\", max_length = 20]",
            [f("two words"), f("")],
            [(f(" before"), "must not begin or end with blanks"), (f("after\t"), "must not begin or end with blanks")],
        ),
        row(
            "optional string f = 1 [content_type = \"url\", max_length = 100]",
            [f("http://example.org/a?b=c"), f("")],
            [(f("example"), "must be a URL")],
        ),
        row(
            "optional string f = 1 [content_type = \"ip\", max_length = 39]",
            [f("192.0.2.1"), f("2001:db8::1"), f("")],
            [(f("192.0.2.256"), "must be an IP address"), (f("192.0.2.0/24"), "must be an IP address")],
        ),
        row(
            "optional string f = 1 [content_type = \"date\"]",
            [f("2026-01-02T03:04:05Z"), f("2026-01-02T03:04:05.678+02:00")],
            [(f("yesterday"), "date-time"), (f("2026-13-01T00:00:00Z"), "date-time")],
        ),
    ]
}

/// Defaults are stored, so that all clients read the same value.
fn defaults() -> Vec<Row> {
    let table = [
        ("required string f = 1 [default = \"x\", max_length = 9]", json!("x")),
        ("required int32 f = 1 [default = 7]", json!(7)),
        ("required bool f = 1 [default = True]", json!(true)),
        ("required float f = 1 [default = 0.5]", json!(0.5)),
        ("required string f = 1 [default = \"a\", max_length = 9, choices = \"(('a', 'A'), ('b', 'B'))\"]", json!("a")),
    ];
    let row =
        |(member, value)| Row { member, good: vec![(json!({}), f(value))], bad: vec![(f(json!({})), "Invalid value")] };
    table.into_iter().map(row).collect()
}

fn links() -> Vec<Row> {
    let peer = json!({"name": "a", "namespace": "b", "kind": "Peer"});
    vec![
        row(
            "required manytoone f->Peer:rows = 1:1001",
            [f(json!({"name": "later"})), f(peer.clone())],
            [
                (json!({}), "spec.f: Required value"),
                (f("later"), "must be of type object"),
                (f(json!({"namespace": "b"})), "spec.f.name: Required value"),
                (f(json!({"name": ""})), "should be at least 1 chars long"),
                (f(json!({"name": "a", "id": 7})), "unknown field"),
            ],
        ),
        row(
            "optional manytoone f->Peer:rows = 1:1001",
            [json!({}), f(peer.clone())],
            [(f(json!({})), "spec.f.name: Required value")],
        ),
        row(
            "optional onetoone f->Peer:row = 1:1001",
            [json!({}), f(peer.clone())],
            [(f(json!([])), "must be of type object")],
        ),
        row(
            "required manytomany f->Peer:rows = 1:1001",
            [json!({}), f(json!([])), f(json!([{"name": "a"}, peer]))],
            [(f(json!({"name": "a"})), "unknown field"), (f(json!([{}])), "spec.f[0].name: Required value")],
        ),
    ]
}

/// Every object has the operator's switches. What a synchronizer reports is not in the spec.
fn states() -> Vec<Row> {
    vec![
        row(
            "optional int32 f = 1",
            [json!({
                "noSync": true, "noPolicy": true, "writeProtect": false, "lazyBlocked": false, "xosManaged": true,
            })],
            [(json!({"noSync": "yes"}), "must be of type boolean"), (json!({"backendCode": 1}), "unknown field")],
        ),
        row("optional int32 f = 1 [feedback_state = True]", [json!({})], [(f(1), "unknown field")]),
        row("optional int32 f = 1 [bookkeeping_state = True]", [json!({})], [(f(1), "unknown field")]),
    ]
}

#[tokio::test]
async fn each_option_lets_the_good_pass_and_refuses_the_bad() {
    let rows: Vec<Row> = [types(), limits(), content(), defaults(), links(), states()].into_iter().flatten().collect();
    let of_row = |(at, row): (usize, &Row)| {
        // A back link has its own name at the peer for each link.
        let member = row.member.replace(":rows", &format!(":rows{at}")).replace(":row ", &format!(":row{at} "));
        let member = member.replace("1:1001", &format!("1:{}", 1001 + at));
        format!("message Row{at} (XOSBase) {{\n  {member};\n}}\n")
    };
    let text: String = rows.iter().enumerate().map(of_row).collect();
    let text = format!("option app_label = \"options\";\nmessage Peer (XOSBase) {{}}\n{text}");
    namespace::with("options", async |namespace| {
        let models = from_text(&text).unwrap_or_else(|error| panic!("{error}"));
        let kinds = Kinds::install(namespace.client(), namespace.name(), models).await;
        let kinds = kinds.unwrap_or_else(|error| panic!("{}", causes(&error)));
        let mut wrong = vec![];
        for (at, row) in rows.iter().enumerate() {
            wrong.extend(check(&kinds, &format!("Row{at}"), row).await);
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await
    .unwrap();
}

/// Returns the differences from a case.
async fn check(kinds: &Kinds, model: &str, row: &Row) -> Vec<String> {
    let mut wrong = vec![];
    for (at, (spec, stored)) in row.good.iter().enumerate() {
        match kinds.create(model, &format!("good-{at}"), spec).await.unwrap() {
            Ok(answer) if &answer == stored || (answer.is_null() && stored == &json!({})) => {}
            Ok(answer) => wrong.push(format!("{}: {spec} is stored as {answer}", row.member)),
            Err(error) => wrong.push(format!("{}: {spec} is refused: {error}", row.member)),
        }
    }
    for (spec, words) in &row.bad {
        match kinds.create(model, "bad", spec).await.unwrap() {
            Ok(_) => wrong.push(format!("{}: {spec} is taken", row.member)),
            Err(error) if error.to_string().contains(words) => {}
            Err(error) => wrong.push(format!("{}: {spec}: no `{words}` in: {error}", row.member)),
        }
    }
    wrong
}
