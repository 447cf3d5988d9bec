//! What a user of the API may do who is no administrator: the models' access policies say it, of objects that kubectl makes.

use serde_json::json;
use xos_grpc::{Record, Saving};
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

use super::PATIENCE;
use super::place::Place;

const MODELS: &str = r#"
option app_label = "papers";
policy mine <
    obj.owner = ctx.user
    | (exists Grant: (Grant.user_id = ctx.user.id & Grant.doc_id = obj.id & (ctx.write_access -> Grant.write)))
>
message User (XOSBase) { required string email = 1 [max_length = 64, unique = True]; optional bool is_admin = 2; }
message Grant (XOSBase) { required int32 user_id = 1; required int32 doc_id = 2; optional bool write = 3; }
message Doc::mine (XOSBase) {
    required string name = 1 [max_length = 32];
    optional manytoone owner->User:docs = 2:1001;
}"#;

#[tokio::test]
async fn access_policies_decide_by_what_kubectl_has_made() {
    namespace::with("access", async |namespace| {
        let (calls, place) = (Calls::default(), Place::new(namespace));
        let synchronizer = Synchronizer::new("papers")
            .models(&[("papers.xproto", MODELS)])
            .sync_step(Scripted::noting("doc", "Doc", &calls));
        let controller = Controller::start(namespace, "papers", synchronizer, &place.config()).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        let (admin, bob) = (place.client().await, place.client_of("bob").await);
        let id_of = async |kind: &str, name: &str| {
            let it = objects.until(kind, name, "it has an id", |it| it["status"]["id"].is_number()).await.unwrap();
            i32::try_from(it["status"]["id"].as_i64().unwrap()).unwrap()
        };
        objects.create("Doc", "d1", json!({"name": "d1"})).await.unwrap();
        let doc = id_of("Doc", "d1").await;
        let refused = bob.get("Doc", doc).await.unwrap_err();
        assert_eq!(refused.code(), Some(tonic::Code::PermissionDenied), "{refused}");
        assert_eq!((admin.list("Doc").await.unwrap().len(), bob.list("Doc").await.unwrap().len()), (1, 0));

        // What is granted by kubectl.
        objects.create("User", "bob", json!({"email": "bob"})).await.unwrap();
        let user = id_of("User", "bob").await;
        objects.create("Grant", "g", json!({"userId": user, "docId": doc})).await.unwrap();
        let mut found = eventually(PATIENCE, "bob to read it", async || {
            let found = bob.list("Doc").await.map_err(|error| error.to_string())?;
            found.into_iter().next().ok_or_else(|| "nothing".to_owned())
        })
        .await
        .unwrap();
        found.set("name", "by bob");
        let refused = bob.update(&found, &Saving::only(["name"])).await.unwrap_err();
        assert_eq!(refused.code(), Some(tonic::Code::PermissionDenied), "{refused}");
        objects.edit("Grant", "g", json!({"write": true})).await.unwrap();
        eventually(PATIENCE, "bob to write it", async || {
            bob.update(&found, &Saving::only(["name"])).await.map_err(|error| error.to_string())
        })
        .await
        .unwrap();
        objects.until("Doc", "d1", "bob's change", |it| it["spec"]["name"] == "by bob").await.unwrap();

        // What is his own, and that nobody makes himself an administrator.
        let own = bob.create(&Record::of("Doc").with("name", "d2").with("owner_id", user)).await.unwrap();
        assert_eq!(bob.list("Doc").await.unwrap().len(), 2);
        bob.delete("Doc", own.id()).await.unwrap();
        let himself = bob.get("User", user).await.unwrap().with("is_admin", true);
        let refused = bob.update(&himself, &Saving::all()).await.unwrap_err();
        assert_eq!(refused.code(), Some(tonic::Code::PermissionDenied), "{refused}");
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
