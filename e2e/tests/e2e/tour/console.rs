//! The `console` blocks of a Markdown text: commands, and what they print.

/// A command with the output that is shown for it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// The line of the text that it stands in.
    pub(super) line: usize,
    pub(super) command: String,
    pub(super) shown: Vec<String>,
}

/// Returns the commands of a section, in order.
pub(super) fn read(text: &str, section: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    let mut is_in_section = false;
    let mut is_in_console = false;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("## ") {
            is_in_section = line == section;
        } else if line.starts_with("```") {
            is_in_console = is_in_section && line == "```console";
        } else if is_in_console {
            match line.strip_prefix("$ ") {
                Some(command) => steps.push(Step { line: at + 1, command: command.to_owned(), shown: vec![] }),
                None => steps.last_mut().expect("a block begins with a command").shown.push(line.to_owned()),
            }
        }
    }
    steps
}

/// Returns a text with what differs from run to run replaced by its kind, and with single spaces: columns are as wide
/// as what is in them.
pub(super) fn plain(text: &str) -> String {
    let lines = text.trim().lines().map(|line| {
        let mut words: Vec<String> = vec![];
        for word in line.split_whitespace() {
            let is_counted = words.last().is_some_and(|last| last == "attempt");
            words.push(if is_counted && is_number(word) { "<n>".to_owned() } else { kind(word) });
        }
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn kind(word: &str) -> String {
    if is_moment(word) {
        return "<moment>".to_owned();
    }
    let is_age = ["ms", "s", "m"].iter().any(|unit| word.strip_suffix(unit).is_some_and(is_number));
    if is_age { "<age>".to_owned() } else { word.to_owned() }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())
}

/// As `2026-11-23T09:32:22Z`, with or without parts of a second.
fn is_moment(word: &str) -> bool {
    const SHAPE: &str = "dddd-dd-ddTdd:dd:dd";
    let fits = |(c, shape): (char, char)| if shape == 'd' { c.is_ascii_digit() } else { c == shape };
    word.len() > SHAPE.len() && word.ends_with('Z') && word.chars().zip(SHAPE.chars()).all(fits)
}

#[test]
fn commands_are_read_with_what_they_print() {
    let text = "## A\n```console\n$ one\n```\n## B\n```console\n$ two\nx\n\ny\n$ three\n```\n```text\n$ four\n```\n";
    let step = |line, command: &str, shown: &[&str]| Step {
        line,
        command: command.to_owned(),
        shown: shown.iter().map(|&line| line.to_owned()).collect(),
    };
    assert_eq!(read(text, "## B"), [step(7, "two", &["x", "", "y"]), step(11, "three", &[])]);
}

#[test]
fn what_differs_from_run_to_run_is_compared_by_kind() {
    assert_eq!(plain("ada   True  1s  \n"), plain("ada True 12m"));
    assert_eq!(plain("attempt 3 at 2026-11-23T09:32:22Z"), plain("attempt 12 at 2027-01-02T00:00:00.123456Z"));
    assert_ne!(plain("2 files"), plain("3 files"));
    assert_ne!(plain("ada True"), plain("ada False"));
}
