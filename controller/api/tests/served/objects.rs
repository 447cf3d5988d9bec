//! Objects come, change and go.

use serde_json::json;
use xos_grpc::{Record, Saving};
use xos_model::Object;

use crate::support::{Site, site_and_node};

#[tokio::test]
async fn what_a_client_makes_is_a_custom_resource_that_steps_handle() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    let (site, node) = site_and_node(&client).await;
    assert_eq!((site.id(), node.id()), (1, 1), "each root class has its own ids");
    assert_eq!(site.int("size"), Some(5), "a default is told");
    assert_eq!(site.text("class_names"), Some("Site,XOSBase"));
    assert_eq!(node.text("self_content_type_id"), Some("t.node"));
    assert_eq!(node.text("leaf_model_name"), Some("Node"));
    let shown = here.shown("Node", "n1").unwrap();
    assert_eq!(shown.fields["site"], json!({"name": "rome"}));
    assert_eq!(shown.status.id, Some(1));
    assert_eq!(node.get("enacted"), None);

    assert_eq!(here.settle().await, 1);
    let node = client.get("Node", node.id()).await.unwrap();
    assert_eq!(node.text("seen"), Some("yes"));
    assert_eq!((node.text("backend_status"), node.int("backend_code")), (Some("OK"), Some(1)));
    assert!(node.float("enacted") >= node.float("created") && node.float("created").is_some());
    assert_eq!(client.get("Site", site.id()).await.unwrap().ids("nodes_ids"), [node.id()]);
}

#[tokio::test]
async fn an_operators_save_makes_an_object_due_once_and_a_synchronizers_does_not() {
    let mut here = Site::start().await;
    let (operator, synchronizer) = (here.operator().await, here.synchronizer().await);
    site_and_node(&operator).await;
    here.settle().await;
    let renamed = Record::of("Node").with("id", 1).with("name", "  n2 ");
    let saved = operator.update(&renamed, &Saving::only(["name"])).await.unwrap();
    assert_eq!(saved.text("name"), Some("n2"), "blanks are stripped");
    assert_eq!((here.settle().await, here.settle().await), (1, 0));
    let whole = operator.get("Node", 1).await.unwrap();
    operator.update(&whole, &Saving::all()).await.unwrap();
    assert_eq!((here.settle().await, here.settle().await), (1, 0), "also if nothing has changed");

    let quiet = Record::of("Node").with("id", 1).with("big", true).with("seen", "no");
    let saved = synchronizer.update(&quiet, &Saving::all()).await.unwrap();
    assert_eq!((saved.text("seen"), here.settle().await), (Some("no"), 0));
    assert_eq!(here.shown("Node", "n1").unwrap().fields["big"], json!(true));
    synchronizer.update(&Record::of("Node").with("id", 1), &Saving::all().and_touch()).await.unwrap();
    assert_eq!(here.settle().await, 1);
}

#[tokio::test]
async fn an_object_that_was_read_can_be_saved_whole() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    site_and_node(&client).await;
    here.settle().await;
    let mut node = client.get("Node", 1).await.unwrap();
    node.set("big", true);
    let saved = client.update(&node, &Saving::all()).await.unwrap();
    assert_eq!(saved.get("big"), Some(&true.into()));
    assert_eq!(here.settle().await, 1);
    let shown = here.shown("Node", "n1").unwrap();
    assert_eq!(shown.meta.operator_fields.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["name", "site", "big"]);
}

#[tokio::test]
async fn links_lead_by_ids_both_ways() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    let (site, _) = site_and_node(&client).await;
    let mut tags = vec![];
    for value in ["a", "b"] {
        tags.push(client.create(&Record::of("Tag").with("value", value)).await.unwrap().id());
    }
    assert_eq!(here.shown("Tag", "tag-2").map(|tag| tag.fields["value"].clone()), Some(json!("b")));
    let tagged = Record::of("Node").with("id", 1).with("tags_ids", tags.clone());
    assert_eq!(client.update(&tagged, &Saving::all()).await.unwrap().ids("tags_ids"), tags);
    assert_eq!(client.get("Tag", tags[1]).await.unwrap().ids("nodes_ids"), [1]);
    // A list that is not sent stays, and is emptied by its name.
    let untouched = client.update(&Record::of("Node").with("id", 1).with("name", "n"), &Saving::all()).await.unwrap();
    assert_eq!(untouched.ids("tags_ids"), tags);
    let emptied = client.update(&Record::of("Node").with("id", 1), &Saving::only(["tags_ids"])).await.unwrap();
    assert_eq!(emptied.ids("tags_ids"), [0; 0]);

    let switch = Record::of("Switch").with("name", "s1").with("site_id", site.id()).with("ports", 4);
    let switch = client.create(&switch).await.unwrap();
    assert_eq!(switch.id(), 2, "a model shares the ids of its base");
    let as_node = client.get("Node", 2).await.unwrap();
    assert_eq!((as_node.text("leaf_model_name"), as_node.text("class_names")), (Some("Switch"), Some("Node,XOSBase")));
    assert_eq!(client.list("Node").await.unwrap().iter().map(Record::id).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(client.list("Switch").await.unwrap().len(), 1);
    here.settle().await;
    assert_eq!(client.get("Site", 1).await.unwrap().ids("nodes_ids"), [1, 2]);
}

