//! Expressions over a small set of models: what is refused, and what the others give.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use serde_json::{Value, json};
use xos_expressions::{Expression, Faults, Objects, Scope, Template, Type, Values};
use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::{ModelSet, Sources, compile};

const MODELS: &str = r#"
    option app_label = "t";
    message Site (XOSBase) { required string name = 1 [max_length = 9]; optional string note = 2 [max_length = 9]; }
    message Lab (Site) { optional bool is_open = 1; }
    message Person (XOSBase) {
        required string first_name = 1 [max_length = 9];
        optional string title = 2 [max_length = 9];
        optional int32 age = 3;
        optional double height = 4;
        optional bool is_admin = 5;
        optional manytoone site->Site:people = 6:1001;
        optional manytomany friends->Person = 7;
    }
"#;

struct World {
    models: Arc<ModelSet>,
    objects: Vec<Arc<Object>>,
}

impl Objects for World {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(&self.models)
    }

    fn at(&self, class: &str, _: &str, reference: &Reference) -> Vec<Arc<Object>> {
        let is_of = |object: &&Arc<Object>| self.models.get(&object.model).unwrap().is_a(class);
        self.objects.iter().filter(is_of).filter(|object| object.meta.name == reference.name).cloned().collect()
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        assert_eq!(port, "people");
        let links = |object: &&Arc<Object>| object.fields.get("site").is_some_and(|site| site["name"] == *key.name);
        self.objects.iter().filter(links).cloned().collect()
    }
}

fn object(model: &str, name: &str, fields: Value) -> Arc<Object> {
    Arc::new(Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "n", name) })
}

fn world() -> World {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let objects = vec![
        object(
            "Person",
            "ada",
            json!({"first_name": "Ada", "age": 36, "is_admin": true, "site": {"name": "rome"},
            "friends": [{"name": "bob"}, {"name": "nobody"}]}),
        ),
        object("Person", "bob", json!({"first_name": "Bob", "title": "Dr", "height": 1.5, "site": {"name": "rome"}})),
        object("Person", "eve", json!({"first_name": "Eve", "site": {"name": "gone"}})),
        object("Site", "rome", json!({"name": "Rome"})),
    ];
    World { models: Arc::new(compiled.models), objects }
}

fn scope(world: &World) -> Scope<'_> {
    let answer = Type::record("response", [("status", Type::Int), ("body", Type::Any)]);
    Scope::new(&world.models).with("self", Type::object("Person")).with("response", answer).with("settings", Type::Any)
}

fn values(who: &str) -> Values {
    let world = Arc::new(world());
    let object = world.objects.iter().find(|object| object.meta.name == who).unwrap().clone();
    let answer = json!({"status": 201, "body": {"id": 7, "tags": ["a", "b"], "nothing": null}});
    Values::new(world)
        .with_object("self", &object)
        .with("response", &answer)
        .with("settings", &json!({"url": "http://x"}))
}

fn evaluated(text: &str, who: &str) -> Result<Value, String> {
    let world = world();
    let compiled = Expression::compile(text, &scope(&world)).map_err(|faults| format!("refused: {faults}"))?;
    compiled.evaluate(&values(who)).map_err(|error| error.to_string())
}

