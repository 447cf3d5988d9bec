use super::super::read::fitted;
use super::super::report::Report;
use super::super::schema::schema;
use super::*;
use xos_yaml::{File, parse};

const SECRETS: &str = "name: a
accessor: {password: letmein}
event_bus:
  sasl: {password: letmein}
  tls: {key_password: letmein}
  librdkafka: {ssl.key.pem: letmein}
";

fn keys(text: &str) -> Keys {
    let mut file = File { path: "a.yaml".into(), text: text.into(), secrets: vec![] };
    let mut report = Report::default();
    let tree = fitted(parse(&mut file, 0).unwrap(), &[], &mut report);
    assert!(report.is_empty(), "{report:?}");
    serde_json::from_value(tree.into_json()).unwrap()
}

#[test]
fn each_secret_is_read_and_neither_debug_nor_serialization_shows_it() {
    use secrecy::ExposeSecret as _;
    let keys = keys(SECRETS);
    let bus = keys.event_bus.as_ref().unwrap();
    let password = keys.accessor.password.as_ref();
    let sasl = bus.sasl.as_ref().unwrap().password.as_ref();
    let key_password = bus.tls.as_ref().unwrap().key_password.as_ref();
    for secret in [password, sasl, key_password, bus.librdkafka.get("ssl.key.pem")] {
        assert_eq!(secret.unwrap().expose_secret(), "letmein");
    }
    assert!(!format!("{keys:?}").contains("letmein"), "{keys:?}");
    let serialized = serde_json::to_string(&keys).unwrap();
    assert!(serialized.contains("\"sasl\"") && !serialized.contains("letmein"), "{serialized}");
}

#[test]
fn every_duration_that_the_schema_allows_can_be_read() {
    const PARTS: [&str; 13] =
        ["", "2 h", "2hour", "2 hours", "3m", "3 mins", "4s", "4 secs", "4.5s", "5ms", "5 millis", "1.5h", "0.5 m"];
    let schema = schema();
    let pattern = schema["properties"]["shutdown_grace"]["pattern"].as_str().unwrap();
    let pattern = regex::Regex::new(pattern).unwrap();
    let mut read = 0;
    for parts in (0..PARTS.len().pow(3)).map(|n| [PARTS[n / 169], PARTS[n / 13 % 13], PARTS[n % 13]]) {
        for text in [parts.concat(), parts.join(" ")] {
            if text.starts_with(|c: char| c.is_ascii_digit()) && pattern.is_match(&text) {
                assert!(parse_duration(&text).is_some(), "{text}");
                read += 1;
            }
        }
    }
    assert!(read > 50, "{read}");
}