#[tokio::test]
async fn times_are_seconds_since_1970() {
    let here = Site::start().await;
    let client = here.operator().await;
    let (_, node) = site_and_node(&client).await;
    let with = Record::of("Node").with("id", node.id()).with("since", 1.5);
    assert_eq!(client.update(&with, &Saving::all()).await.unwrap().float("since"), Some(1.5));
    assert_eq!(here.shown("Node", "n1").unwrap().fields["since"], json!("1970-01-01T00:00:01.5Z"));
    assert_eq!(node.float("created"), Some(1_767_225_600.0));
}

#[tokio::test]
async fn objects_are_deleted_unless_they_are_protected() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    site_and_node(&client).await;
    here.settle().await;
    client.update(&Record::of("Node").with("id", 1).with("write_protect", true), &Saving::all()).await.unwrap();
    here.settle().await;
    client.delete("Node", 1).await.unwrap();
    here.settle().await;
    assert!(here.shown("Node", "n1").is_some_and(|node| node.meta.deleting.is_none()));
    client.update(&Record::of("Node").with("id", 1).with("write_protect", false), &Saving::all()).await.unwrap();
    here.settle().await;
    client.delete("Node", 1).await.unwrap();
    assert_eq!(
        client.get("Node", 1).await.unwrap().get("deleted"),
        Some(&true.into()),
        "it can be read until it is gone"
    );
    assert_eq!(client.list("Node").await.unwrap(), []);
    here.settle().await;
    assert!(here.shown("Node", "n1").is_none() && client.get("Node", 1).await.is_err());
    let again = client.create(&Record::of("Node").with("name", "n1").with("site_id", 1)).await.unwrap();
    assert_eq!(again.id(), 2, "an id is never used again");
}

#[tokio::test]
async fn what_kubectl_changes_is_what_clients_read() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    site_and_node(&client).await;
    let mut edited = here.shown("Site", "rome").unwrap();
    edited.set("size", json!(9));
    edited.set("password", json!("letmein"));
    here.world.apply_as(&edited, &[]).unwrap();
    let made = {
        let mut made = Object::named("Site", "default", "oslo");
        made.set("name", json!("Oslo"));
        made
    };
    here.world.apply_as(&made, &[]).unwrap();
    here.settle().await;
    let read = client.get("Site", 1).await.unwrap();
    assert_eq!((read.int("size"), read.text("password")), (Some(9), None), "secrets are told nobody");
    assert_eq!(here.ids.get(&here.world.store().models(), "Site", 2), None, "it gets one from the assigner");
}

#[tokio::test]
async fn links_that_a_client_cannot_see_yet_are_kept_by_its_saves() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    site_and_node(&client).await;
    let tag = client.create(&Record::of("Tag").with("value", "red")).await.unwrap();
    // What kubectl makes has no id until the leader gives it one; the tag `later` is not there at all.
    let mut oslo = Object::named("Site", "default", "oslo");
    oslo.set("name", json!("Oslo"));
    here.world.apply_as(&oslo, &[]).unwrap();
    let mut edited = here.shown("Node", "n1").unwrap();
    edited.set("site", json!({"name": "oslo"}));
    edited.set("tags", json!([{"name": "later"}]));
    here.world.apply_as(&edited, &[]).unwrap();
    here.settle().await;
    let mut node = client.get("Node", 1).await.unwrap();
    assert_eq!((node.int("site_id").unwrap_or_default(), node.ids("tags_ids")), (0, &[][..]));

    // A save of the whole object, and one that adds a tag.
    node.set("name", "n1b");
    node.set("site_id", 0);
    client.update(&node, &Saving::all()).await.unwrap();
    node.set("tags_ids", vec![tag.id()]);
    client.update(&node, &Saving::all()).await.unwrap();
    let shown = here.shown("Node", "n1").unwrap();
    assert_eq!((&shown.fields["name"], &shown.fields["site"]["name"]), (&json!("n1b"), &json!("oslo")));
    let tags: Vec<_> = shown.fields["tags"].as_array().unwrap().iter().map(|tag| tag["name"].clone()).collect();
    assert_eq!(tags, ["tag-1", "later"]);

    // One that names the list, and sends none, empties it.
    let empty = Record::of("Node").with("id", 1);
    client.update(&empty, &Saving::only(["tags_ids"])).await.unwrap();
    let shown = here.shown("Node", "n1").unwrap();
    assert_eq!(shown.fields.get("tags").and_then(|tags| tags.as_array()).map(Vec::len).unwrap_or_default(), 0);
}
