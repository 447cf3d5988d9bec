//! The original client, as it was released: what its users write is done, and is what kubectl shows.

use serde_json::{Value, json};
use xos_harness::example::is_ready;
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::{Original, namespace};

use super::place::Place;
use super::{MODELS, synchronizer};

#[tokio::test]
async fn the_original_client_works_as_it_did() {
    namespace::with("original", async |namespace| {
        let (calls, place) = (Calls::default(), Place::new(namespace));
        let controller = Controller::start(namespace, "served", synchronizer(&calls), &place.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        place.client().await;
        let mut original = Original::connect(place.port, place.certificate(), "admin", "letmein").await.unwrap();
        assert_eq!(*original.models(), json!(["Node", "Rack"]));

        // New objects, and links by objects.
        original.value("rack = orm.Rack(name='r1')").await.unwrap();
        original.value("rack.save()").await.unwrap();
        original.value("node = orm.Node(name='n1', rack=rack)").await.unwrap();
        original.value("node.save()").await.unwrap();
        let id = original.value("node.id").await.unwrap();
        let shown = objects.ready("Node", "n1").await.unwrap();
        assert_eq!(shown["spec"]["rack"]["name"], "r1");
        objects.until("Node", "n1", "its id is shown", |it| it["status"]["id"] == id).await.unwrap();

        // Queries, links and reverse links.
        assert_eq!(original.value("[o.name for o in orm.Node.objects.all()]").await.unwrap(), json!(["n1"]));
        assert_eq!(original.value("orm.Node.objects.get(id=node.id).backend_status").await.unwrap(), json!("OK"));
        assert_eq!(original.value("orm.Node.objects.first().rack.name").await.unwrap(), json!("r1"));
        assert_eq!(
            original.value("[o.name for o in orm.Rack.objects.get(name='r1').nodes.all()]").await.unwrap(),
            json!(["n1"])
        );
        for (line, found) in [
            ("orm.Node.objects.filter(name='n1')", 1),
            ("orm.Node.objects.filter(name='n2')", 0),
            ("orm.Node.objects.filter(name__iexact='N1')", 1),
            ("orm.Node.objects.filter(id__gte=node.id, id__lt=node.id + 1)", 1),
            ("orm.Node.objects.filter(rack_id=rack.id)", 1),
            ("orm.Node.objects.filter(rack__name='r2')", 0),
            ("orm.Node.objects.filter()", 1),
            ("orm.Node.objects.filter_special(orm.Node.objects.SYNCHRONIZER_DIRTY_OBJECTS)", 0),
            ("orm.Node.deleted_objects.all()", 0),
        ] {
            assert_eq!(original.value(&format!("len({line})")).await.unwrap(), found, "{line}");
        }
        let names = "(node.class_names, node.self_content_type_id, node.leaf_model_name, orm.Node.content_type_id)";
        assert_eq!(original.value(names).await.unwrap(), json!(["Node,XOSBase", "served.node", "Node", "served.node"]));

        // Saves: of all, and of what has changed.
        let before = calls.all().len();
        for (serial, save) in [("s-1", "save()"), ("s-2", "save_changed_fields()")] {
            original.value("node = orm.Node.objects.get(id=node.id)").await.unwrap();
            original.value(&format!("node.serial = '{serial}'")).await.unwrap();
            original.value(&format!("node.{save}")).await.unwrap();
            let is_done = |it: &Value| it["spec"]["serial"] == serial && is_ready(it);
            objects.until("Node", "n1", "done", is_done).await.unwrap();
        }
        assert_eq!(calls.all()[before..], ["node sync n1", "node sync n1"]);
        original.value("node = orm.Node.objects.get(id=node.id)").await.unwrap();
        original.value("node.rack = None").await.unwrap();
        original.value("node.save()").await.unwrap();
        objects.until("Node", "n1", "without a link", |it| it["spec"]["rack"].is_null()).await.unwrap();

        // Kubectl changes it, and the client reads that.
        objects.edit("Node", "n1", json!({"serial": "by kubectl"})).await.unwrap();
        let is_done = |it: &Value| it["spec"]["serial"] == "by kubectl" && is_ready(it);
        objects.until("Node", "n1", "done", is_done).await.unwrap();
        assert_eq!(original.value("orm.Node.objects.get(id=node.id).serial").await.unwrap(), json!("by kubectl"));

        // Errors have the codes that it looks at.
        let refused = original.run("orm.Node.objects.get(id=4711)").await.unwrap();
        assert_eq!(refused["error"], "NOT_FOUND", "{refused}");
        let refused = original.run("orm.Node(name='x' * 99).save()").await.unwrap();
        assert_eq!(refused["error"], "INVALID_ARGUMENT", "{refused}");
        let details: Value = serde_json::from_str(refused["details"].as_str().unwrap()).unwrap();
        assert!(details["fields"]["name"].is_string(), "{details}");

        // The other services that it has.
        let due = original
            .value("client.utility.ListDirtyModels(client.utility_pb2.ModelFilter(class_name='N*'))")
            .await
            .unwrap();
        assert_eq!(due, json!({}));
        let made = "client.utility.SetDirtyModels(client.utility_pb2.ModelFilter(class_name='Node'))";
        assert_eq!(original.value(made).await.unwrap(), json!({"items": [{"class_name": "Node", "id": id}]}));
        objects.ready("Node", "n1").await.unwrap();

        original.value("node.delete()").await.unwrap();
        objects.gone("Node", "n1").await.unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
