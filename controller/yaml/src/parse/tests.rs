use super::*;

fn read(text: &str) -> (Result<Node, NotYaml>, File) {
    let mut file = File { path: "a.yaml".into(), text: text.into(), secrets: vec![] };
    (parse(&mut file, 0), file)
}

#[test]
fn values_have_their_types() {
    let (node, _) = read("{a: 1, b: 1.5, c: yes, d: true, e: '5', f: ~, g: [x], h: {i: 18446744073709551615}}");
    let json = node.unwrap().into_json();
    assert_eq!(
        json.to_string(),
        r#"{"a":1,"b":1.5,"c":"yes","d":true,"e":"5","f":null,"g":["x"],"h":{"i":1.8446744073709552e+19}}"#
    );
}

#[test]
fn keys_and_values_have_their_places() {
    let (node, file) = read("ä: x\nname:\n  - one\n");
    let Value::Map(entries) = node.unwrap().value else { panic!("no map") };
    let text = |place: &Place| match place {
        Place::File { bytes, .. } => file.text[bytes.clone()].to_owned(),
        _ => String::new(),
    };
    assert_eq!((text(&entries[1].place), text(&entries[0].node.place)), ("name".to_owned(), "x".to_owned()));
}

#[test]
fn what_is_not_yaml_is_reported_with_its_place() {
    for (text, message, at) in [
        ("a: 1\na: 2\n", "this is not valid YAML: duplicate mapping key `a` is not allowed here", 5),
        ("a: b: c\n", "this is not valid YAML: mapping values are not allowed in this context", 4),
        ("a: 1\n---\nb: 1\n", "this is not valid YAML: only single YAML document expected but multiple found", 9),
    ] {
        let error = read(text).0.unwrap_err();
        assert_eq!(error.message, message);
        assert!(matches!(error.place, Place::File { bytes, .. } if bytes.start == at), "{text}");
    }
}

#[test]
fn secrets_are_noted() {
    let (_, file) = read("accessor: {password: letmein}\nx: 1\n");
    assert_eq!(file.line(0).1, "accessor: {password: *******}");
    let (_, file) = read("accessor: {password: letmein\n");
    assert_eq!(file.line(0).1, "*".repeat(28));
}

#[test]
fn variables_are_scalars() {
    for (text, value) in [
        ("5", Value::Int(5)),
        ("true", Value::Bool(true)),
        ("", Value::Null),
        ("'5'", Value::Text("5".into())),
        ("http://x:1", Value::Text("http://x:1".into())),
        ("a: b", Value::Text("a: b".into())),
        ("[a", Value::Text("[a".into())),
    ] {
        assert_eq!(parse_scalar(text), value, "{text}");
    }
}
