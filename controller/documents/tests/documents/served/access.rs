//! What a server may do with models during a call.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use xos_model::Object;
use xos_step_server::v1::answer::Answer;
use xos_step_server::v1::error::Reason;
use xos_step_server::v1::request::Request as Asked;
use xos_step_server::v1::{self, Criterion, Kind, Operator, Outcome, Query};
use xos_testing::World;

use super::super::{document, person, world};
use super::fields;
use super::server::{Plan, Talk, done, ended};

fn query(model: &str, criteria: &[(&str, Value)]) -> Query {
    let criterion = |(field, value): &(&str, Value)| Criterion {
        field: (*field).to_owned(),
        value: value.to_string(),
        ..Criterion::default()
    };
    Query { model: model.to_owned(), criteria: criteria.iter().map(criterion).collect(), ..Query::default() }
}

fn object(answer: Answer) -> v1::Object {
    match answer {
        Answer::Object(object) => object,
        Answer::Error(error) => panic!("{}", error.message),
        _ => panic!("another answer"),
    }
}

fn objects(answer: Answer) -> Vec<String> {
    match answer {
        Answer::Objects(found) => found.objects.into_iter().map(|object| object.name).collect(),
        Answer::Error(error) => panic!("{}", error.message),
        _ => panic!("another answer"),
    }
}

fn error(answer: Answer) -> (Reason, String) {
    match answer {
        Answer::Error(error) => (error.reason(), error.message),
        _ => panic!("no error"),
    }
}

