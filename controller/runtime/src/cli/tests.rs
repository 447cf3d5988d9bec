use std::path::PathBuf;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn overlays_are_given_by_repeating_the_option() {
    let cli = Cli::try_parse_from(["xos", "run", "--config", "a", "--config", "b"]).unwrap();
    let Command::Run(run) = cli.command else { panic!("not run") };
    assert_eq!(run.config, [PathBuf::from("a"), PathBuf::from("b")]);
    assert_eq!(Cli::try_parse_from(["xos", "run"]).unwrap_err().exit_code(), 2);
}

#[test]
fn differences_are_printed_not_written() {
    assert!(Cli::try_parse_from(["xos", "crds", "--diff", "--format", "json", "m.xproto"]).is_ok());
    assert!(Cli::try_parse_from(["xos", "crds", "--diff", "--output", "folder"]).is_err());
    assert!(Cli::try_parse_from(["xos", "crds", "--format", "json"]).is_err());
}
