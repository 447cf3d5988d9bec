use super::*;

fn args(name: &str, parent: &Path) -> NewArgs {
    NewArgs {
        name: name.to_owned(),
        base: Base::default(),
        parent: parent.to_owned(),
        framework: FrameworkArgs::default(),
    }
}

#[test]
fn a_folder_that_is_there_is_left_alone() {
    let parent = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    assert_eq!(run(&args("spy", parent.path()), &mut out).unwrap(), Exit::Success);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("spy: a service with 16 files. Next:\n  cd "), "{text}");
    assert!(parent.path().join("spy/src/steps.rs").is_file());

    fs::write(parent.path().join("spy/Cargo.toml"), "mine").unwrap();
    let error = run(&args("spy", parent.path()), &mut vec![]).unwrap_err();
    assert!(error.to_string().ends_with("spy is there already: take another name, or remove it"), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
    assert_eq!(fs::read_to_string(parent.path().join("spy/Cargo.toml")).unwrap(), "mine");
}

#[test]
fn a_bad_name_writes_nothing() {
    let parent = tempfile::tempdir().unwrap();
    assert!(matches!(run(&args("a b", parent.path()), &mut vec![]), Err(NewError::Name(_))));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[test]
fn the_page_for_authors_shows_what_is_printed() {
    let parent = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    run(&NewArgs { base: Base::ServiceInstance, ..args("voip", parent.path()) }, &mut out).unwrap();
    let printed = String::from_utf8(out).unwrap().replace(parent.path().to_str().unwrap(), "..");
    let page = include_str!("../../../../../docs/writing-a-service.md");
    assert!(
        page.contains(&format!("$ target/debug/xos new voip --base ServiceInstance --parent ..\n{printed}```\n")),
        "{printed}"
    );
}
