use super::*;

#[test]
fn edges_with_and_without_ports() {
    let edges = parse(r#"{"ONOSApp": [["ONOSService", "", ""], ["Slice", "slice", "apps"]]}"#).unwrap();
    let ports: Vec<_> = edges.iter().map(|edge| (edge.model.as_str(), edge.on.as_str(), edge.port.as_str())).collect();
    assert_eq!(ports, [("ONOSApp", "ONOSService", ""), ("ONOSApp", "Slice", "slice")]);
    assert!(parse("{}").unwrap().is_empty() && parse("[]").is_err());
}
