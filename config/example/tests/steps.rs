//! The steps and the policy, in a world in memory, with the real directory's rules played by a small one.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::routing::{any, get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use xos_controller::BusEvent;
use xos_controller::model::Link;
use xos_controller::testing::World;
use xos_example::{MyModel, NewMyModel, NewTeam, Team, XPROTO, steps};

/// What the directory has, and what it was asked, in order.
#[derive(Clone, Default)]
struct Fake {
    asked: Arc<Mutex<Vec<String>>>,
    has: Arc<Mutex<BTreeMap<String, Value>>>,
    /// Answers this to everything.
    refuses: Arc<Mutex<Option<StatusCode>>>,
}

impl Fake {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router =
            Router::new().route("/people", get(list)).route("/{what}/{id}", any(answer)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn list(State(fake): State<Fake>) -> axum::Json<BTreeMap<String, Value>> {
    axum::Json(fake.has.lock().unwrap().clone())
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    Path((what, id)): Path<(String, String)>,
    body: String,
) -> StatusCode {
    fake.asked.lock().unwrap().push(format!("{method} {what}/{id}"));
    if let Some(status) = *fake.refuses.lock().unwrap() {
        return status;
    }
    let mut has = fake.has.lock().unwrap();
    if method == Method::DELETE {
        return has.remove(&id).map_or(StatusCode::NOT_FOUND, |_| StatusCode::NO_CONTENT);
    }
    has.insert(id, serde_json::from_str(&body).unwrap());
    StatusCode::OK
}

async fn start() -> (World, Fake) {
    let fake = Fake::default();
    let settings = json!({"directory_url": fake.start().await});
    (World::of(XPROTO).settings(settings).steps(steps()).start().unwrap(), fake)
}

fn person(name: &str, first_name: &str, last_name: &str) -> MyModel {
    let required = NewMyModel { first_name: first_name.to_owned(), last_name: last_name.to_owned() };
    MyModel::new(required).named(name)
}

#[tokio::test]
async fn a_person_is_put_and_taken_out() {
    let (mut world, fake) = start().await;
    world.apply(&person("ada", "Ada", "Lovelace")).unwrap();
    world.settle().await;
    let person = json!({"first_name": "Ada", "last_name": "Lovelace", "full_name": "Ada Lovelace"});
    assert_eq!(fake.has.lock().unwrap()["default.ada"], person);
    assert!(world.get::<MyModel>("ada").unwrap().backend_handle.unwrap().ends_with("/people/default.ada"));
    world.edit::<MyModel>("ada", |ada| ada.last_name = "King".to_owned()).unwrap();
    world.settle().await;
    world.delete::<MyModel>("ada").unwrap();
    world.settle().await;
    assert_eq!(fake.take_asked(), ["PUT people/default.ada", "PUT people/default.ada", "DELETE people/default.ada"]);
    assert!(!world.has::<MyModel>("ada"));
}

#[tokio::test]
async fn a_department_makes_a_team_which_comes_first_and_goes_last() {
    let (mut world, fake) = start().await;
    for name in ["ada", "charles"] {
        let person = MyModel { department: Some("Engines".to_owned()), ..person(name, name, "X") };
        world.apply(&person).unwrap();
    }
    world.settle().await;
    let teams: Vec<Team> = world.all().unwrap();
    let [team] = teams.as_slice() else { panic!("one team, and not {teams:?}") };
    assert_eq!(team.name, "Engines");
    assert_eq!(world.get::<MyModel>("ada").unwrap().team, Some(Link::to(&team.meta.name)));
    let asked = fake.take_asked();
    let put = format!("PUT teams/default.{}", team.meta.name);
    assert_eq!((asked.len(), &asked[0]), (3, &put), "{asked:?}");
    let id = format!("default.{}", team.meta.name);
    assert_eq!(fake.has.lock().unwrap()["default.charles"]["team"], json!(id));

    world.delete::<Team>(&team.meta.name).unwrap();
    world.settle().await;
    let asked = fake.take_asked();
    assert_eq!((asked.len(), &asked[2]), (3, &format!("DELETE teams/{id}")), "the members go before: {asked:?}");
    assert!(world.all::<MyModel>().unwrap().is_empty());
}

#[tokio::test]
async fn a_person_waits_for_the_team() {
    let (mut world, fake) = start().await;
    world.apply(&MyModel { team: Some(Link::to("later")), ..person("ada", "Ada", "L") }).unwrap();
    world.settle().await;
    world.pass(Duration::from_secs(3)).await;
    let waiting = world.object::<MyModel>("ada").unwrap();
    let message = &waiting.status.conditions.iter().find(|one| one.kind == "Ready").unwrap().message;
    assert_eq!(message, "waits for Team later, which does not exist");
    assert!(fake.take_asked().is_empty());
    world.apply(&Team::new(NewTeam { name: "Later".to_owned() }).named("later")).unwrap();
    world.settle().await;
    assert_eq!(fake.take_asked(), ["PUT teams/default.later", "PUT people/default.ada"]);
}

#[tokio::test]
async fn a_directory_that_fails_is_asked_again_later() {
    let (mut world, fake) = start().await;
    *fake.refuses.lock().unwrap() = Some(StatusCode::SERVICE_UNAVAILABLE);
    world.apply(&person("ada", "Ada", "Lovelace")).unwrap();
    world.settle().await;
    let ada: MyModel = world.get("ada").unwrap();
    assert_eq!(ada.backend_code, 2);
    assert!(ada.backend_status.starts_with("PUT: the directory answered 503"));
    world.pass(Duration::from_millis(900)).await;
    assert_eq!(fake.take_asked().len(), 1);
    *fake.refuses.lock().unwrap() = None;
    world.pass(Duration::from_millis(100)).await;
    assert_eq!(world.get::<MyModel>("ada").unwrap().backend_code, 1);
}

#[tokio::test]
async fn somebody_at_the_desk_is_an_object_while_there() {
    let (mut world, fake) = start().await;
    world.apply(&person("ada", "Ada", "Lovelace")).unwrap();
    world.settle().await;
    let john = json!({"first_name": "John", "last_name": "Doe", "full_name": "John Doe"});
    fake.has.lock().unwrap().insert("desk.1".to_owned(), john);
    world.pass(Duration::from_secs(5)).await;
    let people: Vec<MyModel> = world.all().unwrap();
    let john = people.iter().find(|person| person.first_name == "John").unwrap();
    assert!(john.no_sync && !john.xos_managed);
    assert_eq!(fake.take_asked(), ["PUT people/default.ada"], "the directory has John already");
    fake.has.lock().unwrap().remove("desk.1");
    world.pass(Duration::from_secs(5)).await;
    assert_eq!(world.all::<MyModel>().unwrap().len(), 1);
}

#[tokio::test]
async fn a_message_makes_somebody_and_a_second_one_has_them_synchronized_again() {
    let (mut world, fake) = start().await;
    let message = BusEvent::new("MyTopic", r#"{"first_name": "John", "last_name": "Doe"}"#);
    for _ in 0..2 {
        world.send(&message).await;
    }
    let [john] = world.all::<MyModel>().unwrap().try_into().unwrap();
    let put = format!("PUT people/default.{}", john.meta.name);
    assert_eq!(fake.take_asked(), [put.clone(), put]);
}
