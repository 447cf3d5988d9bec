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

#[test]
fn kubectl_s_plugin_shows_what_is_for_operators() {
    let mut plugin = command(Program::Plugin, "example-synchronizer");
    let help = plugin.render_long_help().to_string();
    assert!(help.contains("Usage: kubectl xos <COMMAND>"), "{help}");
    for shown in ["tree", "why", "retry", "pause", "resume", "resync", "uninstall", "completion"] {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{shown} "))), "{shown}: {help}");
    }
    assert!(!help.contains("  crds "), "{help}");
    assert!(plugin.find_subcommand("crds").is_some(), "what is not shown works all the same");
    let all: Vec<_> = Cli::command().get_subcommands().map(|one| one.get_name().to_owned()).collect();
    assert!(NOT_FOR_OPERATORS.iter().all(|hidden| all.contains(&(*hidden).to_owned())), "{all:?}");
}

#[test]
fn kubectl_is_told_what_may_come_next() {
    let plugin = command(Program::Completer, "xos");
    let complete = |words: &[&str]| {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let answer = completion::complete(&plugin, &words);
        answer.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["re"]), ["retry", "resume", "resync", ":4"]);
    assert!(complete(&[""]).contains(&"tree".to_owned()) && !complete(&[""]).contains(&"crds".to_owned()));
    assert_eq!(complete(&["tree", "mymodel/ada", "--rev"]), ["--reverse", ":4"]);
    assert_eq!(complete(&["nothing", "like"]), [":4"]);
}

#[test]
fn objects_and_their_cluster_are_named_as_for_kubectl() {
    for line in [
        "xos why mymodel/ada -n east -o json",
        "xos why mymodel ada --format json",
        "xos tree mymodel/ada --reverse -o dot --context c --kubeconfig k",
        "xos retry mymodel ada grace -n east",
        "xos pause mymodel --all --only sync",
        "xos resync mymodel/ada --every 30m",
        "xos uninstall old --context c",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
    }
    for line in ["xos why", "xos tree a b c", "xos resync a/b --every soon", "xos pause a/b --only step"] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}
