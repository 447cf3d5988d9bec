//! The controller's rights are those of the manifest, and RBAC is in force.

use xos_e2e::{namespace, paths, synchronizer::Access};

#[tokio::test]
async fn the_controllers_token_may_do_its_work_and_no_more() {
    namespace::with("rbac", async |namespace| {
        let manifest = paths::repository().join("config/example/rbac.yaml");
        let admin = namespace.cluster().kubectl();
        let access =
            Access::grant(admin, &namespace.client(), &manifest, namespace.name(), namespace.folder()).await.unwrap();
        let account = admin.with_kubeconfig(access.kubeconfig());
        let may = async |question: &[&str]| {
            let question = [&["auth", "can-i"], question].concat();
            account.run(&question).await.unwrap().stdout.trim().to_owned()
        };
        let group = "mymodels.example.xos.opencord.org";
        assert_eq!(may(&["watch", group]).await, "yes");
        assert_eq!(may(&["patch", group, "--subresource=status"]).await, "yes");
        assert_eq!(may(&["watch", group, "-n", "default"]).await, "no");
        assert_eq!(may(&["list", "secrets"]).await, "no");
        assert_eq!(may(&["list", "secrets", "-n", "kube-system"]).await, "no");
        assert_eq!(may(&["delete", "namespaces"]).await, "no");
        assert_eq!(may(&["create", "clusterrolebindings"]).await, "no");
        let refused = account.run(&["get", "secrets"]).await.unwrap();
        assert!(refused.stderr.contains("Forbidden"), "{}", refused.all());
    })
    .await
    .unwrap();
}
