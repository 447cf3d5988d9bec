//! Any bytes lead to diagnostics, never to a panic or a hang.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use xos_xproto::model::Literal;
use xos_xproto::{Choice, Compiled, Reverse, ReverseLink, Sources, compile, render, to_json};

const VALID: [&str; 7] = [
    include_str!("../../../config/core.xproto"),
    include_str!("fixtures/models/links.xproto"),
    include_str!("fixtures/policies/names.xproto"),
    include_str!("fixtures/options/choices.xproto"),
    include_str!("fixtures/models/real_world.xproto"),
    include_str!("fixtures/models/inheritance.xproto"),
    include_str!("fixtures/unsupported/protobuf.xproto"),
];

/// Far more than any of these texts needs on a slow machine.
const LIMIT: Duration = Duration::from_secs(5);

fn survive(files: &[Vec<u8>]) -> Compiled {
    let started = Instant::now();
    let mut sources = Sources::new();
    for (n, bytes) in files.iter().enumerate() {
        sources.add(format!("{n}.xproto"), bytes.clone());
    }
    let compiled = compile(&sources);
    for diagnostic in &compiled.diagnostics {
        assert!(!render(diagnostic, &sources, true).is_empty());
        let json = to_json(diagnostic, &sources);
        assert!(json.range.start.line >= 1 && json.range.start.column >= 1 && !json.message.is_empty());
        assert!((json.range.start.line, json.range.start.column) <= (json.range.end.line, json.range.end.column));
    }
    assert!(started.elapsed() < LIMIT);
    compiled
}

/// Where a link is and leads to, its port, its number and its kind.
fn link() -> impl Strategy<Value = (usize, usize, String, Option<u32>, usize)> {
    (0..8_usize, 0..10_usize, "[a-c+]{0,2}", prop::option::of(0..3_u32), 0..4_usize)
}

/// A value and a label.
fn choice() -> impl Strategy<Value = (Option<String>, String)> {
    (prop::option::of("[a-z'\\\\ é]{1,9}"), "[A-Za-z '\\\\é,()]{0,9}")
}

/// Makes texts of the language's words, marks and blanks in any order, which reach deeper than plain bytes.
fn language() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "message",
        "option",
        "required",
        "optional",
        "repeated",
        "int32",
        "string",
        "bool",
        "manytoone",
        "manytomany",
        "onetoone",
        "policy",
        "policy p <",
        "required manytoone a->A:a = 1:1001;",
        "choices = \"((",
        "'a', 'A'), ))\"",
        "exists",
        "forall",
        "not",
        "in",
        "obj",
        "ctx.user",
        "*p(obj)",
        "validators",
        "unique_with",
        "&",
        "|",
        "{{",
        "}}",
        "enum",
        "oneof",
        "import",
        "package",
        "map",
        "A",
        "B",
        "XOSBase",
        "a",
        "name",
        "default",
        "max_length",
        "abstract",
        "app_label",
        "True",
        "None",
        "1",
        "-2",
        "99",
        "1.5",
        "\"text\"",
        "\"now()\"",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "=",
        ";",
        ",",
        ".",
        ":",
        "::",
        "->",
        "<",
        ">",
        "+",
        "/",
        "//",
        "/*",
        "*/",
        "#",
        "\\",
        "é",
        "\u{1f600}",
        "\n",
        "\r\n",
        "\t",
        " ",
        " ",
        " ",
    ]);
    prop::collection::vec(piece, 0..200).prop_map(|pieces| pieces.concat())
}

