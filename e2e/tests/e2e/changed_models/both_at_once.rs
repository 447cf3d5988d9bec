//! Two versions of a program that start at the same time end with the definition of one of them; the other one reports
//! it.

use std::fs;

use serde_json::{Value, json};
use xos_harness::eventually;

use super::{STARTED, with_service};

#[tokio::test]
async fn two_versions_that_start_at_once_do_not_mix() {
    with_service("changed-race", async |service| {
        let a = "optional string a = 1 [max_length = 9];";
        let b = "optional string b = 1 [max_length = 9];";
        let folder = |name: &str, fields: &str| {
            let copy = service.namespace.folder().join(name);
            fs::rename(service.models(fields), &copy).unwrap();
            copy
        };
        let folders = [folder("models-a", a), folder("models-b", b)];
        let mut running = [service.run_folder("a", &folders[0]), service.run_folder("b", &folders[1])];
        for child in &running {
            eventually(STARTED, "xos to run", async || {
                let text = fs::read_to_string(child.log()).unwrap_or_default();
                if text.contains("running namespaces") { Ok(()) } else { Err(text) }
            })
            .await
            .unwrap();
        }
        let logs = running.each_ref().map(|child| fs::read_to_string(child.log()).unwrap());
        let made = logs.iter().filter(|log| log.contains("made the definition")).count();
        let changed = logs.iter().filter(|log| log.contains("changed the definition: spec.")).count();
        assert_eq!((made, changed), (1, 1), "one came first, the other compared with it:\n{}\n{}", logs[0], logs[1]);
        let spec = serde_json::to_value(service.definition().await.spec).unwrap();
        let properties = &spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
        let own: Vec<_> = ["a", "b"].into_iter().filter(|name| properties[name] != Value::Null).collect();
        assert_eq!(own.len(), 1, "{}", json!(own));
        for child in &mut running {
            child.stop(STARTED).await.unwrap();
        }
    })
    .await;
}
