//! Any bytes give diagnostics, never a panic and never a hang.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use xos_xproto::{Compiled, Sources, compile, render, to_json};

const VALID: [&str; 3] = [
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

/// Words, marks and blanks of the language in any order, which reach deeper than plain bytes.
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
        "policy",
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
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

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
}
