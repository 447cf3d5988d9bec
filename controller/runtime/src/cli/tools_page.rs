//! `docs/tools.md` and the pages of single tools: what their commands print is what this program prints.

use std::fs;
use std::path::Path;

use super::*;
use crate::reference::root;

/// The pages, with how many examples each has at least.
const PAGES: [(&str, usize); 3] = [("docs/tools.md", 7), ("docs/testing-documents.md", 2), ("docs/plan.md", 2)];
/// Begins and ends the examples of commands, and files that they read: these begin with their name.
const CONSOLE: &str = "```console\n";
const FILE: &str = "```yaml\n# ";
const END: &str = "```\n";

/// Writes the files of a page to a folder. Returns their names.
fn files(page: &str, folder: &Path) -> Vec<String> {
    let mut names = vec![];
    for part in page.split(FILE).skip(1) {
        let (name, rest) = part.split_once('\n').unwrap();
        if name.ends_with(".yaml") && !name.contains([' ', '/']) {
            let text = rest.split_once(END).unwrap().0;
            fs::write(folder.join(name), format!("# {name}\n{text}")).unwrap();
            names.push(name.to_owned());
        }
    }
    names
}

/// Runs a command of a page in the root of the repository, and returns what it prints. `folder` is for new files, and has
/// those of the page.
fn printed(command: &str, folder: &Path, files: &[String]) -> String {
    let (root, folder) = (root().display().to_string(), folder.display().to_string());
    let word = |word: &str| match word {
        ".." => folder.clone(),
        name if files.iter().any(|file| file == name) => format!("{folder}/{name}"),
        path if path.starts_with("config/") => format!("{root}/{path}"),
        other => other.to_owned(),
    };
    let cli = Cli::try_parse_from(command.split_whitespace().map(word)).unwrap_or_else(|error| panic!("{error}"));
    let mut out = vec![];
    dispatch(cli.command, &Synchronizer::new("xos"), Program::Own, &mut out)
        .unwrap_or_else(|error| panic!("{error:?}"));
    let mut text = String::from_utf8(out).unwrap().replace(&format!("{root}/"), "");
    for file in files {
        text = text.replace(&format!("{folder}/{file}"), file);
    }
    text.replace(&folder, "..")
}

fn compare(name: &str, least: usize) {
    let path = root().join(name);
    let page = fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = files(&page, folder.path());
    let mut parts = page.split(CONSOLE);
    let mut text = parts.next().unwrap().to_owned();
    let mut examples = 0;
    for part in parts {
        let (example, rest) = part.split_once(END).unwrap();
        let command = example.lines().next().unwrap();
        let output = printed(command.strip_prefix("$ ").unwrap(), folder.path(), &files);
        text += &format!("{CONSOLE}{command}\n{output}{END}{rest}");
        examples += 1;
    }
    assert!(examples >= least, "{name}: {examples}");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).unwrap();
        return;
    }
    assert!(text == page, "{name} is not current: run `make reference`\n{text}");
}

#[test]
fn the_pages_show_what_is_printed() {
    for (page, examples) in PAGES {
        compare(page, examples);
    }
}

#[test]
fn the_page_of_test_cases_shows_a_real_file() {
    let page = fs::read_to_string(root().join("docs/testing-documents.md")).unwrap();
    let file = fs::read_to_string(root().join("config/people/tests/people.test.yaml")).unwrap();
    let first = file.split("---\n").next().unwrap();
    assert!(page.contains(&format!("```yaml\n{first}```\n")), "docs/testing-documents.md should have\n{first}");
}
