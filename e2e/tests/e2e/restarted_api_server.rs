//! After a start of the API server, creates of the kinds with finalizers at creation are answered 503 for some seconds,
//! as docs/deletion.md says, and nothing is lost by that.

use std::time::{Duration, Instant};

use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use xos_harness::control::ServeOptions;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{Cluster, TestNamespace, eventually, namespace};
use xos_runtime::Synchronizer;

use crate::causes;

const MODELS: &str = "option app_label = \"restarted\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; }";
const SOON: Duration = Duration::from_secs(90);
/// Documented are 1 to 4 s; the machine may be busy.
const LONGEST: Duration = Duration::from_secs(30);

fn thing(name: &str) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "restarted.xos.opencord.org/v1", "kind": "Thing",
        "metadata": {"name": name}, "spec": {"name": name},
    }))
    .unwrap()
}

/// Creates an object as soon as the API server does it. Returns how long it answered 503 before, and what it said.
async fn created(api: &Api<DynamicObject>, name: &str) -> (Duration, Vec<String>) {
    let mut refused = None;
    let mut said: Vec<String> = vec![];
    let object = thing(name);
    let until = Instant::now() + SOON;
    loop {
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => return (refused.map_or(Duration::ZERO, |since: Instant| since.elapsed()), said),
            Err(kube::Error::Api(status)) if status.code == 503 => {
                refused.get_or_insert_with(Instant::now);
                if !said.contains(&status.message) {
                    said.push(status.message.clone());
                }
            }
            Err(error) => panic!("{error:?}"),
        }
        assert!(Instant::now() < until, "still refused: {said:?}");
    }
}

/// Has the API server started anew, and waits until it says that it is ready.
async fn restart(namespace: &TestNamespace) {
    let client = namespace.client();
    let is_ready = async || {
        let request = http::Request::get("/readyz").body(Vec::new()).unwrap();
        client.request_text(request).await.map_err(|error| error.to_string())
    };
    namespace.cluster().served().unwrap().restart_api_server().unwrap();
    let gone = async || is_ready().await.map_or(Ok(()), Err);
    eventually(SOON, "the API server to end", gone).await.unwrap();
    eventually(SOON, "the API server to be ready", is_ready).await.unwrap();
}

#[tokio::test]
async fn creates_are_refused_for_some_seconds_and_nothing_is_lost() {
    let cluster = Cluster::start(ServeOptions::default()).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
    let test = async |namespace: &TestNamespace| {
        let calls = Calls::default();
        let synchronizer = Synchronizer::new("restarted")
            .models(&[("restarted.xproto", MODELS)])
            .sync_step(Scripted::noting("step", "Thing", &calls));
        let controller = Controller::start(namespace, "restarted", synchronizer, &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Thing").await.unwrap();
        let api = objects.api("Thing").unwrap();
        let trial = PostParams { dry_run: true, ..PostParams::default() };
        let in_force = async || match api.create(&trial, &thing("trial")).await {
            Ok(created) if created.metadata.finalizers.is_some() => Ok(()),
            other => Err(format!("{other:?}")),
        };
        eventually(SOON, "finalizers at creation", in_force).await.unwrap();
        for name in ["first", "second"] {
            restart(namespace).await;
            let (refused, said) = created(&api, name).await;
            println!("after the start of the API server creates were refused for {refused:.1?}");
            assert!(refused < LONGEST, "{refused:?}");
            assert!(said.iter().all(|text| text.contains("not found")), "{said:?}");
            // In the first moment the API server may not know of the policy: then the controller sets them.
            let thing = objects.ready("Thing", name).await.unwrap();
            assert_eq!(thing["metadata"]["finalizers"], json!(["sync.xos.opencord.org/restarted"]));
        }
        assert_eq!(calls.all(), ["step sync first", "step sync second"]);
        objects.delete("Thing", "first").await.unwrap();
        objects.gone("Thing", "first").await.unwrap();
        controller.stop().await.unwrap();
    };
    namespace::with_in(cluster, "restarted", test).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
}
