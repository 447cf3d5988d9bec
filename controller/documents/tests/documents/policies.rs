//! Policies.

use serde_json::json;
use xos_model::Object;
use xos_testing::World;

use super::{document, person, world};

fn accounts(world: &World) -> Vec<String> {
    let objects = world.api().objects();
    let accounts = objects.iter().filter(|object| &*object.model == "Account" && object.meta.deleting.is_none());
    accounts.map(|object| format!("{} {}", object.meta.name, object.text("login").unwrap())).collect()
}

#[tokio::test]
async fn a_policy_sets_fields_and_makes_changes_and_deletes_objects() {
    let spec = "
model: Person
set: {title: \"${self.title == null ? 'M' : self.title}\"}
do:
- when: ${self.age != null && self.age > 17}
  apply:
    model: Account
    name: ${self.metadata.name}-account
    fields: {login: \"${self.title}.${self.name}\", person: \"${self}\"}
- when: ${self.age == null || self.age < 18}
  delete: ${self.accounts}
";
    let mut world = world(&[document("ModelPolicy", "accounts", spec)], json!({}));
    world.apply(&person("ada", json!({"age": 36}))).unwrap();
    world.settle().await;
    assert_eq!(world.object::<Object>("ada").unwrap().text("title"), Some("M"));
    assert_eq!(accounts(&world), ["ada-account M.ada"]);
    world.edit::<Object>("ada", |o| o.set("title", json!("Dr"))).unwrap();
    world.settle().await;
    assert_eq!(accounts(&world), ["ada-account Dr.ada"], "changed, not made again");
    world.edit::<Object>("ada", |o| o.set("age", json!(3))).unwrap();
    world.settle().await;
    assert_eq!(accounts(&world), [""; 0]);
}

#[tokio::test]
async fn a_policy_does_something_for_each_item_and_before_deletion() {
    let spec = "
model: Site
do:
- forEach: {in: \"${self.people.filter(p, p.age > 17)}\", as: adult}
  apply:
    model: Account
    key: [login, person]
    fields: {login: \"${adult.name}\", person: \"${adult}\"}
- forEach: {in: \"${['x', 'y']}\"}
  when: ${self.is_open == true}
  apply: {model: Site, name: \"${self.metadata.name}-${item}\", fields: {name: \"${item}\"}}
onDelete:
- touch: ${self.people}
";
    let mut world = world(&[document("ModelPolicy", "sites", spec)], json!({}));
    for (name, age) in [("ada", 36), ("bob", 3), ("eve", 20)] {
        world.apply(&person(name, json!({"age": age, "site": {"name": "rome"}}))).unwrap();
    }
    let mut rome = Object::named("Site", "default", "rome");
    rome.set("name", json!("Rome"));
    rome.set("is_open", json!(false));
    world.apply(&rome).unwrap();
    world.settle().await;
    let logins: Vec<_> =
        accounts(&world).into_iter().map(|one| one.split(' ').next_back().unwrap().to_owned()).collect();
    assert_eq!(logins, ["ada", "eve"]);
    assert!(world.api().objects().iter().all(|object| object.meta.name != "rome-x"));
}
