//! What is refused, and how it is told.

use serde_json::{Value, json};
use tonic::Code;
use xos_grpc::client::{Filter, Operator};
use xos_grpc::{Client, ClientError, Record, Saving};

use crate::support::{Site, site_and_node};

/// Returns the code and the details of a refusal.
fn told<T: std::fmt::Debug>(result: Result<T, ClientError>) -> (Code, Value) {
    match result.unwrap_err() {
        ClientError::Refused { status, .. } => (status.code(), serde_json::from_str(status.message()).unwrap()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn wrong_objects_are_refused_with_the_fields_that_are_wrong() {
    let here = Site::start().await;
    let client = here.operator().await;
    site_and_node(&client).await;
    let site = || Record::of("Site").with("name", "x");
    let node = || Record::of("Node").with("name", "x");
    for (record, code, error, field) in [
        (Record::of("Site"), Code::InvalidArgument, "XOSValidationError", "name"),
        (site().with("size", 0), Code::InvalidArgument, "XOSValidationError", "size"),
        (site().with("name", "a".repeat(33)), Code::InvalidArgument, "XOSValidationError", "name"),
        (node(), Code::InvalidArgument, "XOSValidationError", "site_id"),
        (node().with("site_id", 77), Code::InvalidArgument, "XOSValidationError", "site_id"),
        (site().with("name", "rome"), Code::AlreadyExists, "XOSDuplicateKey", ""),
    ] {
        let (found, details) = told(client.create(&record).await);
        assert_eq!((found, &details["error"]), (code, &json!(error)), "{record:?}: {details}");
        assert!(field.is_empty() || details["fields"][field].is_string(), "{record:?}: {details}");
    }
    let (code, details) =
        told(client.update(&Record::of("Node").with("id", 1).with("site_id", 0), &Saving::all()).await);
    assert_eq!(code, Code::InvalidArgument, "{details}");
    let (code, details) = told(client.update(&Record::of("Node").with("id", 1), &Saving::only(["nmae"])).await);
    assert_eq!((code, details["fields"]["nmae"].is_string()), (Code::InvalidArgument, true), "{details}");
    assert_eq!(client.list("Site").await.unwrap().len(), 1, "nothing of it is there");
}

#[tokio::test]
async fn feedback_is_a_synchronizers() {
    let mut here = Site::start().await;
    let client = here.operator().await;
    let made = Record::of("Site").with("name", "rome").with("backend_status", "mine");
    let site = client.create(&made).await.unwrap();
    assert_eq!(site.text("backend_status"), Some("Provisioning in progress"), "it is passed over");
    client.create(&Record::of("Node").with("name", "n1").with("site_id", 1)).await.unwrap();
    here.settle().await;
    let stale = Record::of("Node").with("id", 1).with("seen", "no").with("name", "n2");
    for how in [Saving::all(), Saving::only(["name"])] {
        let (code, details) = told(client.update(&stale, &how).await);
        let expected = "A non Synchronizer is trying to update fields marked as feedback_state: ['seen']";
        assert_eq!((code, &details["specific_error"]), (Code::PermissionDenied, &json!(expected)));
    }
    let enacted = Record::of("Node").with("id", 1).with("enacted", 1.0);
    let saved = client.update(&enacted, &Saving::all()).await.unwrap();
    assert!(saved.float("enacted") > Some(1.0), "bookkeeping is passed over");
}

#[tokio::test]
async fn who_is_not_known_gets_nothing_but_the_schema() {
    let here = Site::start().await;
    let nobody = Client::connect(here.connection()).await.unwrap();
    assert!(nobody.api().message("Node").is_some(), "the schema is for anybody");
    assert_eq!(told(nobody.list("Site").await).0, Code::Unauthenticated);
    let wrong = Client::connect(here.connection().user("ada", "wrong").unwrap()).await.unwrap();
    assert_eq!(told(wrong.list("Site").await).0, Code::PermissionDenied);
}

#[tokio::test]
async fn what_is_not_there_is_told() {
    let here = Site::start().await;
    let client = here.operator().await;
    assert_eq!(told(client.get("Site", 1).await).0, Code::NotFound);
    assert_eq!(told(client.delete("Site", 1).await).0, Code::NotFound);
    assert_eq!(told(client.update(&Record::of("Site").with("id", 1), &Saving::all()).await).0, Code::NotFound);
    assert!(matches!(client.list("Nothing").await, Err(ClientError::NoModel(model)) if model == "Nothing"));
    let wrong = Filter::all().and("colour", Operator::Equal, "red");
    let (code, details) = told(client.filter("Site", &wrong).await);
    assert_eq!((code, details["fields"]["colour"].is_string()), (Code::InvalidArgument, true), "{details}");
    let secret = Filter::all().and("password", Operator::Contains, "l");
    assert_eq!(told(client.filter("Site", &secret).await).0, Code::InvalidArgument, "a secret cannot be guessed");
}
