//! The original client, as it was released: what its users write is done, and is what kubectl shows.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use xos_harness::example::is_ready;
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::{namespace, paths};

use super::place::Place;
use super::{MODELS, PATIENCE, synchronizer};

/// How long its packages may take to be installed, and it to connect: it compiles the API with protoc, seven times.
const BEGIN: std::time::Duration = std::time::Duration::from_secs(300);

/// The client, which runs lines of Python.
struct Original {
    _process: Child,
    input: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Original {
    /// Returns it connected, and the models that it knows.
    async fn connect(place: &Place) -> (Self, Value) {
        let mut process = Command::new(paths::repository().join("e2e/xos/original"))
            .arg("drive.py")
            .arg(format!("localhost:{}", place.port))
            .arg(&place.certificate)
            .args(["admin", "letmein"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut answers = BufReader::new(process.stdout.take().unwrap()).lines();
        let models = timeout(BEGIN, answers.next_line()).await.unwrap().unwrap().unwrap();
        (Self { _process: process, input, answers }, serde_json::from_str(&models).unwrap())
    }

    /// Runs a line, and returns what it gives: `is`, or `error` and `details`.
    async fn run(&mut self, line: &str) -> Value {
        self.input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        let answer = timeout(PATIENCE, self.answers.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&answer.expect("the client ended")).unwrap()
    }

    /// Runs a line that has to succeed, and returns its value.
    async fn is(&mut self, line: &str) -> Value {
        let mut answer = self.run(line).await;
        assert!(answer.get("error").is_none(), "{line}: {answer}");
        answer["is"].take()
    }
}

#[tokio::test]
async fn the_original_client_works_as_it_did() {
    namespace::with("original", async |namespace| {
        let (calls, place) = (Calls::default(), Place::new(namespace));
        let controller = Controller::start(namespace, "served", synchronizer(&calls), &place.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        place.client().await;
        let (mut original, models) = Original::connect(&place).await;
        assert_eq!(models["is"], json!(["Node", "Rack"]));

        // New objects, and links by objects.
        original.is("rack = orm.Rack(name='r1')").await;
        original.is("rack.save()").await;
        original.is("node = orm.Node(name='n1', rack=rack)").await;
        original.is("node.save()").await;
        let id = original.is("node.id").await;
        let shown = objects.ready("Node", "n1").await.unwrap();
        assert_eq!(shown["spec"]["rack"]["name"], "r1");
        objects.until("Node", "n1", "its id is shown", |it| it["status"]["id"] == id).await.unwrap();

        // Queries, links and reverse links.
        assert_eq!(original.is("[o.name for o in orm.Node.objects.all()]").await, json!(["n1"]));
        assert_eq!(original.is("orm.Node.objects.get(id=node.id).backend_status").await, json!("OK"));
        assert_eq!(original.is("orm.Node.objects.first().rack.name").await, json!("r1"));
        assert_eq!(original.is("[o.name for o in orm.Rack.objects.get(name='r1').nodes.all()]").await, json!(["n1"]));
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
            assert_eq!(original.is(&format!("len({line})")).await, found, "{line}");
        }
        let names = "(node.class_names, node.self_content_type_id, node.leaf_model_name, orm.Node.content_type_id)";
        assert_eq!(original.is(names).await, json!(["Node,XOSBase", "served.node", "Node", "served.node"]));

        // Saves: of all, and of what has changed.
        let before = calls.all().len();
        for (serial, save) in [("s-1", "save()"), ("s-2", "save_changed_fields()")] {
            original.is("node = orm.Node.objects.get(id=node.id)").await;
            original.is(&format!("node.serial = '{serial}'")).await;
            original.is(&format!("node.{save}")).await;
            let is_done = |it: &Value| it["spec"]["serial"] == serial && is_ready(it);
            objects.until("Node", "n1", "done", is_done).await.unwrap();
        }
        assert_eq!(calls.all()[before..], ["node sync n1", "node sync n1"]);
        original.is("node = orm.Node.objects.get(id=node.id)").await;
        original.is("node.rack = None").await;
        original.is("node.save()").await;
        objects.until("Node", "n1", "without a link", |it| it["spec"]["rack"].is_null()).await.unwrap();

        // Kubectl changes it, and the client reads that.
        objects.edit("Node", "n1", json!({"serial": "by kubectl"})).await.unwrap();
        let is_done = |it: &Value| it["spec"]["serial"] == "by kubectl" && is_ready(it);
        objects.until("Node", "n1", "done", is_done).await.unwrap();
        assert_eq!(original.is("orm.Node.objects.get(id=node.id).serial").await, json!("by kubectl"));

        // Errors have the codes that it looks at.
        let refused = original.run("orm.Node.objects.get(id=4711)").await;
        assert_eq!(refused["error"], "NOT_FOUND", "{refused}");
        let refused = original.run("orm.Node(name='x' * 99).save()").await;
        assert_eq!(refused["error"], "INVALID_ARGUMENT", "{refused}");
        let details: Value = serde_json::from_str(refused["details"].as_str().unwrap()).unwrap();
        assert!(details["fields"]["name"].is_string(), "{details}");

        // The other services that it has.
        let due = original.is("client.utility.ListDirtyModels(client.utility_pb2.ModelFilter(class_name='N*'))").await;
        assert_eq!(due, json!({}));
        let made = "client.utility.SetDirtyModels(client.utility_pb2.ModelFilter(class_name='Node'))";
        assert_eq!(original.is(made).await, json!({"items": [{"class_name": "Node", "id": id}]}));
        objects.ready("Node", "n1").await.unwrap();

        original.is("node.delete()").await;
        objects.gone("Node", "n1").await.unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