#[test]
fn what_expressions_give() {
    let table = [
        ("self.first_name", "ada", json!("Ada")),
        ("self.title", "ada", json!(null)),
        ("self.title == null ? self.first_name : self.title + ' ' + self.first_name", "bob", json!("Dr Bob")),
        ("has(self.title)", "ada", json!(false)),
        ("has(self.title) && has(self.site)", "bob", json!(true)),
        ("self.?title.orValue('none')", "ada", json!("none")),
        ("self.?title.hasValue()", "bob", json!(true)),
        ("self.age + 1", "ada", json!(37)),
        ("self.height * 2.0", "bob", json!(3.0)),
        ("self.is_admin", "ada", json!(true)),
        ("self.site.name", "ada", json!("Rome")),
        ("self.site", "ada", json!({"name": "rome", "namespace": "n", "kind": "Site"})),
        ("self.site", "eve", json!(null)),
        ("self.site == null", "eve", json!(true)),
        ("self.?site.?name.orValue('nowhere')", "eve", json!("nowhere")),
        ("self.site.people.map(p, p.first_name)", "bob", json!(["Ada", "Bob"])),
        ("self.site.people.filter(p, p.metadata.name != self.metadata.name).size()", "bob", json!(1)),
        ("self.friends.map(f, f.first_name)", "ada", json!(["Bob"])),
        ("self.friends.exists(f, f.title == 'Dr')", "ada", json!(true)),
        ("self.site.people.all(p, p.site == self.site)", "ada", json!(true)),
        ("response.body.id", "ada", json!(7)),
        ("response.status in [200, 201]", "ada", json!(true)),
        ("response.body.tags.join('-').upperAscii()", "ada", json!("A-B")),
        ("has(response.body.other)", "ada", json!(false)),
        ("response.body.?other.orValue(3)", "ada", json!(3)),
        ("{'a': self.age, 'b': [1, 2]}", "ada", json!({"a": 36, "b": [1, 2]})),
        ("settings.url + '/' + url_encode('a b/c')", "ada", json!("http://x/a%20b%2Fc")),
        ("from_json('{\"a\": [1]}').a[0]", "ada", json!(1)),
        ("to_json({'a': self.age})", "ada", json!("{\"a\":36}")),
        ("timestamp('2026-01-02T03:04:05Z') + duration('1h')", "ada", json!("2026-01-02T04:04:05Z")),
        ("duration('90s')", "ada", json!("90s")),
        ("base64.encode(b'hi')", "ada", json!("aGk=")),
        ("math.greatest(1, 5, 3)", "ada", json!(5)),
        ("self.metadata.name + '/' + self.metadata.namespace", "ada", json!("ada/n")),
        ("self.site.people.sortBy(p, p.first_name).map(p, p.first_name)[0]", "ada", json!("Ada")),
        ("self.first_name.matches('^A')", "ada", json!(true)),
        ("[[1], [2]].flatten()", "ada", json!([1, 2])),
        ("type(1) == int", "ada", json!(true)),
    ];
    for (text, who, expected) in table {
        assert_eq!(evaluated(text, who), Ok(expected), "{text} of {who}");
    }
}

#[test]
fn what_is_refused_and_why() {
    let table = [
        ("self.frist_name", "model Person has no field or link `frist_name` (did you mean `first_name`?)"),
        ("self.firstName", "model Person has no field or link `firstName` (did you mean `first_name`?)"),
        ("slef.age", "`slef` is not known here (did you mean `self`?)"),
        ("other", "`other` is not known here (known here: response, self, settings)"),
        ("self.age + 'x'", "there is no `+` of int and string (write `string(…)` around the one that is no string)"),
        ("self.age + self.height", "there is no `+` of int and double (write `double(…)` around the int)"),
        (
            "self.first_name == 3",
            "`==` of string and int is always false (write `string(…)` around the one that is no string)",
        ),
        (
            "self.site == 'rome'",
            "`==` of Site and string is always false (write the object's field after it, as in `x.name`)",
        ),
        ("self.first_name && true", "`&&` needs a bool, and not a value of type string"),
        ("self.age < 'x'", "there is no `<` of int and string (write `string(…)` around the one that is no string)"),
        ("self.first_name.upper()", "there is no function `upper`"),
        ("self.first_name.startWith('x')", "there is no function `startWith` (did you mean `startsWith`?)"),
        (
            "self.first_name.startsWith(1)",
            "there is no `startsWith(int)` of string (there is `startsWith(a string)` of a string)",
        ),
        (
            "size(self.age)",
            "there is no `size(int)` (there is `size(a string)`; `size(bytes)`; `size(a list)`; `size(a map)`)",
        ),
        ("response.stauts", "the response has no `stauts` (did you mean `status`?)"),
        ("self.friends.first_name", "a value of type list of Person has no `first_name`"),
        (
            "self.friends.map(f, f.firstname)",
            "model Person has no field or link `firstname` (did you mean `first_name`?)",
        ),
        ("self.age.all(x, x)", "a value of type int has no items"),
        (
            "Person{first_name: 'x'}",
            "there is no type `Person` that can be written like this (write a map: `{\"key\": value}`)",
        ),
        ("math.abss(1)", "there is no function `math.abss` (did you mean `math.abs`?)"),
        ("[1].map(a, [1].map(b, [1].map(c, [1].map(d, d))))", "more than 3 loops are inside each other"),
    ];
    let world = world();
    for (text, expected) in table {
        let faults = Expression::compile(text, &scope(&world)).unwrap_err();
        assert_eq!(faults.to_string(), expected, "{text}");
    }
}

