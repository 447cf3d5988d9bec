use std::fs;
use std::path::Path;

use super::*;
use crate::reference::root;

const MODELS: &str = "option app_label = \"shop\";
policy is_cheap < obj.price = 1 | obj.kind = \"new\" >
policy is_own < obj.shop.open = True >
message Item (XOSBase) { option abstract = True; }
message Book (Item) {
    option validators = \"is_cheap:An old book costs 1,is_own:{obj.shop.title} is closed\";
    required string title = 1 [max_length = 9, min_length = 2, pattern = \"^[A-Z]\", tosca_key = True];
    required int32 price = 2 [min_value = 1, max_value = 99];
    optional string kind = 3 [max_length = 9, choices = \"(('old', 'Old'), ('new', 'New'))\"];
    required manytoone shop->Shop:books = 4:1001;
    optional manytomany friends->Book:friends_of = 5:1002;
    optional string home = 6 [max_length = 99, content_type = \"url\"];
    optional string since = 7 [content_type = \"date\"];
    optional string password = 8 [max_length = 4, secret = True];
    optional string seen = 9 [max_length = 9, feedback_state = True];
    optional string note = 10 [max_length = 9];
}
message Shop (Service) { optional bool open = 1; optional string title = 2 [max_length = 9]; }
message Desk (ServiceInstance) { option owner_class_name = \"Shop\"; optional manytoone at->Service:desks = 1:1003; }
";

fn book(name: &str, spec: &str) -> String {
    format!("apiVersion: shop.xos.opencord.org/v1\nkind: Book\nmetadata:\n  name: {name}\nspec:\n{spec}---\n")
}

fn good(name: &str, title: &str, more: &str) -> String {
    book(name, &format!("  title: {title}\n  price: 1\n  shop: {{name: corner}}\n{more}"))
}

fn shop(more: &str) -> String {
    format!(
        "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {{name: corner}}\n\
         spec: {{name: corner, title: Corner, open: true{more}}}\n---\n"
    )
}

fn validated(objects: &str, format: Format) -> (Exit, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("m.xproto"), MODELS).unwrap();
    fs::write(path("o.yaml"), objects).unwrap();
    let args = ValidateArgs { files: vec![path("o.yaml")], models: vec![path("m.xproto")], config: vec![], format };
    let mut out = vec![];
    let exit = run(&Synchronizer::new("xos"), &args, &mut out).unwrap();
    (exit, String::from_utf8(out).unwrap().replace(&format!("{}/", folder.path().display()), ""))
}

/// Returns the diagnostics as `line:column code message`.
fn told(objects: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&validated(objects, Format::Json).1).unwrap();
    let line = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let help = if text("help").is_empty() { String::new() } else { format!(" ({})", text("help")) };
        let start = &one["range"]["start"];
        format!("{}:{} {} {}{help}", start["line"], start["column"], text("code"), text("message"))
    };
    json["diagnostics"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn good_objects_have_no_problems() {
    let objects = shop("") + &good("a", "Ab", "  friends: [{name: b}]\n  home: http://a/\n") + &good("b", "Bc", "");
    assert_eq!(validated(&objects, Format::Text), (Exit::Success, "3 objects: no problems found\n".to_owned()));
}

#[test]
fn a_problem_is_shown_with_its_line() {
    let objects = shop("") + &book("a", "  titel: Ab\n  price: 1\n  shop: {name: corner}\n");
    let expected = "\
error[V009]: unknown field `spec.titel`
  --> o.yaml:11:3
   |
11 |   titel: Ab
   |   ^^^^^
   |
   = help: did you mean `spec.title`?

2 objects: 1 error, 0 warnings
";
    let (exit, text) = validated(&objects, Format::Text);
    assert_eq!(exit, Exit::Failed);
    assert_eq!(text, expected, "{text}");
}

#[test]
fn what_does_not_fit_the_model_is_told() {
    for (spec, expected) in [
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  first_note: x",
            "14:3 V009 unknown field `spec.first_note` (remove it)",
        ),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  seen: x",
            "14:3 V010 `spec.seen` of Book is set by a synchronizer, in `status` (remove it)",
        ),
        (
            "title: 12\n  price: 1\n  shop: {name: corner}",
            "11:10 V006 `spec.title` should be a text, not a number (put it in quotes)",
        ),
        (
            "title: ab\n  price: 1\n  shop: {name: corner}",
            "11:10 V007 `spec.title` cannot be `ab`: expected a text that matches `^[A-Z]`",
        ),
        (
            "title: A\n  price: 1\n  shop: {name: corner}",
            "11:10 V007 `spec.title` cannot be `A`: expected a text of at least 2 characters",
        ),
        (
            "title: Abcdefghij\n  price: 1\n  shop: {name: corner}",
            "11:10 V007 `spec.title` cannot be `Abcdefghij`: expected a text of at most 9 characters",
        ),
        (
            "title: Ab\n  price: 100\n  shop: {name: corner}",
            "12:10 V007 `spec.price` cannot be `100`: expected a whole number from 1 to 99",
        ),
        (
            "title: Ab\n  price: 1\n  kind: nwe\n  shop: {name: corner}",
            "13:9 V007 `spec.kind` cannot be `nwe`: expected `old` or `new` (did you mean `new`?)",
        ),
        (
            "title: Ab\n  price: 1\n  shop: {nam: corner}",
            "13:10 V009 unknown field `spec.shop.nam` (did you mean `spec.shop.name`?)",
        ),
        ("title: Ab\n  price: 1\n  shop: corner", "13:9 V006 `spec.shop` should be a map, not a text"),
        ("title: Ab\n  price: 1\n  shop: {}", "13:9 V008 `spec.shop.name` is missing"),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  home: example.org",
            "14:9 V007 `spec.home` cannot be `example.org`: expected a URL, such as `http://example.org/path`",
        ),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  since: today",
            "14:10 V007 `spec.since` cannot be `today`: expected a moment in time, such as `2026-01-31T12:00:00Z`",
        ),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  password: hunter2",
            "14:13 V007 `spec.password` cannot be `***`: expected a text of at most 4 characters",
        ),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  note: No",
            "14:9 V019 kubectl reads `No` as true or false, and `spec.note` is a text (put it in quotes: \"No\")",
        ),
        ("title: Ab\n  price: 2\n  shop: {name: corner}", "9:9 V012 a validator does not hold: An old book costs 1"),
        (
            "title: Ab\n  price: 1\n  shop: {name: corner}\n  password: a\n  \
             passwordFrom: {secretKeyRef: {name: a, key: b}}",
            "15:17 V011 give `spec.password` or `spec.passwordFrom`, not both",
        ),
    ] {
        let objects = shop("") + &book("a", &format!("  {spec}\n"));
        let found = told(&objects);
        assert!(found.contains(&expected.to_owned()), "{expected}\n{found:#?}");
        assert!(!validated(&objects, Format::Text).1.contains("hunter2"));
    }
}