proptest! {
    // The same texts in every run; cargo-fuzz looks for new ones (fuzz/).
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(4), ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..3)) {
        survive(&files);
    }

    #[test]
    fn any_words_of_the_language(text in language()) {
        survive(&[text.into_bytes()]);
    }

    #[test]
    fn mutated_files(
        file in 0..VALID.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, language()), 1..4),
    ) {
        let mut bytes = VALID[file].as_bytes().to_vec();
        for (place, cut, insert) in edits {
            let at = place.index(bytes.len() + 1);
            let end = (at + cut).min(bytes.len());
            bytes.splice(at..end, insert.bytes().take(20));
        }
        survive(&[bytes]);
    }

    #[test]
    fn any_bases(bases in prop::collection::vec(prop::collection::vec(0..12_usize, 0..4), 1..12)) {
        let text: String = bases.iter().enumerate().map(|(n, bases)| {
            let names: Vec<_> = bases.iter().map(|base| format!("M{base}")).collect();
            format!("message M{n} ({}) {{ required int32 f{n} = 1; }}\n", names.join(", "))
        }).collect();
        let compiled = survive(&[text.into_bytes()]);
        for model in &compiled.models {
            let mut names: Vec<_> = model.fields.iter().map(|field| &field.name).collect();
            let all = names.len();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), all);
            prop_assert_eq!(model.ancestry.first(), Some(&model.name));
        }
    }

    #[test]
    fn any_links(links in prop::collection::vec(link(), 0..20)) {
        let mut texts = vec![String::new(); 8];
        for (at, (from, to, port, number, kind)) in links.iter().enumerate() {
            let kind = ["manytoone", "onetoone", "onetomany", "manytomany"][*kind];
            let port = if port.is_empty() { String::new() } else { format!(":{port}") };
            let number = number.map(|number| format!(":{}", 999 + number * 450)).unwrap_or_default();
            texts[*from] += &format!("optional {kind} l{at}->M{to}{port} = {}{number};\n", at + 1);
        }
        let message = |(n, text): (usize, &String)| format!("message M{n} {{\n{text}}}\n");
        let text: String = texts.iter().enumerate().map(message).collect();
        let compiled = survive(&[format!("option app_label = \"a\";\n{text}").into_bytes()]);
        let models = &compiled.models;
        prop_assert_eq!(models.iter().map(|model| model.links.len()).sum::<usize>(), links.len());
        for model in models {
            for link in model.own_links() {
                let is_its = |port: &&Arc<ReverseLink>| port.link.name == link.name && port.model == model.name;
                let there = models.get(&link.peer).map_or(0, |peer| peer.reverse_links.iter().filter(is_its).count());
                let makes_one = matches!(link.reverse, Reverse::Port { .. }) && models.get(&link.peer).is_some();
                prop_assert_eq!(there, usize::from(makes_one), "{}", text);
            }
        }
    }

    /// What is written of a policy reads as the same policy.
    #[test]
    fn any_policy(written in policy(4)) {
        let read = |text: &str| {
            let compiled = survive(&[format!("policy p < {text} >").into_bytes()]);
            compiled.models.policy("p").map(|policy| policy.expr.to_string())
        };
        let once = read(&written);
        prop_assert!(once.is_some(), "{}", written);
        let once = once.unwrap_or_default();
        prop_assert_eq!(read(&once), Some(once));
    }

    #[test]
    fn any_choices(choices in prop::collection::vec(choice(), 1..9), comma: bool) {
        let python = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        let pair = |(value, label): &(Option<String>, String)| {
            let value = value.as_ref().map_or("None".to_owned(), |value| python(value));
            format!("({value}, {})", python(label))
        };
        let pairs: Vec<_> = choices.iter().map(pair).collect();
        let last = if comma || pairs.len() == 1 { "," } else { "" };
        let tuple = format!("({}{last})", pairs.join(", ")).replace('\\', "\\\\").replace('"', "\\\"");
        let text = format!("message M {{ optional string a = 1 [text = True, choices = \"{tuple}\"]; }}");
        let compiled = survive(&[text.clone().into_bytes()]);
        let field = compiled.models.get("M").and_then(|model| model.field("a")).and_then(|field| field.choices.clone());
        let pair = |choice: Choice| (choice.value, choice.label);
        let read: Option<Vec<_>> = field.map(|choices| choices.into_iter().map(pair).collect());
        let literal = |value: Option<String>| value.map_or(Literal::Null, Literal::Str);
        let expected: Vec<_> = choices.into_iter().map(|(value, label)| (literal(value), label)).collect();
        prop_assert_eq!(read, Some(expected), "{}", text);
    }
}

/// Makes the text of a policy that nests at most `depth` times, with and without parentheses.
fn policy(depth: u32) -> impl Strategy<Value = String> {
    let term = prop::sample::select(vec![
        "obj",
        "obj.site.name",
        "ctx.user.is_admin",
        "M.name",
        "*p(obj)",
        "*p(site.owner)",
        "obj.all.all()",
        "\"a b \\\" c\"",
        "-12",
        "1.5",
        "True",
        "None",
        "{{ obj.name }}",
    ]);
    let leaf =
        (term.clone(), prop::option::of((prop::sample::select(vec!["=", "in"]), term))).prop_map(|(left, right)| {
            right.map_or(left.to_owned(), |(operator, right)| format!("{left} {operator} {right}"))
        });
    leaf.prop_recursive(depth, 32, 3, |inner| {
        let operator = prop::sample::select(vec!["&", "|", "->"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("{left} {operator} {right}")),
            inner.clone().prop_map(|inner| format!("({inner})")),
            inner.clone().prop_map(|inner| format!("not {inner}")),
            (prop::sample::select(vec!["exists", "forall"]), inner)
                .prop_map(|(quantifier, inner)| format!("{quantifier} M: {inner}")),
        ]
    })
}
