//! The API server refuses what a validator forbids, with the message of the model.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use xos_harness::{
    models::{Kinds, from_text},
    namespace,
};

use crate::causes;

const MODELS: &str = r#"
option app_label = "validators";

policy no_blanks < not " " in obj.name >
policy has_end < obj.start -> obj.end >
policy forward < old.state = "new" -> obj.state = "up" >
policy listed < obj.first in obj.all.all() >

message Peer (XOSBase) {}
message Thing (XOSBase) {
    option validators = "no_blanks:Name {obj.name} of {obj.first} has blanks, has_end:Without an end no start, forward:{old.state} goes to up and not to {obj.state}, listed:First is one of all";
    required string name = 1 [max_length = 20];
    optional int32 start = 2;
    optional int32 end = 3;
    required string state = 4 [max_length = 9, default = "new"];
    required manytoone first->Peer:firsts = 5:1001;
    required manytomany all->Peer:alls = 6:1002;
    optional string serial = 7 [max_length = 9, immutable = True];
    optional string text = 8 [text = True];
}
"#;

#[tokio::test]
async fn the_refusal_has_the_model_s_message() {
    with_kinds("validators", MODELS, async |kinds| {
        let good = json!({"name": "a", "first": {"name": "p"}, "all": [{"name": "o"}, {"name": "p"}], "serial": "1"});
        kinds.create("Thing", "good", &good).await.unwrap().unwrap();
        let table = [
            (json!({"name": "a b"}), "Name a b of p has blanks"),
            (json!({"start": 1}), "Without an end no start"),
            (json!({"all": [{"name": "o"}]}), "First is one of all"),
        ];
        for (change, words) in table {
            let refused = kinds.create("Thing", "bad", &merged(&good, &change)).await.unwrap().unwrap_err().to_string();
            assert!(refused.contains(words), "{change}: {refused}");
        }
        let changes = [
            (json!({"state": "down"}), "new goes to up and not to down"),
            (json!({"state": "up", "serial": "2"}), "spec.serial: Forbidden: serial cannot be changed after creation"),
            (json!({"state": "up", "serial": null}), "serial cannot be changed after creation"),
        ];
        for (change, words) in changes {
            let refused = kinds.patch("Thing", "good", &change).await.unwrap().unwrap_err().to_string();
            assert!(refused.contains(words), "{change}: {refused}");
        }
        let changed = kinds.patch("Thing", "good", &json!({"state": "up"})).await.unwrap().unwrap();
        assert_eq!(changed["state"], "up");
        kinds.patch("Thing", "good", &json!({"state": "down"})).await.unwrap().unwrap();
    })
    .await;
}

/// Policies on texts without a length limit: the controller checks those that are too costly for the API server.
#[tokio::test]
async fn no_rule_costs_too_much() {
    let field = |at: usize, options: &str| format!("    optional string f{at} = {at} [{options}];\n");
    let options = ["text = True", "content_type = \"url\"", "content_type = \"ip\"", "content_type = \"stripped\""];
    let mut fields: String = options.iter().enumerate().map(|(at, options)| field(at + 1, options)).collect();
    for (at, longest) in [(5, 10), (6, 100), (7, 600), (8, 1200), (9, 5000), (10, 100_000)] {
        fields += &field(at, &format!("max_length = {longest}"));
    }
    let names: Vec<_> = (1..=10).map(|at| format!("f{at}")).collect();
    let mut policies = String::new();
    let mut validators = vec![];
    for one in &names {
        for other in &names {
            policies += &format!("policy {one}_{other} < obj.{one} in obj.{other} | obj.{one} = obj.{other} >\n");
            validators.push(format!("{one}_{other}:no"));
        }
    }
    policies += "policy far < obj.a in obj.many.all() | obj.a = obj.b >\n";
    validators.push("far:no".to_owned());
    let text = format!(
        "option app_label = \"costly\";\n{policies}\nmessage Costly (XOSBase) {{\n    option validators = \"{}\";\n{fields}\
         optional manytoone a->Costly:as = 20:1001;\noptional manytoone b->Costly:bs = 21:1002;\n\
         optional manytomany many->Costly:manies = 22:1003;\n}}\n",
        validators.join(", ")
    );
    with_kinds("costly", &text, async |kinds| {
        let model = kinds.models().get("Costly").unwrap();
        let enforced = xos_crds::cel::enforcement(kinds.models(), model);
        let left = enforced.iter().filter(|one| one.rule.is_none()).count();
        assert!((20..80).contains(&left), "{left} of {} are left to the controller", enforced.len());
    })
    .await;
}