#[test]
fn kinds_and_metadata_are_checked() {
    let of = |head: &str| format!("{head}\n");
    for (head, expected) in [
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Bok\nmetadata: {name: a}",
            "2:7 V003 there is no model `Bok` (did you mean `Book`?)",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Item\nmetadata: {name: a}",
            "2:7 V004 Item has no objects of its own: it is abstract (take one of Book)",
        ),
        (
            "apiVersion: shop.xos.opencord.og/v1\nkind: Book\nmetadata: {name: a}",
            "1:13 V005 the `apiVersion` of Book is not `shop.xos.opencord.og/v1` (write `apiVersion: ",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v2\nkind: Book\nmetadata: {name: a}",
            "1:13 V005 the `apiVersion` of Book is not `shop.xos.opencord.org/v2` (write `apiVersion: ",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: x\nspec: {name: a}",
            "3:11 V006 `metadata` should be a map, not a text",
        ),
        ("kind: Book", "1:7 V002 this is no object: it has no `apiVersion`"),
        ("name: a", "1:1 V002 this is no object: it has no `kind`"),
        ("a: b: c", "1:5 V001 this is not valid YAML: mapping values are not allowed in this context"),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {}\nspec: {name: a}",
            "2:7 V008 `metadata` is missing",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {nam: a}\nspec: {name: a}",
            "3:12 V009 unknown field `metadata.nam` (did you mean `metadata.name`?)",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {name: A b}\nspec: {name: a}",
            "3:18 V007 `metadata.name` cannot be `A b`: expected small letters, digits, `-` and `.`, with a letter",
        ),
        (
            "apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {name: a}\nspecs: {}",
            "4:1 V009 unknown field `specs` (did you mean `spec`?)",
        ),
        ("apiVersion: shop.xos.opencord.org/v1\nkind: Shop\nmetadata: {name: a}", "2:7 V008 `spec.name` is missing"),
    ] {
        let found = told(&of(head));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{expected}\n{found:#?}");
    }
}

#[test]
fn objects_are_checked_among_each_other() {
    let objects = shop("") + &good("a", "Ab", "") + &good("b", "Ab", "");
    assert_eq!(told(&objects), ["20:10 V014 Book a has title \"Ab\" already; change or delete one of them"]);
    let objects = shop("") + &good("a", "Ab", "") + &good("a", "Bc", "");
    assert_eq!(told(&objects), ["18:9 V013 there are two objects Book a; the other one is in o.yaml:9"]);
    let closed = shop("").replace("open: true", "open: false");
    assert_eq!(told(&(closed + &good("a", "Ab", ""))), ["9:9 V012 a validator does not hold: Corner is closed"]);
    let desk = |spec: &str| {
        format!(
            "apiVersion: shop.xos.opencord.org/v1\nkind: Desk\nmetadata: {{name: d}}\nspec: {{name: d{spec}}}\n---\n"
        )
    };
    assert_eq!(told(&(shop("") + &desk(""))), [""; 0]);
    let none = "3:18 V018 spec.owner is not given, and namespace default has no Shop: create one, or give it";
    assert_eq!(told(&desk("")), [none]);
    let two = shop("") + &shop("").replace("corner", "other");
    let found = told(&(two + &desk("")));
    assert_eq!(found, ["13:18 V016 spec.owner is not given, and can be corner, other: give it"]);
    let found = told(&(shop("") + &desk(", at: {name: corner, kind: Book}")));
    assert_eq!(found, ["9:42 V015 spec.at.kind: Book is not a Service; it can be Service, Shop"]);
}

