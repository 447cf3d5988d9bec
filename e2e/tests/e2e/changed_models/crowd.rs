//! All objects are checked, page after page. The first ones are named.

use futures::{StreamExt as _, stream};
use serde_json::json;

use super::{assert_says, with_service};

const MANY: usize = 520;

#[tokio::test]
async fn more_objects_than_a_page_are_counted() {
    with_service("changed-crowd", async |service| {
        service.install("old", "required string name = 1 [max_length = 32];").await;
        // A person without the field, to wait for the kind.
        service.create("short", &json!({"name": "Abc"})).await;
        let names = (0..MANY).map(|n| format!("long-{n}"));
        let long = json!({"name": "Abcdef"});
        stream::iter(names)
            .map(|name| {
                let service = &service;
                let long = &long;
                async move { service.create(&name, long).await }
            })
            .buffer_unordered(16)
            .for_each(async |_| ())
            .await;
        let (code, said) = service.refused("shorter", "required string name = 1 [max_length = 3];").await;
        assert_eq!(code, Some(1), "{said}");
        let first = format!("{MANY} objects do not comply: {}/long-0, ", service.namespace.name());
        let more = MANY - 10;
        assert_says(&said, &[&first, &format!(" and {more} more\n")]);
    })
    .await;
}
