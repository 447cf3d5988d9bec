//! What users may do who are no administrators.

use tonic::Code;
use xos_grpc::client::{Filter, Operator};
use xos_grpc::{Client, ClientError, Record, Saving};

use crate::support::Site;

const MODELS: &str = r#"
option app_label = "t";
option name = "t";
policy mine <
    ctx.user.is_admin
    | obj.owner = ctx.user
    | (exists Grant: (Grant.user_id = ctx.user.id & Grant.doc_id = obj.id & (ctx.write_access -> Grant.write)))
>
message User (XOSBase) {
    required string email = 1 [max_length = 64, unique = True];
    optional bool is_admin = 2;
    optional bool is_readonly = 3;
    required bool is_active = 4 [default = True];
    optional string phone = 5 [max_length = 20];
}
message Grant (XOSBase) { required int32 user_id = 1; required int32 doc_id = 2; optional bool write = 3; }
message Doc::mine (XOSBase) {
    required string name = 1 [max_length = 32];
    optional manytoone owner->User:docs = 2:1001;
}
message Paper (Doc) { optional int32 pages = 1; }
"#;

fn denied<T: std::fmt::Debug>(result: Result<T, ClientError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), Some(Code::PermissionDenied), "{error}");
    error.to_string()
}

/// Returns the names of all documents that a client sees.
async fn seen(client: &Client) -> Vec<String> {
    let listed = client.list("Doc").await.unwrap();
    let filtered = client.filter("Doc", &Filter::all().and("id", Operator::GreaterThan, 0)).await.unwrap();
    assert_eq!(listed, filtered);
    listed.iter().map(|doc| doc.text("name").unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_models_policies_decide() {
    let users = [("ada", ""), ("bob", ":limited"), ("eve", ":limited"), ("zoe", ":limited")];
    let site = Site::of(MODELS, &users).await;
    let [ada, bob, eve, zoe] =
        [site.client("ada").await, site.client("bob").await, site.client("eve").await, site.client("zoe").await];
    let user = |email: &str| Record::of("User").with("email", email);
    let b = ada.create(&user("bob")).await.unwrap();
    let e = ada.create(&user("eve")).await.unwrap();

    // Bob makes what is his.
    let doc = |name: &str, owner: i32| Record::of("Doc").with("name", name).with("owner_id", owner);
    let mut his = bob.create(&doc("d1", b.id())).await.unwrap();
    let told = denied(bob.create(&doc("d2", e.id())).await);
    assert!(told.contains("User bob cannot access Doc new object due to policy mine"), "{told}");
    denied(bob.create(&Record::of("Doc").with("name", "d2")).await);
    // The policy of a model that it inherits from.
    bob.create(&Record::of("Paper").with("name", "p1").with("owner_id", b.id())).await.unwrap();
    denied(eve.create(&Record::of("Paper").with("name", "p2").with("owner_id", b.id())).await);
    assert_eq!((seen(&ada).await.len(), seen(&bob).await.len()), (2, 2));

    // Eve sees nothing of it, until she is allowed to.
    assert_eq!(seen(&eve).await, [""; 0]);
    let told = denied(eve.get("Doc", his.id()).await);
    assert!(told.contains(&format!("User eve cannot access Doc object {} due to policy mine", his.id())), "{told}");
    let by_name = Filter::all().and("name", Operator::Equal, "d1");
    assert_eq!(eve.filter("Doc", &by_name).await.unwrap(), []);
    let grant = Record::of("Grant").with("user_id", e.id()).with("doc_id", his.id());
    let mut grant = ada.create(&grant).await.unwrap();
    assert_eq!(seen(&eve).await, ["d1"]);
    assert_eq!(eve.get("Doc", his.id()).await.unwrap().text("name"), Some("d1"));
    his.set("name", "d1 of eve");
    denied(eve.update(&his, &Saving::all()).await);
    denied(eve.delete("Doc", his.id()).await);
    grant.set("write", true);
    ada.update(&grant, &Saving::all()).await.unwrap();
    eve.update(&his, &Saving::all()).await.unwrap();
    assert_eq!(seen(&bob).await, ["d1 of eve", "p1"]);

    // Nobody takes an object into a place of which he has no rights.
    his.set("owner_id", e.id());
    denied(bob.update(&his, &Saving::all()).await);

    // Nor does anybody give himself rights, or call as a synchronizer.
    let mut own = bob.get("User", b.id()).await.unwrap();
    own.set("phone", "1");
    let mut own = bob.update(&own, &Saving::all()).await.unwrap();
    own.set("is_admin", true);
    let told = denied(bob.update(&own, &Saving::all()).await);
    assert!(told.contains("`is_admin` of a User is set by administrators"), "{told}");
    denied(bob.create(&user("friend").with("is_admin", true)).await);
    let connection = site.connection().user("bob", "letmein").unwrap().synchronizer().unwrap();
    denied(Client::connect(connection).await.unwrap().list("Doc").await);

    // One without an object is nobody; an administrator by object may do everything; others may be kept to reading, or out.
    assert_eq!(seen(&zoe).await, [""; 0]);
    let mut z = ada.create(&user("zoe").with("is_admin", true)).await.unwrap();
    assert_eq!(seen(&zoe).await.len(), 2);
    zoe.update(&own, &Saving::all()).await.unwrap();
    assert_eq!(bob.get("User", b.id()).await.unwrap().flag("is_admin"), Some(true));
    z.set("is_readonly", true);
    ada.update(&z, &Saving::all()).await.unwrap();
    assert_eq!(seen(&zoe).await.len(), 2);
    denied(zoe.update(&his, &Saving::all()).await);
    z.set("is_active", false);
    ada.update(&z, &Saving::all()).await.unwrap();
    let told = denied(zoe.list("Doc").await);
    assert!(told.contains("User zoe is not active"), "{told}");
}