#[test]
fn a_link_to_elsewhere_is_a_note() {
    let objects = good("a", "Ab", "  friends: [{name: a}, {name: b}]\n");
    let (exit, text) = validated(&objects, Format::Text);
    assert_eq!(exit, Exit::Success);
    assert!(text.contains("note[V017]: `spec.shop` leads to Shop corner, which is not in these files"), "{text}");
    assert!(text.contains("note[V017]: `spec.friends` leads to Book b, which"), "{text}");
    assert!(text.ends_with("\n1 object: no problems found, 2 notes\n"), "{text}");
    let json: serde_json::Value = serde_json::from_str(&validated(&objects, Format::Json).1).unwrap();
    assert_eq!((&json["errors"], &json["warnings"], &json["notes"]), (&0.into(), &0.into(), &2.into()));
    assert_eq!(json["diagnostics"][1]["severity"], "note");
    assert_eq!(json["diagnostics"][1]["range"]["start"], serde_json::json!({"line": 9, "column": 31}));
}

#[test]
fn other_apis_are_left_alone_and_lists_are_read() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n\
                - apiVersion: shop.xos.opencord.org/v1\n  kind: Shop\n  metadata: {name: a, uid: u}\n  \
                spec: {name: a}\n  status: {x: y}\n---\n\
                apiVersion: xos.opencord.org/v1\nkind: SyncStep\nmetadata: {name: s}\n";
    assert_eq!(validated(list, Format::Text).1, "1 object (2 of other APIs left alone): no problems found\n");
}

#[test]
fn what_cannot_be_read_is_a_finding() {
    let files = vec![root().join("config/people/none.yaml")];
    let config = vec![root().join("config/people/config.yaml")];
    let args = ValidateArgs { files, models: vec![], config, format: Format::Text };
    let mut out = vec![];
    assert_eq!(run(&Synchronizer::new("xos"), &args, &mut out).unwrap(), Exit::Usage);
    assert!(String::from_utf8(out).unwrap().starts_with("error[F001]: cannot read this: "));
    let nothing = ValidateArgs { files: vec!["nowhere/a.yaml".into()], config: vec![], ..args };
    let error = run(&Synchronizer::new("xos"), &nothing, &mut vec![]).unwrap_err();
    assert_eq!(error.to_string(), "which models? name .xproto files or folders: xos validate FILE --models PATH…");
}

/// What `xos generate` prints is good for `xos validate`.
#[test]
fn samples_are_good() {
    use super::super::generate::sample;

    let paths = [root().join("config/core.xproto"), root().join("config/example")];
    let models = source::models(&Synchronizer::new("xos"), "", &paths, &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for model in models.concrete() {
        for all in [false, true] {
            let text = sample(&models, model, all);
            let path = folder.path().join("o.yaml");
            fs::write(&path, &text).unwrap();
            let mut objects = Objects::read(&models, &[path]);
            others::judge(&models, &mut objects);
            objects.problems.retain(|(problem, _)| {
                !matches!(problem, ObjectProblem::Elsewhere { .. } | ObjectProblem::NoOwner { .. })
            });
            assert!(objects.problems.is_empty(), "{:?}\n{text}", objects.problems);
        }
    }
}

/// The objects of the repository: with the models of a configuration beside them, or of a folder.
#[test]
fn the_objects_of_the_examples_are_good() {
    for (file, models, objects) in [
        ("config/people/objects.yaml", None, 2),
        ("config/example/people.yaml", Some("config/example"), 2),
        ("config/example/compilers.yaml", Some("config/example"), 1),
    ] {
        let models = models.map(|folder: &str| root().join(folder)).into_iter().collect();
        let args = ValidateArgs { files: vec![root().join(file)], models, config: vec![], format: Format::Text };
        let mut out = vec![];
        run(&Synchronizer::new("xos"), &args, &mut out).unwrap();
        let expected = format!("{}: no problems found\n", counted(objects, "object"));
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{file}");
    }
    let bad = validated_at(&root().join("config/example/bad.yaml"));
    assert!(
        bad.contains("error[V007]: `spec.firstName` cannot be ``: expected a text of at least 1 character"),
        "{bad}"
    );
}

fn validated_at(file: &Path) -> String {
    let models = vec![root().join("config/example")];
    let args = ValidateArgs { files: vec![file.to_owned()], models, config: vec![], format: Format::Text };
    let mut out = vec![];
    run(&Synchronizer::new("xos"), &args, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
