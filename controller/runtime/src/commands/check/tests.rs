use std::fs;

use super::*;

const VALID: &str = "option app_label = \"a\";\nmessage Site (XOSBase) { required int32 a = 1; }\n";
const WRONG: &str = "option app_label = \"a\";\nmessage Port (Sitte) { required string a = 1; }\n";

/// A folder with those files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn checked(paths: &[PathBuf], format: Format) -> (Exit, String) {
    checked_with(&CheckArgs { paths: paths.to_vec(), strict: false, format })
}

fn checked_with(args: &CheckArgs) -> (Exit, String) {
    let mut out = Vec::new();
    let exit = run(args, &mut out).unwrap();
    (exit, String::from_utf8(out).unwrap())
}

#[test]
fn all_models_of_a_folder_are_one_set() {
    let folder =
        folder(&[("a.xproto", VALID), ("b.xproto", "option app_label = \"b\"; message B (Site) {}"), ("c.txt", "")]);
    let (status, text) = checked(&[folder.path().into(), folder.path().join("a.xproto")], Format::Text);
    assert_eq!((status, text.as_str()), (Exit::Success, "2 files, 2 models: no problems found\n"));
}

#[test]
fn errors_and_warnings_are_shown_and_counted() {
    let folder = folder(&[("a.xproto", VALID), ("b.xproto", WRONG)]);
    let (status, text) = checked(&[folder.path().into()], Format::Text);
    assert_eq!(status, Exit::Failed);
    assert!(text.contains("error[X201]") && text.contains("did you mean `Site`?"), "{text}");
    assert!(text.ends_with("\n2 files, 2 models: 1 error, 1 warning\n"), "{text}");
}

#[test]
fn the_rules_of_xos_on_options_are_errors_on_demand() {
    let text = "option app_label = \"a\";\nmessage Site (XOSBase) {\n\
                required string a = 1;\nrequired int32 b = 2 [blank = True, default = None];\n}\n";
    let folder = folder(&[("a.xproto", text)]);
    for (strict, status, counts) in
        [(false, Exit::Success, "0 errors, 3 warnings"), (true, Exit::Failed, "2 errors, 1 warning")]
    {
        let (found, text) =
            checked_with(&CheckArgs { paths: vec![folder.path().into()], strict, format: Format::Text });
        assert_eq!(found, status);
        assert!(text.ends_with(&format!("1 file, 1 model: {counts}\n")), "{text}");
        assert_eq!(text.contains("error[X308]") && text.contains("error[X402]"), strict, "{text}");
        assert!(text.contains("warning[X408]"), "{text}");
    }
}

#[test]
fn programs_get_one_object() {
    let folder = folder(&[("b.xproto", WRONG), ("c.yaml", "name: c\nnames: d\n")]);
    let (status, text) = checked(&[folder.path().join("b.xproto"), folder.path().join("c.yaml")], Format::Json);
    assert_eq!(status, Exit::Failed);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["errors"], &json["warnings"]), (&1.into(), &2.into()));
    assert_eq!(json["diagnostics"][0]["code"], "X201");
    assert_eq!(json["diagnostics"][0]["range"]["start"], serde_json::json!({"line": 2, "column": 15}));
    assert_eq!(json["diagnostics"][2]["code"], "C006");
}

#[test]
fn configurations_are_overlaid() {
    let folder = folder(&[("a.yaml", "concurrency: 4\n"), ("b.yml", "name: b\n")]);
    let (status, text) = checked(&[folder.path().join("a.yaml"), folder.path().join("b.yml")], Format::Text);
    assert_eq!((status, text.as_str()), (Exit::Success, "2 files: no problems found\n"));
    let (status, text) = checked(&[folder.path().join("a.yaml")], Format::Text);
    assert_eq!(status, Exit::Failed);
    assert!(
        text.contains("error[C005]: `name` is missing") && text.ends_with("1 file: 1 error, 0 warnings\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_checked_is_a_usage_error() {
    let folder = folder(&[("c.txt", "")]);
    for (path, message) in [
        (folder.path().join("none.xproto"), "cannot read "),
        (folder.path().join("none.yaml"), "cannot read "),
        (folder.path().join("c.txt"), "is neither an .xproto nor a .yaml file"),
        (folder.path().into(), "there is no .xproto file in "),
    ] {
        let error =
            run(&CheckArgs { paths: vec![path], strict: false, format: Format::Text }, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
}
