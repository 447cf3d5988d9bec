use super::*;

fn json(variables: &[(&str, &str)]) -> String {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    overlay(&variables).into_json().to_string()
}

#[test]
fn double_underscores_nest() {
    let variables = [("XOS_EVENT_BUS__ENDPOINT", "kafka:9092"), ("XOS_EVENT_BUS__KIND", "kafka"), ("PATH", "/bin")];
    assert_eq!(json(&variables), r#"{"event_bus":{"endpoint":"kafka:9092","kind":"kafka"}}"#);
    assert_eq!(variable("event_bus.endpoint"), "XOS_EVENT_BUS__ENDPOINT");
}

#[test]
fn variables_of_kubernetes_are_left_alone() {
    let variables = [
        ("XOS_CORE_SERVICE_HOST", "10.0.0.1"),
        ("XOS_CORE_SERVICE_PORT_GRPC", "50051"),
        ("XOS_CORE_PORT", "tcp://10.0.0.1:50051"),
        ("XOS_CORE_PORT_50051_TCP_ADDR", "10.0.0.1"),
        ("XOS_", "x"),
    ];
    assert_eq!(json(&variables), "{}");
}
