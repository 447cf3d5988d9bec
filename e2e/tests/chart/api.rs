//! XOS's API: a Service, what its pods have of Secrets, and who may call it.

use serde_json::{Value, json};

use crate::configuration::config;
use crate::{find, rendered};

const ON: &str = "api.enabled=true,api.usersSecret=users,networkPolicy.enabled=true";

fn mounted(deployment: &Value) -> Vec<(String, String)> {
    let pod = &deployment["spec"]["template"]["spec"];
    let secret = |name: &Value| {
        let volume = pod["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == *name).unwrap();
        volume["secret"]["secretName"].as_str().map(str::to_owned)
    };
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap().iter();
    let of_secrets =
        mounts.filter_map(|mount| Some((secret(&mount["name"])?, mount["mountPath"].as_str().unwrap().to_owned())));
    of_secrets.collect()
}

#[tokio::test]
async fn the_api_has_a_service_and_its_secrets() {
    let all = rendered(&["--set", ON, "--set", "api.tlsSecret=tls,api.port=6000"]).await;
    let service = find(&all, "Service", "demo-xos-controller-api");
    assert_eq!(service["spec"]["ports"][0]["port"], 6000);
    let deployment = find(&all, "Deployment", "demo-xos-controller");
    let ports = &deployment["spec"]["template"]["spec"]["containers"][0]["ports"];
    assert_eq!(ports[1], json!({"name": "xos-api", "containerPort": 6000, "protocol": "TCP"}));
    let expected = [("users", "/etc/xos/api-users"), ("tls", "/etc/xos/api-tls")];
    assert_eq!(mounted(deployment), expected.map(|(secret, path)| (secret.to_owned(), path.to_owned())));
    let policy = find(&all, "NetworkPolicy", "demo-xos-controller");
    assert_eq!(policy["spec"]["ingress"][1], json!({"ports": [{"port": 6000, "protocol": "TCP"}]}));
    let expected = json!({
        "address": "0.0.0.0:6000", "users_file": "/etc/xos/api-users/users",
        "tls": {"certificate": "/etc/xos/api-tls/tls.crt", "key": "/etc/xos/api-tls/tls.key"},
    });
    assert_eq!(config(&["--set", ON, "--set", "api.tlsSecret=tls,api.port=6000"]).await["api"], expected);
}

#[tokio::test]
async fn without_a_certificate_it_is_plain() {
    let expected = json!({"plain_address": "0.0.0.0:50051", "users_file": "/etc/xos/api-users/users"});
    assert_eq!(config(&["--set", ON]).await["api"], expected);
    let all = rendered(&[]).await;
    assert!(all.iter().all(|one| !one["metadata"]["name"].as_str().unwrap().ends_with("-api")), "off by default");
}
