use super::*;

fn asked(code: Option<&str>) -> ExplainArgs {
    ExplainArgs { code: code.map(str::to_owned) }
}

fn text(code: Option<&str>) -> String {
    let mut out = Vec::new();
    run(&asked(code), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_code_is_explained_with_an_example() {
    let expected = "X012 (error)\n\nA `}` closes nothing. Remove it, or look for a missing `{` above.\n\n\
                    For example:\n\n    message Site {}\n    }\n";
    for code in ["X012", "x012", "X12", "12", "[X012]"] {
        assert_eq!(text(Some(code)), expected, "{code}");
    }
    assert!(text(Some("X308")).starts_with("X308 (warning)\n"));
    assert!(text(Some("C005")).starts_with("C005 (error)\n"));
}

#[test]
fn all_codes_are_listed_with_a_line_each() {
    let list = text(None);
    assert!(list.lines().count() > 100);
    assert!(list.lines().any(|line| line == "X012  error    A `}` closes nothing."), "{list}");
    assert!(list.lines().all(|line| line.ends_with('.')), "{list}");
    assert!(list.lines().any(|line| line.starts_with("C001  error")));
}

#[test]
fn no_code_is_declared_twice() {
    let all = all();
    let codes: std::collections::BTreeSet<_> = all.iter().map(|explanation| explanation.code).collect();
    assert_eq!(codes.len(), all.len());
}

#[test]
fn an_unknown_code_is_a_usage_error_with_a_suggestion() {
    for (code, message) in [
        ("Y308", "there is no code `Y308`; did you mean `X308`?; `xos explain` lists them all"),
        ("nothing", "there is no code `nothing`; `xos explain` lists them all"),
        ("", "there is no code ``; `xos explain` lists them all"),
        ("ä", "there is no code `ä`; `xos explain` lists them all"),
    ] {
        let error = run(&asked(Some(code)), &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn lines_are_not_too_long() {
    for explanation in all() {
        let lines = wrapped(&explanation.text());
        assert!(lines.iter().all(|line| !line.is_empty() && line.chars().count() <= WIDTH), "{lines:?}");
        assert_eq!(lines.join(" "), explanation.text());
    }
}
