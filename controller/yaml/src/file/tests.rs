use super::*;

fn file() -> File {
    let secret = 11..18;
    File { path: "etc/xos/config.yaml".into(), text: "a: ä\nkey: söcret\n".into(), secrets: vec![secret] }
}

#[test]
fn places_are_found_both_ways() {
    let file = file();
    for (at, place) in [(0, (1, 1)), (5, (1, 5)), (6, (2, 1)), (11, (2, 6)), (19, (3, 1)), (99, (3, 1))] {
        assert_eq!(file.line_column(at), place);
    }
    assert_eq!(file.offset(2, 6), 11);
    assert_eq!(file.offset(9, 9), 19);
}

#[test]
fn secrets_are_masked() {
    assert_eq!(file().line(12), (6, "key: *******".to_owned()));
}

#[test]
fn paths_are_relative_to_the_file() {
    assert_eq!(file().resolve("models"), Path::new("etc/xos/models"));
    assert_eq!(file().resolve("/opt/models"), Path::new("/opt/models"));
}
