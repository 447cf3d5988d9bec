//! Steps and policies find, create, save, touch and delete other objects, and follow links.

#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use xos_model::{Link, NaturalKey, Object, Operator};
use xos_steps::{Policy, Save, StepContext, StepError, StoreError, SyncStep};
use xos_testing::{Fault, World};

const MODELS: &str = "option app_label = \"t\";
    message Base (XOSBase) { option abstract = True; required string name = 1 [max_length = 32]; }
    message Owner (Base) { optional int32 count = 1;
        optional string seen = 2 [max_length = 99, feedback_state = True]; }
    message Part (Base) { optional manytoone owner->Base:parts = 1:1001; optional int32 size = 2 [default = 3];
        optional string colour = 3 [max_length = 9]; optional string state = 4 [max_length = 9, feedback_state = True];
        optional manytomany friends->Part:friend_of = 5:1002; }";

fn object(model: &str, name: &str, fields: Value) -> Object {
    let fields = serde_json::from_value(fields).unwrap();
    Object { fields, ..Object::named(model, "default", name) }
}

type Does = Box<dyn Fn(usize) -> Result<(), StepError> + Send + Sync>;

/// A sync step that counts its calls.
struct Count(&'static str, Arc<AtomicUsize>);

impl SyncStep for Count {
    type Model = Object;
    fn observes(&self) -> &str {
        self.0
    }
    async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// A policy that creates two parts for each owner.
struct MakeParts;

impl Policy for MakeParts {
    type Model = Object;
    fn observes(&self) -> &str {
        "Owner"
    }
    async fn handle_update(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        for n in 0..2 {
            let mut part = object("Part", "", json!({"name": format!("{} {n}", o.text("name").unwrap_or_default())}));
            part.set("owner", serde_json::to_value(Link::<Object>::to(o.meta.name.as_str()))?);
            part.set("state", json!("new"));
            let (part, made) = ctx.models_of("Part").find_or_create(part, NaturalKey).await?;
            assert!(!part.meta.uid.is_empty());
            if made {
                // Our own write is seen at once.
                assert!(ctx.models_of("Part").filter("name", part.text("name")).exists()?);
            }
        }
        let mine: Vec<Object> = ctx.back_by(o, "parts")?;
        o.set("count", json!(mine.len()));
        Ok(())
    }
    fn handles_delete(&self) -> bool {
        true
    }
}

fn world(counted: &Arc<AtomicUsize>) -> World {
    World::of(&[("t.xproto", MODELS)]).policy(MakeParts).sync_step(Count("Part", Arc::clone(counted))).start().unwrap()
}

#[tokio::test]
async fn a_policy_makes_objects_once() {
    let counted = Arc::default();
    let mut world = world(&counted);
    world.apply(&object("Owner", "olt", json!({"name": "ONF OLT"}))).unwrap();
    world.settle().await;
    let parts: Vec<Object> = world.all::<Object>().unwrap().into_iter().filter(|o| &*o.model == "Part").collect();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].text("state"), Some("new"), "feedback of a new object is saved too");
    assert_eq!(parts[0].fields["size"], 3, "defaults are");
    assert_eq!(counted.load(Ordering::SeqCst), 2, "what a policy makes is synchronized");
    let owner: Object = world.get("olt").unwrap();
    assert_eq!((&owner.fields["count"], &owner.fields["policy_code"]), (&json!(2), &json!(1)));

    world.take_changes();
    world.edit::<Object>("olt", |o| o.set("count", json!(7))).unwrap();
    world.settle().await;
    assert_eq!(world.take_saves(), ["Spec Owner default/olt by MakeParts: count"], "and is there already");

    world.delete::<Object>("olt").unwrap();
    world.settle().await;
    assert!(world.all::<Object>().unwrap().is_empty(), "what leads to it goes too: {:?}", world.all::<Object>());
}

#[tokio::test]
async fn two_who_make_an_object_meet() {
    let mut world = world(&Arc::default());
    let one = world.context();
    let two = world.context();
    let new = || object("Part", "", json!({"name": "A B"}));
    let (first, made) = one.models_of("Part").find_or_create(new(), ["name"]).await.unwrap();
    assert!(made);
    let (second, made) = two.models_of("Part").find_or_create(new(), ["name"]).await.unwrap();
    assert!(!made);
    assert_eq!(first.meta.uid, second.meta.uid);
    // An object of that name that is another one.
    world.apply(&object("Part", "other", json!({"name": "x"}))).unwrap();
    world.settle().await;
    let taken = one.models_of("Part").find_or_create(object("Part", "other", json!({"name": "y"})), NaturalKey).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })), "{taken:?}");
}

