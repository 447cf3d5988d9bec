use super::*;

const SITE: &str = "option app_label = \"a\"; message Site (XOSBase) { required int32 size = 1; }";

fn synchronizer(text: &str) -> Synchronizer {
    let models = if text.is_empty() { Vec::new() } else { vec![("site.xproto".to_owned(), text.to_owned())] };
    Synchronizer { models, ..Synchronizer::new("sites") }
}

fn print(text: &str, paths: &[PathBuf]) -> Result<String, ProtoError> {
    let args = ProtoArgs { paths: paths.to_vec(), output: None };
    let mut out = Vec::new();
    run(&synchronizer(text), &args, &mut out).map(|_| String::from_utf8(out).unwrap())
}

#[test]
fn models_become_a_proto_file() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("site.xproto");
    let output = folder.path().join("xos.proto");
    fs::write(&models, SITE).unwrap();
    let printed = print("", std::slice::from_ref(&models)).unwrap();
    assert!(printed.contains("        int32 size = 101;"), "{printed}");
    assert_eq!(print(SITE, &[]).unwrap(), printed, "models that are built in");
    let args = ProtoArgs { paths: vec![models], output: Some(output.clone()) };
    run(&synchronizer(""), &args, &mut io::sink()).unwrap();
    assert_eq!(fs::read_to_string(output).unwrap(), printed);
}

#[test]
fn errors_have_their_exit_codes() {
    let usage = |result: Result<String, ProtoError>| result.unwrap_err().exit() == Exit::Usage;
    assert!(usage(print("", &[])));
    assert!(usage(print("", &["nowhere.xproto".into()])));
    assert!(!usage(print("message", &[])));
    let taken = print(&SITE.replace("Site", "Query"), &[]).unwrap_err();
    assert!(taken.to_string().contains("`Query`"), "{taken}");
}
