//! Programs of this machine as Services, for pods.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// Returns a Service without pods, and the slice of endpoints that makes it lead to this machine.
pub(super) fn service(name: &str, address: Ipv4Addr, port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": name},
                "spec": {"ports": [{"name": "main", "port": port, "targetPort": port}]},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
                "ports": [{"name": "main", "port": port, "protocol": "TCP"}],
            },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_that_of_the_service() {
        let list = service("kafka", Ipv4Addr::new(198, 18, 0, 1), 9092);
        let [service, slice] = &list["items"].as_array().unwrap()[..] else { panic!("{list}") };
        assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], service["metadata"]["name"]);
        assert_eq!(slice["ports"][0]["name"], service["spec"]["ports"][0]["name"]);
        assert_eq!(slice["endpoints"][0]["addresses"][0], "198.18.0.1");
    }
}