#[tokio::test]
async fn finding() {
    let mut world = world(&Arc::default());
    for (name, size) in [("a", 1), ("b", 2), ("c", 2)] {
        let mut part = object("Part", name, json!({"name": name, "size": size, "owner": {"name": "a"}}));
        part.set("friends", json!([{"name": "a"}]));
        world.apply(&part).unwrap();
    }
    world.settle().await;
    let ctx = world.context();
    let names = |objects: Vec<Object>| objects.into_iter().map(|o| o.meta.name).collect::<Vec<_>>();
    assert_eq!(names(ctx.models_of("Part").filter("size", 2).all().unwrap()), ["b", "c"]);
    assert_eq!(names(ctx.models_of("Base").filter_by("name", Operator::GreaterThan, "a").all().unwrap()), ["b", "c"]);
    assert_eq!(names(ctx.models_of("Base").exclude_by("name", Operator::Regex, "[ab]").all().unwrap()), ["c"]);
    assert_eq!(ctx.models_of("Part").filter("size", 1).get().unwrap().meta.name, "a");
    assert_eq!(ctx.models_of("Part").named("b").unwrap().unwrap().meta.name, "b");
    assert!(ctx.models_of("Part").in_namespace("other").named("b").unwrap().is_none());
    let several = ctx.models_of("Part").filter("size", 2).get().unwrap_err().to_string();
    assert_eq!(
        several,
        "there are 2 of Part with size = 2 in namespace default, and one was asked for: Part default/b, Part default/c"
    );
    let none = ctx.models_of("Part").filter("name", "z").get().unwrap_err().to_string();
    assert_eq!(none, "there is no Part with name = \"z\" in namespace default");
    let wrong = ctx.models_of("Part").filter("nane", "z").all().unwrap_err().to_string();
    assert_eq!(wrong, "model Part has no field or link `nane`");
    let a = ctx.models_of("Part").named("a").unwrap().unwrap();
    assert_eq!(names(ctx.back_by(&a, "friend_of").unwrap()), ["a", "b", "c"]);
    assert!(ctx.is_a(&a, "Base") && !ctx.is_a(&a, "Owner"));
}

#[tokio::test]
async fn saving() {
    let counted = Arc::default();
    let mut world = world(&counted);
    world.apply(&object("Part", "p", json!({"name": "p", "colour": "red"}))).unwrap();
    world.settle().await;
    assert_eq!(counted.load(Ordering::SeqCst), 1);
    world.take_changes();

    // Quietly: nobody runs again. What somebody else set meanwhile stays.
    let ctx = world.context();
    let mut part = ctx.models_of("Part").named("p").unwrap().unwrap();
    world.edit::<Object>("p", |o| o.set("no_policy", json!(true))).unwrap();
    part.set("size", json!(9));
    ctx.save(&mut part).await.unwrap();
    assert_eq!(part.fields["no_policy"], true);
    ctx.save(&mut part).await.unwrap();
    assert_eq!(world.take_saves(), ["Spec Part default/p by test: size"], "unchanged, unwritten");
    world.settle().await;
    assert_eq!(counted.load(Ordering::SeqCst), 2, "for the operator's edit");

    part.set("size", json!(10));
    ctx.save(&mut part).await.unwrap();
    world.settle().await;
    assert_eq!(counted.load(Ordering::SeqCst), 2);

    // Only some fields.
    let mut part = ctx.models_of("Part").named("p").unwrap().unwrap();
    part.set("size", json!(11));
    part.set("state", json!("up"));
    ctx.save_with(&mut part, &Save::quietly().only(["state"])).await.unwrap();
    assert_eq!((&part.fields["size"], &part.fields["state"]), (&json!(10), &json!("up")));

    let unknown = ctx.save_only(&mut part, ["staet"]).await.unwrap_err().to_string();
    assert_eq!(unknown, "model Part has no field or link `staet`");

    // A touch runs everybody again, changed or not.
    world.take_changes();
    ctx.touch(&mut part).await.unwrap();
    world.settle().await;
    assert_eq!(counted.load(Ordering::SeqCst), 3);
    assert_eq!(world.take_saves(), ["Touched Part default/p by test: "]);

    // An operator's value wins, if one says so; what no operator set is saved.
    let mut part = ctx.models_of("Part").named("p").unwrap().unwrap();
    part.set("colour", json!("blue"));
    part.set("size", json!(12));
    ctx.save_with(&mut part, &Save::quietly().yielding()).await.unwrap();
    assert_eq!((&part.fields["colour"], &part.fields["size"]), (&json!("red"), &json!(12)));
    part.set("colour", json!("blue"));
    ctx.save(&mut part).await.unwrap();
    assert_eq!(part.fields["colour"], "blue");

    // The framework's own fields are not for steps; neither is what was not read here.
    part.set("enacted", json!("2026-01-01T00:00:00Z"));
    assert!(matches!(ctx.save(&mut part).await, Err(StoreError::Save(_))));
    let unread = world.context().save(&mut part).await.unwrap_err().to_string();
    assert!(unread.contains("was not read in this step"), "{unread}");
}