#[test]
fn a_fault_has_its_place() {
    let world = world();
    let marked = |text: &str, faults: &Faults| text[faults.0[0].at.clone()].to_owned();
    for (text, expected) in [
        ("1 + slef.age", "slef"),
        ("'é' + self.frist_name", "frist_name"),
        ("'é' + self.site . nmae", "nmae"),
        ("'é' + self.?nmae", "nmae"),
        ("'é' + self.first_name.upper(1)", "upper"),
        ("'é' + math.abss(1)", "abss"),
        ("[1, self.age && true]", "&&"),
    ] {
        let faults = Expression::compile(text, &scope(&world)).unwrap_err();
        assert_eq!(marked(text, &faults), expected, "{text}");
    }
    let syntax = Expression::compile("1 + ", &scope(&world)).unwrap_err();
    assert!(syntax.to_string().starts_with("this is no expression: "), "{syntax}");
    let text = "http://${settings.url}/${self.nmae}";
    let faults = Template::compile(text, &scope(&world)).unwrap_err();
    assert_eq!(marked(text, &faults), "nmae");
}

#[test]
fn an_error_says_which_value_is_missing() {
    for (text, who, expected) in [
        ("self.title + 'x'", "ada", "`self.title + 'x'`: a part of it has no value (null)"),
        ("self.site.name", "eve", "`self.site.name`: "),
        ("response.body.other", "ada", "`response.body.other`: there is no `other` in it"),
        ("response.body.tags[5]", "ada", "`response.body.tags[5]`: the list has no item of this number"),
        ("1 / (self.age - 36)", "ada", "`1 / (self.age - 36)`: "),
    ] {
        let error = evaluated(text, who).unwrap_err();
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn texts_with_expressions() {
    let world = world();
    let scope = scope(&world);
    let values = values("ada");
    let template = |text: &str| Template::compile(text, &scope).unwrap();
    assert_eq!(template("${self.age}").value(&values), Ok(json!(36)));
    assert_eq!(template("age ${self.age}, ${'}'} and $${self}").value(&values), Ok(json!("age 36, } and ${self}")));
    assert_eq!(template("plain").constant(), Some("plain"));
    assert_eq!(template("${{'a': 1}.a}").value(&values), Ok(json!(1)));
    let url = template("${settings.url}/people/${self.first_name + ' /'}?x=${self.age}");
    assert_eq!(url.url(&values), Ok("http://x/people/Ada%20%2F?x=36".to_owned()));
    let missing = template("Hello ${self.title}").text(&values).unwrap_err().to_string();
    assert_eq!(missing, "`self.title`: it has no value (null), and a text needs one");
    let unended = Template::compile("a ${self.age", &scope).unwrap_err().to_string();
    assert_eq!(unended, "this expression has no end `}` (write `$${` for a `${` that begins none)");
    assert!(Template::compile_as("${self.age}", &scope, &Type::Text).is_err());
    assert!(Template::compile_as("${self.age}", &scope, &Type::Int).is_ok());
}

#[test]
fn objects_and_items() {
    let world = world();
    let scope = scope(&world);
    let names = |text: &str, who: &str| {
        let compiled = Expression::compile(text, &scope).unwrap();
        compiled.objects(&values(who)).map(|all| all.iter().map(|one| one.meta.name.clone()).collect::<Vec<_>>())
    };
    assert_eq!(names("self.site.people", "ada"), Ok(vec!["ada".to_owned(), "bob".to_owned()]));
    assert_eq!(names("self.site", "ada"), Ok(vec!["rome".to_owned()]));
    assert_eq!(names("self.site", "eve"), Ok(vec![]));
    assert!(names("self.age", "ada").is_err());
    let each = Expression::compile("response.body.tags", &scope).unwrap().each(&values("ada"), "tag").unwrap();
    let inner = scope.clone().with("tag", Type::Any);
    let tag = Expression::compile("tag + self.first_name", &inner).unwrap();
    let tags: Vec<_> = each.iter().map(|values| tag.evaluate(values).unwrap()).collect();
    assert_eq!(tags, [json!("aAda"), json!("bAda")]);
}
