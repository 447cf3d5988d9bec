//! Configuration files, what they name, and their mistakes.

use super::*;

/// A folder with those files, of which the first is the configuration.
fn load(files: &[(&str, &str)]) -> (Result<Loaded, ConfigError>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    (Config::load(&[folder.path().join(files[0].0)], BTreeMap::new()), folder)
}

/// The error with the folder's name left out.
fn error(files: &[(&str, &str)]) -> String {
    let (loaded, folder) = load(files);
    loaded.unwrap_err().to_string().replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn passwords_are_read_from_files_and_never_shown() {
    let config = ("etc/config.yaml", "name: a\naccessor: {password: \"@../secrets/pw\"}\n");
    let (loaded, _folder) = load(&[config, ("secrets/pw", "letmein\r\n")]);
    let config_read = loaded.unwrap().config;
    assert_eq!(config_read.accessor.password.as_ref().unwrap().expose_secret(), "letmein");
    assert!(!format!("{config_read:?}").contains("letmein"));

    let shown = error(&[("c.yaml", "name: a\naccessor: {password: letmein, kind: grpcapi}\n")]);
    assert!(shown.contains("accessor: {password: *******, kind: grpcapi}"), "{shown}");
    let shown = error(&[("c.yaml", "name: a\naccessor: {password: [letmein]}\n")]);
    assert!(shown.contains("C003") && !shown.contains("letmein"), "{shown}");
    let shown = error(&[("c.yaml", "name: a\naccessor: {password: letmein\n")]);
    assert!(shown.contains("C002") && !shown.contains("letmein"), "{shown}");
}

#[test]
fn no_message_shows_a_secret_that_stands_beside_a_mistake() {
    for section in [
        "accessor: {password: letmein, unknown: 1}",
        "event_bus: {sasl: {password: letmein, unknown: 1}}",
        "event_bus: {tls: {key_password: letmein, unknown: 1}}",
        "event_bus: {librdkafka: {ssl.key.pem: letmein}, unknown: 1}",
        "event_bus: {sasl: {password: [letmein]}}",
        "event_bus: {tls: {key_password: {letmein: 1}}}",
    ] {
        // Without a name, so that loading fails and shows the warnings too.
        let shown = error(&[("c.yaml", section)]);
        assert!(shown.contains("C005") && !shown.contains("letmein"), "{shown}");
        assert!(shown.contains("C006") || shown.contains("C003"), "{shown}");
    }
}

#[test]
fn a_password_file_that_is_not_there_is_an_error() {
    let shown = error(&[("c.yaml", "name: a\naccessor: {password: \"@pw\"}\n")]);
    assert!(shown.contains("`accessor.password` names the file DIR/pw, which cannot be read"), "{shown}");
}

#[test]
fn folders_are_looked_up() {
    let config = "name: a\nmodels_dir: models\nsteps_dir: steps\npull_steps_dir: none\nevent_steps_dir: empty\n";
    let shown = error(&[("c.yaml", config), ("steps/sync.py", ""), ("empty/__init__.py", "")]);
    assert_eq!(
        shown,
        "the configuration has errors:
error[C008]: `models_dir` names DIR/models, which is not a folder
 --> DIR/c.yaml:2:13
  |
2 | models_dir: models
  |             ^^^^^^
  |
  = help: a path is relative to the file that contains it

error[C009]: `steps_dir` holds DIR/steps/sync.py, which is no YAML document
 --> DIR/c.yaml:3:12
  |
3 | steps_dir: steps
  |            ^^^^^
  |
  = help: write the step as a document, or compile it in with the Rust library, and move the file away"
    );
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let (loaded, folder) = load(&[("c.yaml", "concurrency: x\nunknown: 1\nmodels_dir: nowhere\n")]);
    let codes: Vec<_> = loaded.unwrap_err().diagnostics.iter().map(|d| d.code().as_str()).collect();
    assert_eq!(codes, ["C005", "C003", "C006", "C008"]);
    drop(folder);
    let missing = Config::load(&["no/such/file.yaml".into()], BTreeMap::new()).unwrap_err();
    assert!(missing.to_string().contains("error[C001]: cannot read this file: No such file"), "{missing}");
    assert_eq!(missing.diagnostics.len(), 1);
}

#[test]
fn keys_without_effect_are_listed_without_noise() {
    let (loaded, _folder) = load(&[("c.yaml", "name: a\nwrappers: [x]\nevent_bus: {endpoint: e}\n")]);
    let loaded = loaded.unwrap();
    assert_eq!(loaded.unused, ["wrappers"]);
    assert_eq!(loaded.warnings, []);
}

#[test]
fn the_event_bus_is_read_with_its_secrets() {
    let text = "name: a
event_bus:
  endpoint: [one, 'two:9093']
  attempts: 3
  retry: {initial: 100ms, max: 1s}
  parked_topic: 'parked.{synchronizer}.{topic}'
  parked_retention: 720h
  tls: {ca: ca.pem, verify: false}
  sasl: {mechanism: SCRAM-SHA-512, username: xos, password: '@secrets/kafka'}
  librdkafka: {session.timeout.ms: 45000, client.rack: west, socket.keepalive.enable: true}
";
    let (loaded, folder) = load(&[("c.yaml", text), ("secrets/kafka", "letmein\n")]);
    let loaded = loaded.unwrap();
    assert_eq!((loaded.warnings.len(), loaded.unused.len()), (0, 0));
    let bus = loaded.config.event_bus.as_ref().unwrap();
    assert!(!format!("{bus:?}").contains("letmein"));
    let settings = bus.settings();
    assert_eq!((settings.brokers().as_str(), settings.attempts), ("one:9092,two:9093", 3));
    assert_eq!(settings.parked("t", "a"), "parked.a.t");
    assert_eq!(settings.parked_retention, Some(Duration::from_hours(720)));
    assert_eq!((settings.retry.initial, settings.retry.max), (Duration::from_millis(100), Duration::from_secs(1)));
    let property = |key: &str| settings.properties.get(key).map(String::as_str);
    assert_eq!(property("security.protocol"), Some("sasl_ssl"));
    assert_eq!((property("sasl.mechanisms"), property("sasl.username")), (Some("SCRAM-SHA-512"), Some("xos")));
    assert_eq!(property("sasl.password"), Some("letmein"));
    assert_eq!(property("ssl.ca.location"), folder.path().join("ca.pem").to_str());
    assert_eq!(property("enable.ssl.certificate.verification"), Some("false"));
    assert_eq!((property("session.timeout.ms"), property("socket.keepalive.enable")), (Some("45000"), Some("true")));
}

#[test]
fn an_endpoint_is_one_or_several() {
    for (text, brokers) in [("kafka", "kafka:9092"), ("\"a, b:1\"", "a:9092,b:1"), ("[x]", "x:9092")] {
        let (config, noticed) = read(&[&format!("name: a\nevent_bus: {{kind: kafka, endpoint: {text}}}")], &[]);
        assert_eq!(noticed, [""; 0]);
        let settings = config.event_bus.unwrap().settings();
        assert_eq!(settings.parked_retention, None, "for ever");
        assert_eq!(
            (settings.brokers().as_str(), settings.properties["security.protocol"].as_str()),
            (brokers, "plaintext")
        );
    }
}