/// Runs this in a policy on the site `rome`, which has the people ada (36) and bob (3); returns the world then.
async fn in_a_policy<F>(work: impl Fn(v1::Object, Talk) -> F + Send + Sync + Clone + 'static) -> World
where
    F: Future<Output = v1::Result> + Send + 'static,
{
    let failed: Arc<Mutex<Option<String>>> = Arc::default();
    let noted = Arc::clone(&failed);
    let server = Plan::of(&[(Kind::Policy, "sites")], move |begin, talk| {
        let (work, noted) = (work.clone(), Arc::clone(&noted));
        async move {
            // A test that fails in the server has to fail here.
            let called = tokio::spawn(async move { work(begin.object.unwrap(), talk).await }).await;
            Ok(called.unwrap_or_else(|panic| {
                *noted.lock().unwrap() = Some(panic.to_string());
                ended(Outcome::Failed, "panicked")
            }))
        }
    })
    .start();
    let policy = document("ModelPolicy", "sites", "model: Site\ngrpc: {address: \"${settings.server}\"}");
    let mut world = world(&[policy], server.settings());
    for (name, age) in [("ada", 36), ("bob", 3)] {
        world.apply(&person(name, json!({"age": age, "site": {"name": "rome"}}))).unwrap();
    }
    let mut rome = Object::named("Site", "default", "rome");
    rome.set("name", json!("Rome"));
    world.apply(&rome).unwrap();
    world.settle().await;
    assert_eq!(*failed.lock().unwrap(), None);
    assert!(!server.take().is_empty());
    world
}

#[tokio::test]
async fn objects_are_found_followed_made_saved_and_deleted() {
    let world = in_a_policy(async |rome, mut talk| {
        let ada = object(talk.ask(Asked::Get(query("Person", &[("name", json!("ada"))]))).await);
        assert_eq!(fields(&ada.fields)["age"], json!(36));
        let mut adults = query("Person", &[("age", json!(17))]);
        adults.criteria[0].operator = Operator::GreaterThan.into();
        assert_eq!(objects(talk.ask(Asked::Filter(adults.clone())).await), ["ada"]);
        adults.criteria[0].inverted = true;
        assert_eq!(objects(talk.ask(Asked::First(adults)).await), ["bob"]);
        assert_eq!(objects(talk.ask(Asked::First(query("Person", &[("name", json!("eve"))]))).await), [""; 0]);
        let named = Query { name: "bob".to_owned(), ..query("Person", &[]) };
        let bob = object(talk.ask(Asked::Get(named)).await);

        let follow = |object: &v1::Object, link: &str| {
            Asked::Follow(v1::Follow { object: Some(object.clone()), link: link.to_owned() })
        };
        assert_eq!(objects(talk.ask(follow(&rome, "people")).await), ["ada", "bob"]);
        assert_eq!(objects(talk.ask(follow(&ada, "site")).await), ["rome"]);

        // What is saved is there at once.
        let save = |object: &v1::Object, changed: Value| v1::Save {
            object: Some(object.clone()),
            changed: changed.to_string(),
            ..v1::Save::default()
        };
        let saved = object(talk.ask(Asked::Save(save(&ada, json!({"title": "Dr", "age": null})))).await);
        assert_ne!(saved.resource_version, ada.resource_version);
        assert_eq!(objects(talk.ask(Asked::Filter(query("Person", &[("title", json!("Dr"))]))).await), ["ada"]);
        let saved = object(talk.ask(Asked::Save(save(&saved, json!({"title": "Prof"})))).await);
        assert_eq!(fields(&saved.fields)["title"], "Prof");
        let fields = json!({"login": "ada", "person": {"name": "ada"}}).to_string();
        let account = v1::Object { model: "Account".to_owned(), name: "a".to_owned(), fields, ..v1::Object::default() };
        let account = object(talk.ask(Asked::Save(save(&account, json!({})))).await);
        assert!(!account.uid.is_empty());
        assert!(matches!(talk.ask(Asked::Delete(v1::Delete { object: Some(bob) })).await, Answer::Done(_)));
        assert_eq!(objects(talk.ask(Asked::Filter(query("Person", &[]))).await), ["ada"]);
        let tell = v1::Tell {
            object: Some(rome.clone()),
            reason: "Counted".to_owned(),
            message: "one is left".to_owned(),
            warning: false,
        };
        assert!(matches!(talk.ask(Asked::Tell(tell)).await, Answer::Done(_)));

        // The object of the call, saved in it and changed at its end.
        let saved = object(talk.ask(Asked::Save(save(&rome, json!({"is_open": true})))).await);
        assert_ne!(saved.resource_version, rome.resource_version);
        done(&json!({"name": "Roma"}))
    })
    .await;
    let rome = world.object::<Object>("rome").unwrap();
    assert_eq!((rome.text("name"), rome.flag("is_open")), (Some("Roma"), true));
    let ada = world.object::<Object>("ada").unwrap();
    assert_eq!((ada.text("title"), ada.fields.get("age")), (Some("Prof"), None));
    assert!(world.take_saves().iter().any(|save| save.contains("sites")), "in the policy's name");
    assert!(world.object::<Object>("a").is_ok() && world.object::<Object>("bob").is_err());
    assert!(world.take_events().iter().any(|event| event.contains("Counted") && event.contains("one is left")));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_with_its_reason() {
    in_a_policy(async |rome, mut talk| {
        let unread = v1::Object { model: "Person".to_owned(), name: "ada".to_owned(), ..rome.clone() };
        let unread = v1::Object { uid: "other".to_owned(), ..unread };
        let follow = v1::Follow { object: Some(rome), link: "peple".to_owned() };
        let nobody = query("Person", &[("name", json!("eve"))]);
        let named = Query { name: "eve".to_owned(), ..query("Person", &[]) };
        let mut wrong = query("Person", &[("name", json!("x"))]);
        wrong.criteria[0].value = "{".to_owned();
        for (asked, reason, words) in [
            (Asked::Get(nobody), Reason::NotFound, "there is no Person with name"),
            (Asked::Get(named), Reason::NotFound, "there is no Person eve"),
            (Asked::Get(query("Person", &[])), Reason::NotUnique, "there are 2 of Person"),
            (Asked::Filter(query("Persn", &[])), Reason::Invalid, "there is no model `Persn`"),
            (Asked::Filter(query("Person", &[("nam", json!("x"))])), Reason::Invalid, "no field or link `nam`"),
            (Asked::Filter(wrong), Reason::Invalid, "`criterion.value` is no JSON"),
            (Asked::Follow(follow), Reason::Invalid, "model Site has no link `peple`"),
            (
                Asked::Delete(v1::Delete { object: Some(unread) }),
                Reason::Invalid,
                "Person ada was not read in this call",
            ),
            (Asked::Delete(v1::Delete::default()), Reason::Invalid, "the request has no object"),
        ] {
            let (found, message) = error(talk.ask(asked).await);
            assert_eq!(found.as_str_name(), reason.as_str_name(), "{message}");
            assert!(message.contains(words), "{message}");
        }
        done(&json!({}))
    })
    .await;
}
