//! `xos crds --diff` shows what `xos run` would do, and changes nothing.

use serde_json::json;

use super::{assert_says, with_service};

const OLD: &str = "required string name = 1 [max_length = 32];";

#[tokio::test]
async fn differences_are_shown_with_a_verdict() {
    with_service("changed-diff", async |service| {
        let name = format!("people.{}", service.group);
        let (code, said) = service.diff("new", OLD).await;
        assert_eq!((code, said), (Some(1), format!("{name}: new\n`run` would apply this\n")));
        assert!(service.definitions().get_opt(&name).await.unwrap().is_none(), "nothing is applied");

        service.install("old", OLD).await;
        service.create("grace", &json!({"name": "Grace"})).await;
        let version = service.version().await;
        let (code, said) = service.diff("same", OLD).await;
        assert_eq!((code, said), (Some(0), format!("{name}: unchanged\n`run` has nothing to apply\n")));

        let (code, said) = service.diff("longer", &OLD.replace("32", "33")).await;
        assert_eq!(code, Some(1), "{said}");
        assert_says(&said, &["1 difference\n  harmless    spec.name: maxLength 32 → 33\n`run` would apply this\n"]);

        let (code, said) = service.diff("shorter", &OLD.replace("32", "4")).await;
        assert_eq!(code, Some(3), "{said}");
        let object = format!("1 object does not comply: {}/grace\n", service.namespace.name());
        assert_says(&said, &["  breaking    spec.name: maxLength 32 → 4\n", &object, "`run` would refuse this"]);

        let (code, said) = service.diff("wrong", "required strin name = 1;").await;
        assert_eq!(code, Some(2), "{said}");
        assert_eq!(service.version().await, version, "nothing is applied");
    })
    .await;
}
