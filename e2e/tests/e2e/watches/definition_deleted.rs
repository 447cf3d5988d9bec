//! A definition that is deleted while the controller runs stops its kind only, until it is back.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use xos_harness::inprocess::{Calls, Controller, Objects};
use xos_harness::{eventually, models, namespace};

use super::{Monitoring, TOLD, synchronizer};

const MODELS: &str = "option app_label = \"gone\";
    message Pole (XOSBase) { required string name = 1 [max_length = 32]; }
    message Bulb (XOSBase) { required string name = 1 [max_length = 32]; optional manytoone pole->Pole:bulbs = 2:1001; }";
const POLES: &str = "poles.gone.xos.opencord.org";

#[tokio::test]
async fn it_is_told_the_others_go_on_and_the_kind_is_taken_up_again() {
    namespace::with("definition-gone", async |namespace| {
        let calls = Calls::default();
        let monitoring = Monitoring::new();
        let synchronizer = synchronizer("gone", MODELS, &["Pole", "Bulb"], &calls);
        let controller = Controller::start(namespace, "gone", synchronizer, &monitoring.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        for model in ["Pole", "Bulb"] {
            objects.served(model).await.unwrap();
        }
        objects.create("Pole", "p", json!({"name": "p"})).await.unwrap();
        objects.create("Bulb", "a", json!({"name": "a", "pole": {"name": "p"}})).await.unwrap();
        objects.ready("Bulb", "a").await.unwrap();
        monitoring.ready().await;

        let definitions: Api<CustomResourceDefinition> = Api::all(namespace.client());
        definitions.delete(POLES, &DeleteParams::default()).await.unwrap();
        // Its objects are deleted as any other, with what leads to them.
        objects.gone("Bulb", "a").await.unwrap();
        let look = async || match definitions.get_opt(POLES).await {
            Ok(None) => Ok(()),
            answer => Err(format!("{answer:?}")),
        };
        eventually(TOLD, "the definition to be gone", look).await.unwrap();
        monitoring.not_ready(&["changes of Pole in namespace", "its definition was deleted"]).await;

        // The others go on, and nothing is held by what is not there.
        objects.create("Bulb", "b", json!({"name": "b"})).await.unwrap();
        objects.ready("Bulb", "b").await.unwrap();
        objects.create("Bulb", "c", json!({"name": "c", "pole": {"name": "q"}})).await.unwrap();
        let waits = "waits for Pole q, which does not exist";
        let says = |object: &serde_json::Value| object["status"].to_string().contains(waits);
        objects.until("Bulb", "c", "waiting for a kind that is gone", says).await.unwrap();
        objects.delete("Bulb", "c").await.unwrap();
        objects.gone("Bulb", "c").await.unwrap();

        let all = xos_crds::definitions(&models::from_text(MODELS).unwrap());
        let pole = all.iter().find(|definition| definition.metadata.name.as_deref() == Some(POLES)).unwrap();
        definitions.patch(POLES, &PatchParams::apply("operator"), &Patch::Apply(pole)).await.unwrap();
        objects.served("Pole").await.unwrap();
        objects.create("Pole", "q", json!({"name": "q"})).await.unwrap();
        objects.ready("Pole", "q").await.unwrap();
        monitoring.ready().await;
        let expected = ["Pole sync p", "Bulb sync a", "Bulb delete a", "Pole delete p", "Bulb sync b", "Pole sync q"];
        assert_eq!(calls.all(), expected);
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
