//! `docs/tools.md`: what its commands print is what this program prints.

use std::fs;
use std::path::Path;

use super::*;
use crate::reference::root;

const PAGE: &str = "docs/tools.md";
/// Begins and ends the examples of commands, and a file that one of them reads.
const CONSOLE: &str = "```console\n";
const FILE: &str = "```yaml\n";
const FIRST_LINE: &str = "# mistakes.yaml\n";
const END: &str = "```\n";

/// Runs a command of the page in the root of the repository, and returns what it prints. `folder` is for new files.
fn printed(command: &str, folder: &Path) -> String {
    let (root, folder) = (root().display().to_string(), folder.display().to_string());
    let word = |word: &str| match word {
        ".." => folder.clone(),
        "mistakes.yaml" => format!("{folder}/{word}"),
        path if path.starts_with("config/") => format!("{root}/{path}"),
        other => other.to_owned(),
    };
    let cli = Cli::try_parse_from(command.split_whitespace().map(word)).unwrap_or_else(|error| panic!("{error}"));
    let mut out = vec![];
    dispatch(cli.command, &Synchronizer::new("xos"), Program::Own, &mut out)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let text = String::from_utf8(out).unwrap();
    text.replace(&format!("{root}/"), "").replace(&format!("{folder}/mistakes"), "mistakes").replace(&folder, "..")
}

#[test]
fn the_page_shows_what_is_printed() {
    let path = root().join(PAGE);
    let page = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_, mistakes) = page.split_once(&format!("{FILE}{FIRST_LINE}")).unwrap();
    let mistakes = format!("{FIRST_LINE}{}", mistakes.split_once(END).unwrap().0);
    fs::write(folder.path().join("mistakes.yaml"), mistakes).unwrap();
    let mut parts = page.split(CONSOLE);
    let mut text = parts.next().unwrap().to_owned();
    let mut examples = 0;
    for part in parts {
        let (example, rest) = part.split_once(END).unwrap();
        let command = example.lines().next().unwrap();
        let output = printed(command.strip_prefix("$ ").unwrap(), folder.path());
        text += &format!("{CONSOLE}{command}\n{output}{END}{rest}");
        examples += 1;
    }
    assert!(examples > 6, "{examples}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    assert!(text == page, "{PAGE} is not current: run `make reference`\n{text}");
}
