//! Properties of a small set of models: what is refused, what the others give, and what is read for that.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use serde_json::{Value, json};
use xos_expressions::properties::{Declared, Evaluated, PropertyFault, PropertyProblem, compile};
use xos_expressions::{Aspect, Expression, NoObjects, Objects, Properties, Scope, Type, Values, changes};
use xos_model::{Object, ObjectKey, Reference};
use xos_xproto::{ModelSet, Sources, ValueType};

const MODELS: &str = r#"
    option app_label = "t";
    message Unit (XOSBase) { required string name = 1 [max_length = 9]; optional string note = 2 [max_length = 9]; }
    message Team (Unit) { optional bool is_open = 1; }
    message Person (XOSBase) {
        required string first_name = 1 [max_length = 9];
        optional string last_name = 2 [max_length = 9];
        optional int32 age = 3;
        optional string password = 4 [max_length = 9, secret = True];
        optional manytoone unit->Unit:people = 6:1001;
        optional manytoone boss->Person:reports = 7:1002;
    }
"#;

struct World {
    models: Arc<ModelSet>,
    properties: Arc<Properties>,
    objects: Vec<Arc<Object>>,
}

impl Objects for World {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(&self.models)
    }

    fn properties(&self) -> Arc<Properties> {
        Arc::clone(&self.properties)
    }

    fn at(&self, class: &str, _: &str, reference: &Reference) -> Vec<Arc<Object>> {
        let is_of = |object: &&Arc<Object>| self.models.get(&object.model).unwrap().is_a(class);
        self.objects.iter().filter(is_of).filter(|object| object.meta.name == reference.name).cloned().collect()
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        let link = if port == "people" { "unit" } else { "boss" };
        let links = |object: &&Arc<Object>| object.fields.get(link).is_some_and(|to| to["name"] == *key.name);
        self.objects.iter().filter(links).cloned().collect()
    }
}

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = xos_xproto::compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.models
}

fn declared(all: &[(&str, &str, &str)]) -> Vec<Declared> {
    let one = |(model, name, text): &(&str, &str, &str)| Declared {
        model: (*model).to_owned(),
        name: (*name).to_owned(),
        text: (*text).to_owned(),
    };
    all.iter().map(one).collect()
}

fn object(model: &str, name: &str, fields: Value) -> Arc<Object> {
    let mut object = Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "n", name) };
    object.meta.uid = format!("uid of {name}");
    Arc::new(object)
}

fn world(all: &[(&str, &str, &str)], objects: Vec<Arc<Object>>) -> Arc<World> {
    let (models, properties) = compile(&models(), &declared(all)).unwrap_or_else(|faults| panic!("{faults:?}"));
    Arc::new(World { models: Arc::new(models), properties: Arc::new(properties), objects })
}

fn evaluated(world: &Arc<World>, who: &str) -> Evaluated {
    let object = world.objects.iter().find(|object| object.meta.name == who).unwrap();
    world.properties.evaluate(object, Arc::clone(world) as Arc<dyn Objects>)
}

fn people() -> Vec<Arc<Object>> {
    vec![
        object("Team", "core", json!({"name": "Core", "is_open": true})),
        object("Person", "ada", json!({"first_name": "Ada", "last_name": "L", "age": 36, "unit": {"name": "core"}})),
        object("Person", "bob", json!({"first_name": "Bob", "unit": {"name": "core"}, "boss": {"name": "ada"}})),
        object("Person", "eve", json!({"first_name": "Eve", "last_name": "X", "unit": {"name": "gone"}})),
    ]
}

const FULL_NAME: (&str, &str, &str) = ("Person", "full_name", "self.first_name + ' ' + self.last_name");

#[test]
fn values() {
    let table = [
        ("'x'", "ada", Some(json!("x"))),
        ("self.full_name + '!'", "ada", Some(json!("Ada L!"))),
        ("self.unit.name", "ada", Some(json!("Core"))),
        ("self.unit", "ada", Some(json!({"name": "core", "namespace": "n", "kind": "Team"}))),
        ("self.unit.?note.orValue('-')", "ada", Some(json!("-"))),
        ("self.last_name", "bob", None),
        ("self.unit == null ? null : self.unit.note", "ada", None),
        ("self.boss.full_name", "bob", Some(json!("Ada L"))),
        ("self.boss.my_unit.name", "bob", Some(json!("Core"))),
        ("self.reports.map(r, r.first_name)", "ada", Some(json!(["Bob"]))),
        ("double(self.reports.size())", "ada", Some(json!(1))),
        ("self.metadata.name", "ada", Some(json!("ada"))),
        ("{'a': self.age, 'b': self.age}", "ada", Some(json!({"a": 36, "b": 36}))),
        ("self.boss == null ? self.first_name : self.boss.it + '/' + self.first_name", "bob", Some(json!("Ada/Bob"))),
    ];
    for (text, who, expected) in table {
        let world = world(&[FULL_NAME, ("Person", "my_unit", "self.unit"), ("Person", "it", text)], people());
        let evaluated = evaluated(&world, who);
        assert_eq!(evaluated.values.get("it"), expected.as_ref(), "{text} of {who}: {:?}", evaluated.faults);
    }
}

