//! `docs/reference/cli.md`: all commands, from what reads the command line.

use clap::{Arg, Command};

use super::{NOT_FOR_OPERATORS, command};
use crate::commands::Exit;
use crate::program::Program;
use crate::reference::{block, check, code, prose, table};

/// Returns the program's commands, as clap has completed them.
fn program() -> Command {
    let mut program = command(Program::Own, "xos");
    program.build();
    program
}

/// Returns the commands of a command, each with its full name and followed by its own.
fn all<'a>(parent: &'a Command, prefix: &str) -> Vec<(String, &'a Command)> {
    let mut found = vec![];
    for command in parent.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set()) {
        let name = format!("{prefix} {}", command.get_name());
        found.push((name.clone(), command));
        found.extend(all(command, &name));
    }
    found
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn help(argument: &Arg) -> String {
    argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default()
}

/// Returns the arguments of a command, without those that each one has.
fn arguments(command: &Command) -> impl Iterator<Item = &Arg> {
    let is_own = |argument: &&Arg| !["help", "version"].contains(&argument.get_id().as_str());
    command.get_arguments().filter(|argument| !argument.is_hide_set()).filter(is_own)
}

/// Returns an argument as it is written.
fn written(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let flags = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if !argument.get_action().takes_values() {
        return flags;
    }
    let names = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let values = names.collect::<Vec<_>>().join(" ");
    let several = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
    format!("{flags}{}{values}{}", if flags.is_empty() { "" } else { " " }, if several { "…" } else { "" })
}

fn row(argument: &Arg) -> [String; 3] {
    let takes_values = argument.get_action().takes_values();
    let defaults = argument.get_default_values().iter().filter(|_| takes_values);
    let defaults: Vec<_> = defaults.map(|value| code(&value.to_string_lossy())).collect();
    let default = if argument.is_required_set() { "required".to_owned() } else { defaults.join(", ") };
    let help = help(argument);
    let values = argument.get_possible_values();
    let are_in_help = values.iter().all(|value| help.contains(value.get_name()));
    let values = values.iter().filter(|value| !are_in_help && !value.is_hide_set()).map(|value| {
        let meaning = value.get_help().map(|help| format!(" ({})", prose(&help.to_string())));
        code(value.get_name()) + &meaning.unwrap_or_default()
    });
    let values = values.collect::<Vec<_>>().join(", ");
    let values = if values.is_empty() { values } else { format!(": {values}") };
    [code(&written(argument)), default, prose(&help) + &values]
}

/// Returns what stands below the help: paragraphs, and indented lines as code.
fn notes(command: &Command) -> String {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut notes = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut shown = vec![line.trim()];
        if line.starts_with("  ") {
            while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
                shown.push(line.trim());
            }
            notes += &format!("\n{}", block("sh", &shown.join("\n")));
        } else {
            notes += &format!("\n{}\n", prose(line));
        }
    }
    notes
}

fn section(name: &str, command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut text = format!("## {name}\n\n{}.\n\n{}", prose(&about(command)), block("text", &usage));
    let rows: Vec<_> = arguments(command).map(row).collect();
    if !rows.is_empty() {
        text += &format!("\n{}", table(["argument", "default", "meaning"], rows));
    }
    text + &notes(command)
}

/// Returns the table of the commands, without those that only have others in them.
fn summary(program: &Command) -> String {
    let does_something = |(_, command): &(String, &Command)| !command.is_subcommand_required_set();
    let rows = all(program, "xos").into_iter().filter(does_something).map(|(name, command)| {
        let first = name.split(' ').nth(1).unwrap_or_default();
        let is_listed = !NOT_FOR_OPERATORS.contains(&first);
        let link = format!("[{}](#{})", code(&name), name.replace(' ', "-"));
        [link, if is_listed { "yes" } else { "" }.to_owned(), prose(&about(command))]
    });
    table(["command", "in the help of `kubectl xos`", "what it does"], rows)
}

/// Returns the table of exit codes.
fn exits() -> String {
    let meaning = |exit| match exit {
        Exit::Success => "success",
        Exit::Failed => "the command did not succeed, or found something wrong",
        Exit::Usage => "wrong usage, or files that cannot be read",
        Exit::Refused => "`run` would refuse a change of the definitions (`xos crds --diff` only)",
    };
    let all = [Exit::Success, Exit::Failed, Exit::Usage, Exit::Refused];
    table(["code", "meaning"], all.map(|exit| [exit.code().to_string(), meaning(exit).to_owned()]))
}

#[test]
fn the_page_is_current() {
    let program = program();
    let sections: Vec<_> = all(&program, "xos").iter().map(|(name, command)| section(name, command)).collect();
    let text = format!(
        "# Command line\n\n\
         `xos`, and every program made with the framework, has these commands; a synchronizer's own program has its\n\
         models and steps built in. `kubectl xos` is the same program under the name `kubectl-xos`: its help lists\n\
         some of the commands, and the others work all the same. `-h` after a command prints its help,\n\
         `xos --version` the version.\n\n\
         {}\n\
         Exit codes, where a command says nothing else:\n\n\
         {}\n\
         {}",
        summary(&program),
        exits(),
        sections.join("\n"),
    );
    check("cli.md", &text);
}

#[test]
fn every_command_and_argument_says_what_it_does() {
    let program = program();
    let all = all(&program, "xos");
    assert!(all.len() > 20, "{}", all.len());
    for (name, command) in all {
        assert!(about(command).len() > 10, "{name} does not say what it does");
        for argument in arguments(command) {
            assert!(help(argument).len() > 4, "{name}: {argument} does not say what it means");
        }
    }
}
