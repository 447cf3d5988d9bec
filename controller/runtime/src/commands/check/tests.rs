use std::fs;

use super::*;
use crate::config::Config;

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
fn what_is_wrong_with_paths_is_found_like_the_rest() {
    let empty = folder(&[("c.txt", "")]);
    let good = folder(&[("a.xproto", VALID)]);
    for (path, code, message) in [
        (empty.path().join("none.xproto"), "F001", "cannot read this: "),
        (empty.path().join("none.yaml"), "F001", "cannot read this: "),
        (empty.path().join("c.txt"), "F003", "this is neither an .xproto nor a .yaml file"),
        (empty.path().into(), "F002", "there is no .xproto file in this folder"),
    ] {
        let paths = [path.clone(), good.path().into()];
        let (exit, text) = checked(&paths, Format::Text);
        assert_eq!(exit, Exit::Usage);
        let place = format!("error[{code}]: {message}");
        assert!(text.contains(&place) && text.contains(&path.display().to_string()), "{text}");
        assert!(text.ends_with("1 file, 1 model: 1 error, 0 warnings\n"), "{text}");
        let (exit, text) = checked(&paths, Format::Json);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let found = &json["diagnostics"][0];
        assert_eq!((exit, &json["errors"], &found["code"]), (Exit::Usage, &1.into(), &code.into()));
        assert_eq!(found["file"], path.display().to_string());
    }
}

#[test]
fn standard_input_is_a_file_of_the_set() {
    let folder = folder(&[("a.xproto", VALID)]);
    let paths = vec![folder.path().to_owned(), PathBuf::from("-")];
    let args = CheckArgs { paths, strict: false, format: Format::Json };
    let mut out = Vec::new();
    let exit = run_on(&args, &mut WRONG.as_bytes(), &mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let found = &json["diagnostics"][0];
    assert_eq!((exit, &found["file"], &found["code"]), (Exit::Failed, &"<standard input>".into(), &"X201".into()));
    assert_eq!(found["help"], "did you mean `Site`?");
}

#[test]
fn folders_in_folders_are_looked_into() {
    let folder = folder(&[]);
    for (name, text) in
        [("one/a.xproto", VALID), ("one/two/b.xproto", WRONG), (".git/c.xproto", "}"), ("target/d.xproto", "}")]
    {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    std::os::unix::fs::symlink(folder.path(), folder.path().join("one/again")).unwrap();
    let (_, text) = checked(&[folder.path().into()], Format::Text);
    assert!(
        text.contains("one/two/b.xproto:2:15") && text.ends_with("2 files, 2 models: 1 error, 1 warning\n"),
        "{text}"
    );
}

#[test]
fn programs_get_the_second_place() {
    let text = format!("{VALID}message Site (XOSBase) {{}}\n");
    let folder = folder(&[("a.xproto", &text)]);
    let (_, text) = checked(&[folder.path().into()], Format::Json);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let related = &json["diagnostics"][0]["related"][0];
    assert_eq!((&related["message"], &related["range"]["start"]["line"]), (&"first declared here".into(), &2.into()));
    assert_eq!(related["file"], folder.path().join("a.xproto").display().to_string());
}

#[test]
fn warnings_of_the_original_core_are_counted_only() {
    let core = "option app_label = \"core\"; option name = \"core\";\nmessage XOSBase {}\n\
                message User (XOSBase) { required string email = 1; }\nmessage Site (XOSBase, AttributeMixin) {}\n\
                message Service (XOSBase) {}\n";
    let mine = "option app_label = \"a\"; option name = \"a\"; message A (Service) { required string a = 1; }";
    let folder = folder(&[("core.xproto", core), ("mine.xproto", mine)]);
    let (exit, text) = checked(&[folder.path().into()], Format::Text);
    assert!(text.contains("string field `a`") && !text.contains("core.xproto"), "{text}");
    let counts = "2 files, 5 models: 0 errors, 1 warning (2 warnings of XOS's own files not shown)\n";
    assert!(exit == Exit::Success && text.ends_with(counts), "{text}");
    let strict = CheckArgs { paths: vec![folder.path().into()], strict: true, format: Format::Text };
    assert!(checked_with(&strict).1.contains("core.xproto"), "all that is wrong is shown on demand");
}

#[test]
fn the_models_of_a_configuration_are_checked_as_strictly() {
    let text = "option app_label = \"a\";\nmessage Site (XOSBase) {\n\
                required string a = 1;\nrequired int32 b = 2 [blank = True, default = None];\n}\n";
    let config = "name: a\nmodels_dir: models\nsteps_dir: steps\n";
    let folder = folder(&[("config.yaml", config)]);
    for (below, name, text) in [("models", "a.xproto", text), ("steps", "none.yaml", "")] {
        fs::create_dir(folder.path().join(below)).unwrap();
        fs::write(folder.path().join(below).join(name), text).unwrap();
    }
    for (strict, status) in [(false, Exit::Success), (true, Exit::Failed)] {
        let args = CheckArgs { paths: vec![folder.path().join("config.yaml")], strict, format: Format::Text };
        let (found, text) = checked_with(&args);
        assert_eq!((found, text.contains("error[X308]")), (status, strict), "{text}");
    }
}

#[test]
fn a_folder_of_a_container_is_a_warning() {
    let here =
        folder(&[("c.yaml", "name: c\nmodels_dir: /opt/xos/nowhere\n"), ("d.yaml", "name: c\nmodels_dir: nowhere\n")]);
    let (exit, text) = checked(&[here.path().join("c.yaml")], Format::Text);
    assert!(exit == Exit::Success && text.contains("warning[C008]: `models_dir` names /opt/xos/nowhere"), "{text}");
    assert!(text.contains("unless it is a path of the container"), "{text}");
    let (exit, text) = checked(&[here.path().join("d.yaml")], Format::Text);
    assert!(exit == Exit::Failed && text.contains("error[C008]"), "{text}");
    let error = Config::load(&[here.path().join("c.yaml")], []).unwrap_err().to_string();
    assert!(error.contains("error[C008]") && error.contains("which is not a folder"), "{error}");
}

#[test]
fn properties_are_checked_with_the_models() {
    let folder = folder(&[("a.xproto", VALID)]);
    let convenience = folder.path().join("convenience");
    fs::create_dir(&convenience).unwrap();
    fs::write(convenience.join("site.yaml"), "Site:\n  twice: self.a * 2\n").unwrap();
    let all = [folder.path().to_owned()];
    assert_eq!(checked(&all, Format::Text), (Exit::Success, "2 files, 1 model: no problems found\n".to_owned()));
    fs::write(convenience.join("site.yaml"), "Site:\n  twice: self.b * 2\n").unwrap();
    fs::write(convenience.join("site.py"), "class ORMWrapperSite: pass\n").unwrap();
    let (exit, text) = checked(&all, Format::Text);
    assert!(text.contains("error[D037]: model Site has no field or link `b`"), "{text}");
    assert!(text.contains("site.yaml:2:15"), "{text}");
    assert!(text.contains("error[D031]") && exit == Exit::Failed, "{text}");
    // By the name of the file, with the models beside it.
    let named = [folder.path().join("a.xproto"), convenience.join("site.yaml")];
    assert!(checked(&named, Format::Text).1.contains("error[D037]"));
}