#[test]
fn types_are_found() {
    let table = [
        ("self.first_name + 'x'", ValueType::Text),
        ("self.age", ValueType::Int),
        ("self.unit", ValueType::Object("Unit".to_owned())),
        ("self.reports.map(r, r.age)", ValueType::List(Box::new(ValueType::Int))),
        ("self.boss == null ? self.first_name : self.boss.it + '/' + self.first_name", ValueType::Text),
        ("self.boss.it == null ? 1 : self.boss.it + 1", ValueType::Int),
        ("timestamp('2026-01-01T00:00:00Z')", ValueType::Timestamp),
        ("from_json('1')", ValueType::Any),
    ];
    for (text, expected) in table {
        let world = world(&[("Person", "it", text)], vec![]);
        let property = world.models.get("Person").unwrap().property("it").unwrap().clone();
        assert_eq!(property.ty, expected, "{text}");
    }
}

/// Properties: model, name and expression.
type Given<'a> = &'a [(&'a str, &'a str, &'a str)];

#[test]
fn what_is_refused() {
    let table: [(Given<'_>, &str); 17] = [
        (&[("Persn", "a", "1")], "UnknownModel(Some(\"Person\")) at name"),
        (&[("Person", "fullName", "1")], "BadName at name"),
        (&[("Person", "age", "1")], "NameTaken(\"a field of Person\") at name"),
        (&[("Person", "boss", "1")], "NameTaken(\"a link of Person\") at name"),
        (&[("Unit", "people", "1")], "NameTaken(\"a reverse link of Unit\") at name"),
        (&[("Unit", "is_open", "1")], "NameTaken(\"a field of Team\") at name"),
        (&[("Person", "metadata", "1")], "NameTaken(\"the metadata of Person\") at name"),
        (&[("Person", "a1", "1"), ("Person", "a_1", "1")], "NameTaken(\"property `a1`\") at name"),
        (
            &[("Person", "a", "self.frist_name")],
            "model Person has no field or link `frist_name` (did you mean `first_name`?) at frist_name",
        ),
        (
            &[FULL_NAME, ("Person", "a", "self.ful_name")],
            "model Person has no field or link `ful_name` (did you mean `full_name`?) at ful_name",
        ),
        (
            &[FULL_NAME, ("Person", "a", "self.full_name + 1")],
            "there is no `+` of string and int (write `string(…)` around the one that is no string) at +",
        ),
        (&[("Person", "a", "self.password")], "`password` is secret (everybody can read what is computed) at password"),
        (
            &[("Person", "a", "self.boss.password")],
            "`password` is secret (everybody can read what is computed) at password",
        ),
        (&[("Person", "a", "null")], "Unsuitable(\"null\") at null"),
        (&[("Person", "a", "self.?age")], "Unsuitable(\"optional int\") at self.?age"),
        (
            &[("Unit", "a", "self.name"), ("Team", "a", "self.is_open")],
            "OtherType { of: \"bool\", base: \"Unit\", wanted: \"string\" } at self.is_open",
        ),
        (
            &[("Unit", "a", "self.b"), ("Unit", "b", "1"), ("Team", "b", "self.a + 1")],
            "Circle([\"b\", \"a\", \"b\"]) at self.a + 1",
        ),
    ];
    for (all, expected) in table {
        let all = declared(all);
        let faults = compile(&models(), &all).expect_err(expected);
        let told: Vec<_> = faults.iter().map(|fault| told(fault, &all)).collect();
        assert!(told.contains(&expected.to_owned()), "{told:#?} for {expected}");
    }
}

fn told(fault: &PropertyFault, all: &[Declared]) -> String {
    let at = fault.at.clone().map_or("name", |at| &all[fault.of].text[at]);
    match &fault.problem {
        PropertyProblem::Expression(fault) => format!("{fault} at {at}"),
        problem => format!("{problem:?} at {at}"),
    }
}

#[test]
fn heirs_have_them_and_may_replace_them() {
    let all = [
        ("Unit", "title", "'unit ' + self.name"),
        ("Unit", "shout", "self.title + '!'"),
        ("Team", "title", "'team ' + self.name"),
        ("Person", "of", "self.unit.shout"),
    ];
    let mut objects = people();
    objects.push(object("Unit", "u", json!({"name": "U"})));
    let world = world(&all, objects);
    assert_eq!(json!(evaluated(&world, "core").values), json!({"shout": "team Core!", "title": "team Core"}));
    assert_eq!(json!(evaluated(&world, "u").values), json!({"shout": "unit U!", "title": "unit U"}));
    assert_eq!(json!(evaluated(&world, "ada").values), json!({"of": "team Core!"}));
    let team = world.models.get("Team").unwrap();
    let declared: Vec<_> = team.properties.iter().map(|one| (one.name.as_str(), one.declared_in.as_str())).collect();
    assert_eq!(declared, [("shout", "Unit"), ("title", "Team")]);
}

#[test]
fn faults_leave_the_others_alone() {
    let all = [
        FULL_NAME,
        ("Person", "age_next", "self.age + 1"),
        ("Person", "way", "self.boss.way + 'x'"),
        ("Person", "boss_name", "self.boss.full_name"),
    ];
    let mut objects = people();
    objects.push(object("Person", "one", json!({"first_name": "1", "age": 1, "boss": {"name": "two"}})));
    objects.push(object("Person", "two", json!({"first_name": "2", "last_name": "B", "boss": {"name": "one"}})));
    let world = world(&all, objects);
    let one = evaluated(&world, "one");
    assert_eq!(json!(one.values), json!({"ageNext": 2, "bossName": "2 B"}));
    let faults: Vec<_> = one.faults.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    assert_eq!(
        faults,
        [
            "full_name: a part of it has no value (null)",
            "way: `way` of Person one: it needs itself, as the links form a circle",
        ]
    );
    let bob = evaluated(&world, "eve");
    assert_eq!(bob.faults.iter().map(|(name, _)| &**name).collect::<Vec<_>>(), ["age_next", "boss_name", "way"]);
}

#[test]
fn they_are_not_computed_too_deep_inside_each_other() {
    let chain = |length: usize| {
        let person = |at: usize| {
            let boss = (at > 0).then(|| json!({"name": format!("p{}", at - 1)}));
            object("Person", &format!("p{at}"), json!({"first_name": format!("{at}"), "boss": boss}))
        };
        let mut all: Vec<_> = (0..length).map(person).collect();
        Arc::make_mut(&mut all[0]).fields.remove("boss");
        all
    };
    let level = [("Person", "level", "self.boss == null ? 0 : self.boss.level + 1")];
    let world = world(&level, chain(80));
    assert_eq!(evaluated(&world, "p63").values.get("level"), Some(&json!(63)));
    let deep = evaluated(&world, "p79");
    assert_eq!(deep.faults[0].1, "`level` of Person p15: too many properties are computed inside each other");
}

#[test]
fn an_evaluation_ends_that_reads_too_much() {
    let many = 101;
    let mut objects = vec![object("Team", "core", json!({"name": "Core"}))];
    let unit = json!({"name": "core"});
    objects.extend((0..many).map(|at| object("Person", &format!("p{at}"), json!({"first_name": "x", "unit": unit}))));
    let pairs = ("Team", "pairs", "self.people.map(p, self.people.size()).size()");
    let world = world(&[pairs], objects);
    assert_eq!(evaluated(&world, "core").faults[0].1, "too many objects are read: ask for fewer");
}

#[test]
fn what_is_read_is_known() {
    let table: [(&str, &str, &[&str]); 8] = [
        ("'x'", "ada", &[]),
        ("self.first_name", "ada", &["ada.first_name"]),
        ("self.unit.name", "ada", &["ada.unit", "core?", "core.name", "core? (Unit)"]),
        ("self.unit.name", "eve", &["eve.unit", "gone?", "gone? (Unit)"]),
        ("self.reports.size()", "ada", &["ada<reports", "bob?"]),
        ("self.metadata.name", "ada", &["ada@name"]),
        ("self.boss.full_name", "bob", &["bob.boss", "ada?", "ada.first_name", "ada.last_name"]),
        ("self.age == null || self.full_name == 'x'", "bob", &["bob.age", "bob.first_name", "bob.last_name"]),
    ];
    for (text, who, expected) in table {
        let all = [("Person", "it", text), FULL_NAME];
        let only = if text.contains("full_name") { &all[..] } else { &all[..1] };
        let world = world(only, people());
        let evaluated = evaluated(&world, who);
        let of_others: Vec<_> = evaluated.reads.iter().map(|(key, aspect)| shown(key, aspect)).collect();
        let mut expected: Vec<_> = expected.iter().map(|text| (*text).to_owned()).collect();
        if text.contains("full_name") {
            expected.extend([format!("{who}.first_name"), format!("{who}.last_name")]);
        }
        let mut found = of_others.clone();
        expected.sort();
        expected.dedup();
        found.sort();
        assert_eq!(found, expected, "{text} of {who}");
    }
}

fn shown(key: &ObjectKey, aspect: &Aspect) -> String {
    let kind = if *key.model == *"Unit" { " (Unit)" } else { "" };
    match aspect {
        Aspect::Existence => format!("{}?{kind}", key.name),
        Aspect::Field(name) => format!("{}.{name}{kind}", key.name),
        Aspect::Metadata(name) => format!("{}@{name}{kind}", key.name),
        Aspect::Port(name) => format!("{}<{name}{kind}", key.name),
    }
}

#[test]
fn what_a_change_changes() {
    let models = models();
    let of = |before: Option<&Arc<Object>>, after: Option<&Arc<Object>>| {
        let all = changes(&models, before.map(|one| &**one), after.map(|one| &**one));
        let mut all: Vec<_> = all.iter().map(|(key, aspect)| shown(key, aspect)).collect();
        all.sort();
        all.dedup();
        all
    };
    let ada = object("Person", "ada", json!({"first_name": "Ada", "unit": {"name": "core"}}));
    assert_eq!(of(Some(&ada), Some(&ada)), [""; 0]);
    let mut renamed = (*ada).clone();
    renamed.set("first_name", json!("Eda"));
    renamed.meta.generation = 1;
    assert_eq!(of(Some(&ada), Some(&Arc::new(renamed))), ["ada.first_name", "ada@generation"]);
    let mut moved = (*ada).clone();
    moved.set("unit", json!({"name": "edge", "kind": "Team"}));
    let moved = Arc::new(moved);
    assert_eq!(of(Some(&ada), Some(&moved)), ["ada.unit", "core<people", "core<people (Unit)", "edge<people"]);
    let mut leaving = (*moved).clone();
    leaving.meta.deleting = Some(jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(of(Some(&moved), Some(&Arc::new(leaving))), ["ada@deleting", "edge<people"]);
    let gone = of(Some(&moved), None);
    assert!(["ada?", "ada.first_name", "ada<reports", "edge<people"].iter().all(|one| gone.contains(&(*one).into())));
    assert_eq!(of(None, Some(&moved)), gone);
}

#[test]
fn other_expressions_use_them() {
    let world = world(&[FULL_NAME, ("Person", "unit_name", "self.unit.name")], people());
    let person = || Scope::new(&world.models).with("self", Type::object("Person"));
    let values = |who: &str| {
        let object = world.objects.iter().find(|object| object.meta.name == who).unwrap();
        Values::new(Arc::clone(&world) as Arc<dyn Objects>).with_object("self", object)
    };
    let compiled = Expression::compile("self.full_name + ' of ' + self.unit_name", &person()).unwrap();
    assert_eq!(compiled.evaluate(&values("ada")).unwrap(), json!("Ada L of Core"));
    let error = compiled.evaluate(&values("bob")).unwrap_err().to_string();
    assert!(error.ends_with("`full_name` of Person bob: a part of it has no value (null)"), "{error}");
    let near = Expression::compile("self.fullname", &person()).unwrap_err().to_string();
    assert_eq!(near, "model Person has no field or link `fullname` (did you mean `full_name`?)");
    // Where other objects are not known only those of the object itself are.
    let own = Expression::compile("self.full_name", &person().without_links()).unwrap();
    let alone = NoObjects::of(Arc::clone(&world.models)).with_properties(Arc::clone(&world.properties));
    let ada = world.objects.iter().find(|object| object.meta.name == "ada").unwrap();
    assert_eq!(own.evaluate(&Values::new(Arc::new(alone)).with_object("self", ada)).unwrap(), json!("Ada L"));
    let linked = Expression::compile("self.unit_name", &person().without_links()).unwrap_err().to_string();
    assert_eq!(linked, "`unit_name` leads to other objects, which are not known here");
}
