//! The controller has the rights of the manifest and no others.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, Client, api::PostParams};
use xos_harness::{namespace, paths, synchronizer::Access};

const GROUP: &str = "example.xos.opencord.org";

#[tokio::test]
async fn the_controllers_token_may_do_its_work_and_no_more() {
    namespace::with("rbac", async |namespace| {
        let manifest = paths::repository().join("config/example/rbac.yaml");
        let cluster = namespace.cluster();
        let here = namespace.name();
        let admin = cluster.kubectl();
        let folder = namespace.folder();
        let admin_client = namespace.client();
        let access = Access::grant(admin, &admin_client, &manifest, here, folder);
        let access = access.await.unwrap();
        let client = cluster.client_of(access.kubeconfig()).await.unwrap();

        assert!(may(&client, "watch", GROUP, "mymodels", Some(here)).await);
        assert!(may(&client, "update", GROUP, "mymodels/status", Some(here)).await);
        assert!(!may(&client, "watch", GROUP, "mymodels", Some("default")).await);
        assert!(!may(&client, "watch", GROUP, "mymodels", None).await);
        assert!(!may(&client, "list", "", "secrets", Some(here)).await);
        assert!(!may(&client, "list", "", "secrets", Some("kube-system")).await);
        assert!(!may(&client, "delete", "", "namespaces", None).await);
        let rbac = "rbac.authorization.k8s.io";
        assert!(!may(&client, "create", rbac, "clusterrolebindings", None).await);

        let account = admin.with_kubeconfig(access.kubeconfig());
        let refused = account.run(&["get", "secrets"]).await.unwrap();
        assert!(refused.stderr.contains("Forbidden"), "{}", refused.all());
        assert!(refused.stderr.contains(here), "{}", refused.all());
    })
    .await
    .unwrap();
}

async fn may(client: &Client, verb: &str, group: &str, resource: &str, here: Option<&str>) -> bool {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: here.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}
