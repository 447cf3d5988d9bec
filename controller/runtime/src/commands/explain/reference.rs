//! `docs/reference/diagnostics.md`: what `xos explain` tells of each code, and what is printed for its example.

use std::fs;
use std::path::Path;

use xos_xproto::diagnostics::{Explanation, Level};
use xos_xproto::{Sources, compile, render};

use super::{all, first_sentence};
use crate::config::Config;
use crate::reference::{block, check, prose, root, table};

/// The fixtures of the compiler. Each has what is printed for it in the comment at its end, which a test compares.
const FIXTURES: &str = "controller/xproto/tests/fixtures";

/// Returns what the codes are about that begin with these characters.
fn title(family: &str) -> &'static str {
    match family {
        "C0" => "Configuration",
        "D0" => "Documents",
        "F0" => "Paths",
        "T0" => "Test cases",
        "V0" => "Objects",
        "X0" => "Syntax",
        "X1" => "Parts of protobuf's language",
        "X2" => "Models",
        "X3" => "Fields",
        "X4" => "Options and choices",
        "X5" => "Links",
        "X6" => "Policies",
        other => panic!("no title for the codes {other}.."),
    }
}

fn family(explanation: &Explanation) -> &'static str {
    &explanation.code.as_str()[..2]
}

fn severity(explanation: &Explanation) -> &'static str {
    match explanation.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
        Level::XosRule => "warning; error with `--strict`",
    }
}

/// Returns an example with what is printed for it; nothing if no short text has the diagnostic.
fn example(explanation: &Explanation) -> Option<String> {
    let (files, printed) = match explanation.example() {
        None => (String::new(), printed_for_a_fixture(explanation)?),
        Some(text) if family(explanation) == "C0" => (block("yaml", &text), printed_for_a_configuration(&text)),
        Some(_) => {
            let files = explanation.example_files();
            let named = |(name, text): &(String, String)| match files.len() {
                1 => block("proto", text),
                _ => block("proto", &format!("// {name}\n{text}")),
            };
            (files.iter().map(named).collect::<Vec<_>>().join("\n"), printed_for_models(&files))
        }
    };
    let code = explanation.code;
    assert!(printed.contains(&format!("[{code}]: ")), "the example of {code} does not have it:\n{files}{printed}");
    let files = if files.is_empty() { files } else { format!("{files}\n") };
    Some(format!("{files}{}", block("text", &printed)))
}

fn printed_for_models(files: &[(String, String)]) -> String {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(name, text.as_str());
    }
    let printed = compile(&sources).diagnostics.iter().map(|one| render(one, &sources, false)).collect::<Vec<_>>();
    printed.join("\n\n")
}

fn printed_for_a_configuration(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.yaml");
    fs::write(&path, text).unwrap();
    let diagnostics = match Config::load(&[path], []) {
        Ok(loaded) => loaded.warnings,
        Err(error) => error.diagnostics,
    };
    let printed = diagnostics.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n\n");
    printed.replace(&format!("{}/", folder.path().display()), "")
}

/// Returns what is printed for the smallest fixture that has a diagnostic.
fn printed_for_a_fixture(explanation: &Explanation) -> Option<String> {
    let begins = format!("// error[{}]: ", explanation.code);
    let mut fixtures = vec![];
    collect(&root().join(FIXTURES), &mut fixtures);
    let texts = fixtures.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = texts.filter(|text| text.contains(&begins)).min_by_key(String::len)?;
    let lines = text.lines().skip_while(|line| !line.starts_with(&begins)).take_while(|line| *line != "//");
    Some(lines.map(|line| line.strip_prefix("// ").unwrap_or_default().to_owned() + "\n").collect())
}

fn collect(folder: &Path, texts: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, texts);
        } else {
            texts.push(fs::read(&path).unwrap());
        }
    }
}

/// Returns the message as a quotation; nothing if it is all values.
fn message(explanation: &Explanation) -> String {
    match explanation.message().as_str() {
        "…" => String::new(),
        message => format!("> {}: {}\n\n", explanation.level.severity(false), prose(message)),
    }
}

fn section(explanation: &Explanation) -> String {
    let (message, text) = (message(explanation), prose(&explanation.text()));
    let example = example(explanation).map(|example| format!("\n{example}")).unwrap_or_default();
    format!("### {}\n\n{message}{text}\n{example}", explanation.code)
}

/// Returns the codes of a family: a table, then each with its example.
fn chapter(family: &str, codes: &[Explanation]) -> String {
    let row = |one: &Explanation| {
        let (meaning, code) = (one.text(), one.code.as_str());
        [format!("[{code}](#{})", code.to_lowercase()), severity(one).to_owned(), prose(first_sentence(&meaning))]
    };
    let table = table(["code", "severity", "meaning"], codes.iter().map(row));
    let sections: String = codes.iter().map(|one| format!("\n{}", section(one))).collect();
    format!("\n## {}\n\n{table}{sections}", title(family))
}

/// Returns a line of the table of contents.
fn entry(family: &str) -> String {
    let title = title(family).to_lowercase();
    let anchor = title.replace(' ', "-").replace('\'', "");
    format!("- [`{family}..`: {title}](#{anchor})\n")
}

#[test]
fn the_page_is_current() {
    let all = all();
    let families: Vec<_> = all.chunk_by(|one, next| family(one) == family(next)).collect();
    let entries: String = families.iter().map(|codes| entry(family(&codes[0]))).collect();
    let chapters: String = families.iter().map(|codes| chapter(family(&codes[0]), codes)).collect();
    let text = format!(
        "# Errors and warnings\n\n\
         What `xos check`, `xos validate`, `xos test` and `xos run` say of models, configurations, documents, test cases\n\
         and objects, by code. A code means the same in every version. `xos explain CODE` prints the same text. In a message\n\
         `…` stands for a name or a value. `xos check --strict` makes errors of what XOS's own compiler refuses. A code without an example\n\
         needs more than a short text.\n\n\
         {entries}{chapters}"
    );
    check("diagnostics.md", &text);
}