/// Random policies on random objects: the API server's result is the policy's.
#[tokio::test]
async fn rules_say_what_policies_say() {
    let seed = std::env::var("XOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4_u64);
    eprintln!("XOS_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut draw = |n: usize| (0..n).map(|_| policy().new_tree(&mut runner).unwrap().current()).collect::<Vec<_>>();
    let policies = draw(25);
    let specs: Vec<_> = (0..12).map(|_| spec().new_tree(&mut runner).unwrap().current()).collect();
    let of_policy = |(at, policy): (usize, &Policy)| {
        format!("policy p{at} < {} >\nmessage R{at} (Base) {{ option validators = \"p{at}:no\"; }}\n", policy.text())
    };
    let models: String = policies.iter().enumerate().map(of_policy).collect();
    let text = format!("option app_label = \"randoms\";\n{FIELDS}\n{models}");
    with_kinds("randoms", &text, async |kinds| {
        let mut held = 0;
        let mut wrong = vec![];
        for (at, policy) in policies.iter().enumerate() {
            for (n, spec) in specs.iter().enumerate() {
                let answer = kinds.create(&format!("R{at}"), &format!("o{n}"), spec).await.unwrap();
                let expected = policy.holds(spec.as_object().unwrap());
                held += usize::from(expected);
                if answer.is_ok() != expected {
                    wrong.push(format!("{} on {spec}: {expected}, and the API server: {answer:?}", policy.text()));
                }
            }
        }
        assert!(wrong.is_empty(), "XOS_SEED={seed}\n{}", wrong.join("\n"));
        assert!((60..240).contains(&held), "{held} of 300 hold: the policies are too much alike");
    })
    .await;
}

async fn with_kinds(title: &str, text: &str, test: impl AsyncFnOnce(&Kinds)) {
    namespace::with(title, async |namespace| {
        let models = from_text(text).unwrap_or_else(|error| panic!("{error}"));
        let kinds = Kinds::install(namespace.client(), namespace.name(), models).await;
        test(&kinds.unwrap_or_else(|error| panic!("{}", causes(&error)))).await;
    })
    .await
    .unwrap();
}

fn merged(spec: &Value, change: &Value) -> Value {
    let members = [spec, change].into_iter().filter_map(Value::as_object).flatten();
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

const FIELDS: &str = r#"
message Base (XOSBase) {
    option abstract = True;
    required string s = 1 [max_length = 9];
    optional string t = 2 [max_length = 9];
    optional int32 n = 3;
    optional float x = 4;
    required bool b = 5 [default = False];
    optional manytoone one->Base:+ = 6;
    optional manytoone two->Base:+ = 7;
    optional manytomany many->Base:+ = 8;
}
"#;

/// A policy.
#[derive(Clone, Debug)]
enum Policy {
    Holds(Term),
    Equals(Term, Term),
    In(Term, Term),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Implies(Box<Self>, Box<Self>),
}

#[derive(Clone, Debug)]
enum Term {
    Field(&'static str),
    Literal(Value),
}

fn policy() -> impl Strategy<Value = Policy> {
    let scalar = prop::sample::select(vec!["s", "t", "n", "x", "b", "no_sync", "one", "two"]).prop_map(Term::Field);
    let literal = prop::sample::select(vec![
        json!(""),
        json!("a"),
        json!("ab"),
        json!(0),
        json!(1),
        json!(1.5),
        json!(true),
        Value::Null,
    ]);
    let value = prop_oneof![3 => scalar.clone(), 2 => literal.prop_map(Term::Literal)];
    let text = prop::sample::select(vec![Term::Field("s"), Term::Field("t"), Term::Literal(json!("a"))]);
    let link = prop::sample::select(vec![Term::Field("one"), Term::Field("two")]);
    let leaf = prop_oneof![
        2 => prop_oneof![scalar, Just(Term::Field("many"))].prop_map(Policy::Holds),
        3 => (value.clone(), value).prop_map(|(a, b)| Policy::Equals(a, b)),
        1 => (text.clone(), text).prop_map(|(a, b)| Policy::In(a, b)),
        1 => link.prop_map(|a| Policy::In(a, Term::Field("many"))),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let two = (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            inner.prop_map(|a| Policy::Not(Box::new(a))),
            two.clone().prop_map(|(a, b)| Policy::And(a, b)),
            two.clone().prop_map(|(a, b)| Policy::Or(a, b)),
            two.prop_map(|(a, b)| Policy::Implies(a, b)),
        ]
    })
}

fn spec() -> impl Strategy<Value = Value> {
    let reference =
        prop::sample::select(vec![json!({"name": "a"}), json!({"name": "b"}), json!({"name": "a", "namespace": "z"})]);
    let text = prop::sample::select(vec![json!(""), json!("a"), json!("ab"), json!("b a")]);
    let maybe = |value: BoxedStrategy<Value>| prop::option::weighted(0.7, value);
    (
        prop::sample::select(vec![json!("a"), json!("ab"), json!("b a")]),
        maybe(text.boxed()),
        maybe(prop::sample::select(vec![json!(0), json!(1), json!(2)]).boxed()),
        maybe(prop::sample::select(vec![json!(0.0), json!(1.0), json!(1.5)]).boxed()),
        any::<bool>(),
        maybe(any::<bool>().prop_map(Value::Bool).boxed()),
        maybe(reference.clone().boxed()),
        maybe(reference.clone().boxed()),
        maybe(prop::collection::vec(reference, 0..3).prop_map(Value::Array).boxed()),
    )
        .prop_map(|(s, t, n, x, b, no_sync, one, two, many)| {
            let all = [("s", Some(s)), ("t", t), ("n", n), ("x", x), ("b", Some(json!(b))), ("noSync", no_sync)];
            let all = all.into_iter().chain([("one", one), ("two", two), ("many", many)]);
            Value::Object(all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
        })
}

impl Policy {
    fn text(&self) -> String {
        match self {
            Self::Holds(term) => term.text(),
            Self::Equals(a, b) => format!("{} = {}", a.text(), b.text()),
            Self::In(a, b) => format!("{} in {}", a.text(), b.text()),
            Self::Not(a) => format!("not ({})", a.text()),
            Self::And(a, b) => format!("({}) & ({})", a.text(), b.text()),
            Self::Or(a, b) => format!("({}) | ({})", a.text(), b.text()),
            Self::Implies(a, b) => format!("(({}) -> ({}))", a.text(), b.text()),
        }
    }

    /// Evaluates the policy as Python does. A field that is missing has no value.
    fn holds(&self, spec: &Map<String, Value>) -> bool {
        match self {
            Self::Holds(term) => is_true(&term.value(spec)),
            Self::Equals(a, b) => equal(&a.value(spec), &b.value(spec)),
            Self::In(a, b) => match (a.value(spec), b.value(spec)) {
                (Value::String(part), Value::String(text)) => text.contains(&part),
                (one, Value::Array(all)) => all.contains(&one),
                _ => false,
            },
            Self::Not(a) => !a.holds(spec),
            Self::And(a, b) => a.holds(spec) && b.holds(spec),
            Self::Or(a, b) => a.holds(spec) || b.holds(spec),
            Self::Implies(a, b) => !a.holds(spec) || b.holds(spec),
        }
    }
}

impl Term {
    fn text(&self) -> String {
        match self {
            Self::Field("many") => "obj.many.all()".to_owned(),
            Self::Field(name) => format!("obj.{name}"),
            Self::Literal(Value::Null) => "None".to_owned(),
            Self::Literal(Value::Bool(true)) => "True".to_owned(),
            Self::Literal(value) => value.to_string(),
        }
    }

    fn value(&self, spec: &Map<String, Value>) -> Value {
        match self {
            Self::Field("no_sync") => spec.get("noSync").cloned().unwrap_or(json!(false)),
            Self::Field(name) => spec.get(*name).cloned().unwrap_or_default(),
            Self::Literal(value) => value.clone(),
        }
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(all) => !all.is_empty(),
        Value::Object(_) => true,
    }
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}
