use super::*;
use crate::source::Sources;
use crate::tree::Member;

fn name<'a>(member: &Member<'a>) -> &'a str {
    match member {
        Member::Field(field) => field.name.text,
        Member::Link(link) => link.name.text,
    }
}

/// Returns the messages with their fields, as read, and the codes of what is wrong.
fn read(text: &str) -> (Vec<String>, Vec<String>) {
    let mut sources = Sources::new();
    let id = sources.add("a.xproto", text);
    let mut sink = Sink::default();
    let file = parse(id, sources.get(id).unwrap(), &mut sink);
    let messages = file.messages.iter().map(|message| {
        let fields: Vec<_> = message.members.iter().map(name).collect();
        format!("{}: {}", message.name.text, fields.join(" ")).trim_end().to_owned()
    });
    (messages.collect(), sink.finish().iter().map(|diagnostic| diagnostic.code().to_string()).collect())
}

#[test]
fn reading_goes_on_behind_an_error() {
    for (text, messages, codes) in [
        ("", vec![], vec![]),
        ("message A {}", vec!["A:"], vec![]),
        ("message A () {}", vec!["A:"], vec![]),
        ("} message A {}", vec!["A:"], vec!["X012"]),
        ("x y z { { } ; } message A {}", vec!["A:"], vec!["X010"]),
        ("message A { required int32 a = 1 required int32 b = 2; }", vec!["A: a"], vec!["X010"]),
        ("message A { required int32 a = 1\nrequired int32 b = 2; }", vec!["A: a b"], vec!["X010"]),
        ("message A { required int32 a = ; required int32 b = 2; }", vec!["A: b"], vec!["X010"]),
        ("message A { required int32 a = 1 [b c]; required int32 d = 2; }", vec!["A: a d"], vec!["X010"]),
        ("message A { required int32 a = 1 [b = 1; required int32 d = 2; }", vec!["A: a d"], vec!["X010"]),
        ("message A { option a; required int32 b = 1; }", vec!["A: b"], vec!["X010"]),
        ("message A { option a = 1\nrequired int32 b = 1; }", vec!["A: b"], vec!["X010"]),
        ("message A { required\n}\nmessage B {}", vec!["A:", "B:"], vec!["X010"]),
        ("message A (B { required int32 a = 1; }", vec!["A: a"], vec!["X010"]),
        ("message A (B,) { required int32 a = 1; }", vec!["A: a"], vec!["X014"]),
        ("message A::1 { required int32 a = 1; }", vec!["A:"], vec!["X010", "X010"]),
        ("message A {\nmessage B {}", vec!["A:", "B:"], vec!["X011"]),
        ("message A { message B { } required int32 a = 1; }", vec!["A: a"], vec!["X104"]),
        ("message A { required manytoone a->B:c = 1:1001 [d = 1]; required int32 e = 2; }", vec!["A: a e"], vec![]),
        ("policy a < b >\nmessage A {}", vec!["A:"], vec![]),
        ("policy a b\nmessage A {}", vec!["A:"], vec!["X010"]),
        ("message A { required a->B = 1; b->C = 2; }", vec!["A: a b"], vec!["X502", "X015", "X502"]),
        ("message A { required manytoone a:B->c = 1; required int32 d = 2; }", vec!["A: d"], vec!["X503"]),
        ("message A { required manytoone a->B:= 1; required int32 d = 2; }", vec!["A: d"], vec!["X010"]),
        ("import \"a\"\nmessage A {}", vec!["A:"], vec!["X109"]),
        ("enum = 1; message A {}", vec!["A:"], vec!["X010"]),
    ] {
        assert_eq!(
            read(text),
            (messages.into_iter().map(str::to_owned).collect(), codes.into_iter().map(str::to_owned).collect()),
            "{text}"
        );
    }
}

#[test]
fn nesting_has_no_limit_that_could_be_reached() {
    let deep = |open: &str| open.repeat(200_000);
    for text in [deep("{"), deep("message A {"), deep("("), deep("["), format!("message A {{ enum B {}", deep("{"))] {
        read(&text);
    }
}