#[tokio::test]
async fn writes_that_fail() {
    let mut world = world(&Arc::default());
    world.apply(&object("Part", "p", json!({"name": "p"}))).unwrap();
    world.settle().await;
    let ctx = world.context();
    let mut part = ctx.models_of("Part").named("p").unwrap().unwrap();
    part.set("size", json!(1));
    world.inject(Fault::Conflict);
    ctx.save(&mut part).await.unwrap();
    assert_eq!(world.get::<Object>("p").unwrap().fields["size"], 1, "after a conflict it is tried anew");
    part.set("size", json!(2));
    world.inject(Fault::Refused("etcd is full".to_owned()));
    let refused = ctx.save(&mut part).await.unwrap_err().to_string();
    assert_eq!(refused, "Part default/p cannot be saved: the API server refused it: etcd is full");
    world.inject(Fault::LostAnswer);
    assert!(ctx.save(&mut part).await.is_err());
    let lost = object("Part", "", json!({"name": "Lost One"}));
    world.inject(Fault::LostAnswer);
    assert!(ctx.models_of("Part").find_or_create(lost.clone(), NaturalKey).await.is_err());
    let (_, made) = ctx.models_of("Part").find_or_create(lost, NaturalKey).await.unwrap();
    assert!(!made, "it was made, only nobody knew");
}

#[tokio::test]
async fn deleting() {
    let mut world = world(&Arc::default());
    world.apply(&object("Part", "a", json!({"name": "a"}))).unwrap();
    world.apply(&object("Part", "b", json!({"name": "b", "owner": {"name": "a"}}))).unwrap();
    world.apply(&object("Part", "safe", json!({"name": "c", "write_protect": true}))).unwrap();
    world.settle().await;
    let ctx = world.context();
    let [a, safe] = ["a", "safe"].map(|name| ctx.models_of("Part").named(name).unwrap().unwrap());
    assert!(matches!(ctx.delete(&safe).await, Err(StoreError::WriteProtected(_))));
    ctx.delete(&a).await.unwrap();
    assert!(!ctx.models_of("Part").filter("name", "a").exists().unwrap(), "not found any more");
    let again = ctx.models_of("Part").find_or_create(object("Part", "a", json!({"name": "a"})), NaturalKey).await;
    assert!(matches!(again, Err(StoreError::BeingDeleted(_))), "{again:?}");
    world.settle().await;
    assert_eq!(world.all::<Object>().unwrap().len(), 1, "b led to it");
    ctx.delete(&a).await.unwrap();
}

/// A step on parts that touches their owner, so that the owner is synchronized again.
struct TouchOwner(Arc<Mutex<Vec<String>>>, Does);

impl SyncStep for TouchOwner {
    type Model = Object;
    fn observes(&self) -> &str {
        "Part"
    }
    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.lock().unwrap().push(o.meta.name.clone());
        o.set("colour", json!("new"));
        ctx.save(o).await?;
        o.set("state", json!("half"));
        (self.1)(self.0.lock().unwrap().len())?;
        if let Some(mut owner) = ctx.models_of("Owner").named("own")? {
            ctx.touch(&mut owner).await?;
        }
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_child_runs_its_parent_again_and_saves_itself_early() {
    let calls = Arc::new(Mutex::new(vec![]));
    let counted = Arc::new(AtomicUsize::new(0));
    let fails_once = Box::new(|call| if call == 1 { Err(StepError::failed("not yet")) } else { Ok(()) });
    let mut world = World::of(&[("t.xproto", MODELS)])
        .sync_step(TouchOwner(Arc::clone(&calls), fails_once))
        .sync_step(Count("Owner", Arc::clone(&counted)))
        .start()
        .unwrap();
    world.apply(&object("Owner", "own", json!({"name": "own"}))).unwrap();
    world.settle().await;
    world.apply(&object("Part", "p", json!({"name": "p", "owner": {"name": "own"}}))).unwrap();
    world.settle().await;
    let part: Object = world.get("p").unwrap();
    assert_eq!(
        (part.text("colour"), part.text("state"), &part.fields["backend_code"]),
        (Some("new"), Some("half"), &json!(2)),
        "what a failed step changed is kept"
    );
    assert_eq!((calls.lock().unwrap().len(), counted.load(Ordering::SeqCst)), (1, 1), "its own save runs nothing");
    world.pass(Duration::from_secs(1)).await;
    let part: Object = world.get("p").unwrap();
    assert_eq!((part.text("state"), &part.fields["backend_code"]), (Some("half"), &json!(1)));
    assert_eq!((calls.lock().unwrap().len(), counted.load(Ordering::SeqCst)), (2, 2));
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!((calls.lock().unwrap().len(), counted.load(Ordering::SeqCst)), (2, 2));
}
