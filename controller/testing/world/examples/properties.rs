//! Measures properties with an API server in memory: what an edit costs that touches nothing they read, and how long it
//! takes until a property over a chain of ten links is computed anew, and written, for 1,000 objects.
//!
//! ```sh
//! cargo run --release -p xos-testing --example properties
//! ```

#![allow(clippy::print_stdout, missing_docs)]

use std::time::Instant;

use serde_json::json;
use xos_model::Object;
use xos_testing::{World, WorldError};

const MODELS: &str = r#"
    option app_label = "t";
    message Node (XOSBase) {
        required string name = 1 [max_length = 9];
        optional string note = 2 [max_length = 32];
        optional manytoone next->Node:previous = 3:1001;
    }
    message Head (XOSBase) {
        required string name = 1 [max_length = 9];
        optional string note = 2 [max_length = 32];
        optional manytoone next->Node:heads = 3:1002;
    }
"#;

const PROPERTIES: &str = "Head:
  end: self.name + ' ' + self.next.next.next.next.next.next.next.next.next.next.name
";

const MANY: usize = 10_000;
const HEADS: usize = 1_000;
const LINKS: usize = 10;

fn object(model: &str, name: &str, next: Option<String>) -> Object {
    let mut object = Object::named(model, "default", name);
    object.set("name", json!(name));
    if let Some(next) = next {
        object.set("next", json!({"name": next}));
    }
    object
}

/// Returns a world with a chain of ten nodes, and so many objects that lead to its beginning.
async fn world(heads: usize) -> Result<World, WorldError> {
    let mut world = World::of(&[("t.xproto", MODELS), ("convenience/t.yaml", PROPERTIES)]).start()?;
    for at in 1..=LINKS {
        world.apply(&object("Node", &format!("n{at}"), (at < LINKS).then(|| format!("n{}", at + 1))))?;
    }
    for at in 0..heads {
        world.apply(&object("Head", &format!("h{at}"), Some("n1".to_owned())))?;
    }
    let started = Instant::now();
    world.settle().await;
    println!("{heads} objects: all computed and written after {:.0?}", started.elapsed());
    Ok(world)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), WorldError> {
    let mut world = world(MANY).await?;
    let before = world.properties_computed();
    let started = Instant::now();
    world.edit::<Object>("h17", |head| head.set("note", json!("x")))?;
    world.edit::<Object>("n5", |node| node.set("note", json!("x")))?;
    world.settle().await;
    let (took, computed) = (started.elapsed(), world.properties_computed() - before);
    println!("two edits that touch nothing they read: {computed} computed, {took:.0?}");

    world = self::world(HEADS).await?;
    let before = world.properties_computed();
    world.take_changes();
    let started = Instant::now();
    world.edit::<Object>("n10", |node| node.set("name", json!("end")))?;
    world.settle().await;
    let (took, computed) = (started.elapsed(), world.properties_computed() - before);
    println!("an edit at the end of the chain: {computed} computed, {} writes, {took:.0?}", world.take_changes().len());
    Ok(())
}
