//! Files of properties: what is wrong with them is told with its place.

#![allow(clippy::unwrap_used, missing_docs)]

use xos_properties::{Convenience, of_folder};
use xos_xproto::{ModelSet, Sources, compile};

const MODELS: &str = r#"
    option app_label = "t";
    message Person (XOSBase) {
        option columns = "full_name, first_name";
        required string first_name = 1 [max_length = 9];
        optional string last_name = 2 [max_length = 9];
    }
"#;

fn models(convenience: &Convenience) -> ModelSet {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    convenience.announce(&mut sources);
    let compiled = compile(&sources);
    let expected = usize::from(convenience.is_empty());
    assert_eq!(compiled.errors(), expected, "{:?}", compiled.diagnostics);
    compiled.models
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let mut convenience = Convenience::default();
    files.iter().for_each(|(path, text)| convenience.add(*path, *text));
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let found = convenience.compile(&compile(&sources).models).err().unwrap_or_default();
    found.iter().map(|one| format!("{} {one}", one.code())).collect()
}

#[test]
fn a_column_may_name_a_property() {
    let none = Convenience::default();
    models(&none);
    let mut convenience = Convenience::default();
    convenience.add("convenience/a.yaml", "Person:\n  full_name: self.first_name + 'x'\n");
    let models = models(&convenience);
    let (models, properties) = convenience.compile(&models).unwrap();
    assert_eq!(models.get("Person").unwrap().property("full_name").unwrap().camel_name(), "fullName");
    assert!(properties.has("Person") && !properties.has("XOSBase"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let table: [(&str, &[&str]); 12] = [
        (
            "Person: {full_name: \"self.frist_name\"}",
            &["D037 c/a.yaml:1:27: model Person has no field or link `frist_name` (did you mean `first_name`?)"],
        ),
        ("Persn: {a: '1', b: '2'}", &["D034 c/a.yaml:1:1: there is no model `Persn` (did you mean `Person`?)"]),
        (
            "Person:\n  fullName: '1'",
            &[
                "D035 c/a.yaml:2:3: `fullName` is no name of a property (use small letters, digits and `_`, with a letter first, as in `full_name`)",
            ],
        ),
        (
            "Person:\n  first_name: '1'",
            &["D036 c/a.yaml:2:3: `first_name` has the name of a field of Person (give it another name)"],
        ),
        (
            "Person: {a: b'x'}",
            &["D038 c/a.yaml:1:13: a property cannot have a value of type bytes (write `base64.encode(…)` around it)"],
        ),
        (
            "Person: {a: self.b, b: self.a}",
            &[
                "D040 c/a.yaml:1:13: it needs itself: `a` needs `b` needs `a`",
                "D040 c/a.yaml:1:24: it needs itself: `b` needs `a` needs `b`",
            ],
        ),
        (
            "Person: {a: 3}",
            &[
                "D033 c/a.yaml:1:13: `a` should be a text, not a number (write `MyModel: {full_name: \"self.first_name + ' ' + self.last_name\"}`)",
            ],
        ),
        (
            "Person: x",
            &[
                "D033 c/a.yaml:1:9: `Person` should be a map of expressions by name, not a text (write `MyModel: {full_name: \"self.first_name + ' ' + self.last_name\"}`)",
            ],
        ),
        (
            "- x",
            &[
                "D033 c/a.yaml:1:1: a file of properties should be a map of models, not a list (write `MyModel: {full_name: \"self.first_name + ' ' + self.last_name\"}`)",
            ],
        ),
        (
            "Person: {a: '1'}\n---\nPerson: {a: '2'}",
            &["D041 c/a.yaml:3:10: `a` of Person is declared already, in c/a.yaml:1 (remove one of them)"],
        ),
        ("Person:\n", &[]),
        ("", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(found(&[("c/a.yaml", text)]), expected, "{text}");
    }
    assert!(found(&[("c/a.yaml", "Person: [")])[0].starts_with("D032 c/a.yaml:"));
    assert!(found(&[("c/a.py", "class A: pass")])[0].starts_with("D031 c/a.py:1:1: this is no file of properties"));
}

#[test]
fn a_place_is_marked_in_the_line() {
    let mut convenience = Convenience::default();
    convenience.add("convenience/person.yaml", "# who\nPerson:\n  full_name: \"self.first_name + self.lastname\"\n");
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let found = convenience.compile(&compile(&sources).models).unwrap_err();
    let expected = "\
error[D037]: model Person has no field or link `lastname`
 --> convenience/person.yaml:3:38
  |
3 |   full_name: \"self.first_name + self.lastname\"
  |                                      ^^^^^^^^
  |
  = help: did you mean `last_name`?";
    assert_eq!(found[0].render(false), expected);
}

#[test]
fn a_folder_without_them_has_none() {
    assert!(of_folder(std::path::Path::new("no/such/folder")).unwrap().is_empty());
}
