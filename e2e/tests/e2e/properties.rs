//! Computed properties on a real API server: in status and as a column, also through links, and written only when they
//! are others.

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"properties\";
    message Crew (XOSBase) { required string name = 1 [max_length = 32, tosca_key = True]; }
    message Sailor (XOSBase) { option columns = \"full_name\";
        required string first_name = 1 [max_length = 32]; optional string last_name = 2 [max_length = 32];
        optional manytoone crew->Crew:sailors = 3:1001; }";

const PROPERTIES: &str = "Sailor: {full_name: \"self.first_name + ' ' + self.last_name\", crew_name: self.crew.name}
Crew: {names: \"self.sailors.map(s, s.full_name)\", head_count: double(self.sailors.size())}";

#[tokio::test]
async fn properties_are_in_status_and_kubectl_shows_them() {
    namespace::with("properties", async |namespace| {
        let calls = Calls::default();
        let synchronizer = Synchronizer::new("properties")
            .models(&[("properties.xproto", MODELS), ("convenience/properties.yaml", PROPERTIES)])
            .sync_step(Scripted::noting("step", "Sailor", &calls));
        let controller = Controller::start(namespace, "properties", synchronizer, &json!({})).unwrap();
        let objects = Objects::new(namespace, &MODELS.replace("option columns = \"full_name\";", "")).unwrap();
        for model in ["Crew", "Sailor"] {
            objects.served(model).await.unwrap();
        }
        objects.create("Crew", "alba", json!({"name": "Alba"})).await.unwrap();
        let sailor = json!({"firstName": "Grace", "lastName": "Hopper", "crew": {"name": "alba"}});
        objects.create("Sailor", "grace", sailor).await.unwrap();
        let is = |wanted: Value| move |o: &Value| o["status"]["properties"] == wanted;
        let whole = json!({"fullName": "Grace Hopper", "crewName": "Alba"});
        objects.until("Sailor", "grace", "its properties", is(whole)).await.unwrap();
        let crew = json!({"names": ["Grace Hopper"], "headCount": 1});
        objects.until("Crew", "alba", "its properties", is(crew)).await.unwrap();
        objects.ready("Sailor", "grace").await.unwrap();
        let wide = namespace.kubectl(&["get", "sailors.properties.xos.opencord.org", "-o", "wide"]).await.unwrap();
        assert!(wide.lines().next().unwrap().contains("FULL NAME") && wide.contains("Grace Hopper"), "{wide}");

        // An edit of one is seen in the other; a value that is missing is told.
        let patch = json!({"spec": {"lastName": null}}).to_string();
        let sailor = "sailors.properties.xos.opencord.org/grace";
        namespace.kubectl(&["patch", sailor, "--type=merge", "-p", &patch]).await.unwrap();
        let faulty = |o: &Value| {
            let told = condition(o, "Computed")["message"].as_str().unwrap_or_default().to_owned();
            o["status"]["properties"] == json!({"crewName": "Alba"}) && told.starts_with("full_name: ")
        };
        objects.until("Sailor", "grace", "a fault", faulty).await.unwrap();
        let patch = json!({"spec": {"lastName": "Murray"}}).to_string();
        namespace.kubectl(&["patch", sailor, "--type=merge", "-p", &patch]).await.unwrap();
        let crew = json!({"names": ["Grace Murray"], "headCount": 1});
        objects.until("Crew", "alba", "the other name", is(crew)).await.unwrap();
        let mended = |o: &Value| condition(o, "Computed").is_null();
        objects.until("Sailor", "grace", "no fault", mended).await.unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_property_gets_another_type_and_one_is_added_while_objects_have_values() {
    namespace::with("retyped", async |namespace| {
        let models = "option app_label = \"retyped\";
            message Cook (XOSBase) { required string name = 1 [max_length = 32]; }";
        let objects = Objects::new(namespace, models).unwrap();
        let table = [
            (None, Value::Null),
            (Some("Cook: {word: self.name}"), json!({"word": "Ann"})),
            (Some("Cook: {word: self.name.size(), more: '[self.name]'}"), json!({"word": 3, "more": ["Ann"]})),
        ];
        for (number, (properties, wanted)) in table.into_iter().enumerate() {
            let files = properties.map(|text| ("convenience/retyped.yaml", text));
            let files: Vec<_> = [("retyped.xproto", models)].into_iter().chain(files).collect();
            let calls = Calls::default();
            let synchronizer =
                Synchronizer::new("retyped").models(&files).sync_step(Scripted::noting("step", "Cook", &calls));
            let controller = Controller::start(namespace, "retyped", synchronizer, &json!({})).unwrap();
            objects.served("Cook").await.unwrap();
            if number == 0 {
                objects.create("Cook", "ann", json!({"name": "Ann"})).await.unwrap();
                objects.ready("Cook", "ann").await.unwrap();
            }
            let is = |o: &Value| o["status"]["properties"] == wanted;
            objects.until("Cook", "ann", "its properties", is).await.unwrap();
            assert_eq!(calls.all().len(), usize::from(number == 0), "the step is not run again");
            controller.stop().await.unwrap();
        }
    })
    .await
    .unwrap();
}
