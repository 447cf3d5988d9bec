use super::*;

fn args(name: &str, parent: &Path) -> NewArgs {
    NewArgs {
        name: name.to_owned(),
        base: Base::default(),
        parent: parent.to_owned(),
        yaml: false,
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

/// A service of documents is right as it is written: its configuration, models and documents, and its object.
#[test]
fn a_service_of_documents_has_no_problems() {
    use clap::{Parser, ValueEnum as _};

    use super::super::{check, test, validate};
    use crate::synchronizer::Synchronizer;

    #[derive(Parser)]
    struct Check {
        #[command(flatten)]
        args: check::CheckArgs,
    }
    #[derive(Parser)]
    struct Validate {
        #[command(flatten)]
        args: validate::ValidateArgs,
    }

    #[derive(Parser)]
    struct Test {
        #[command(flatten)]
        args: test::TestArgs,
    }

    for base in Base::value_variants() {
        let parent = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        run(&NewArgs { base: *base, yaml: true, ..args("my-spy", parent.path()) }, &mut out).unwrap();
        let folder = parent.path().join("my-spy");
        let printed = String::from_utf8(out).unwrap();
        assert!(printed.contains("my-spy: a service of documents with 6 files. Next:\n  cd "), "{printed}");
        for file in [
            "README.md",
            "config.yaml",
            "models/my-spy.xproto",
            "objects.yaml",
            "steps/my-spy.yaml",
            "tests/my-spy.test.yaml",
        ] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains("{{") && text.ends_with('\n') && !text.ends_with("\n\n"), "{file}:\n{text}");
        }
        let path = |name: &str| folder.join(name).display().to_string();
        let mut out = Vec::new();
        let line = ["check".to_owned(), path("config.yaml")];
        check::run(&Check::parse_from(line).args, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "3 files, 1 model: no problems found\n", "{base:?}");
        let mut out = Vec::new();
        let line = ["test".to_owned(), folder.display().to_string()];
        let exit = test::run(&Synchronizer::new("xos"), &Test::parse_from(line).args, &mut out).unwrap();
        let printed = String::from_utf8(std::mem::take(&mut out)).unwrap();
        assert!(exit == Exit::Success && printed.ends_with("\n2 cases: all passed\n"), "{base:?}: {printed}");
        let line = ["validate".to_owned(), path("objects.yaml")];
        validate::run(&Synchronizer::new("xos"), &Validate::parse_from(line).args, &mut out).unwrap();
        let objects = if *base == Base::ServiceInstance { "2 objects" } else { "1 object" };
        assert_eq!(String::from_utf8(out).unwrap(), format!("{objects}: no problems found\n"), "{base:?}");
    }
}
