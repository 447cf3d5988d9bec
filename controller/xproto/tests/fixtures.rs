//! Every file under `tests/fixtures` is compiled, and what comes out is compared with the comment at its end.
//!
//! A folder `*.set` is one set of several files. Below `models/` the comment shows the models too.
//! `UPDATE_EXPECT=1 cargo test -p xos-xproto` rewrites the comments.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use xos_xproto::{Compiled, Field, FieldState, Model, SourceId, Sources, compile, render};

/// Begins what is expected; what stands above it is compiled.
const MARK: &str = "// ---- expected\n";

#[test]
fn fixtures_give_what_their_comments_say() {
    let mut wrong = Vec::new();
    for set in sets() {
        wrong.extend(check(&set));
    }
    assert!(wrong.is_empty(), "differs (UPDATE_EXPECT=1 rewrites):\n{}", wrong.join("\n"));
}

/// The documentation of each code is the manual; a fixture shows it at work.
#[test]
fn every_code_has_a_fixture() {
    // Limits, which the unit tests reach.
    const WITHOUT: [&str; 4] = ["X002", "X016", "X211", "X212"];
    let shown: String = sets().iter().flatten().map(|path| read(path)).collect();
    let documented = documented_codes();
    assert!(documented.len() > 40);
    let missing: Vec<_> = documented
        .iter()
        .filter(|code| !WITHOUT.contains(&code.as_str()) && !shown.contains(&format!("[{code}]")))
        .collect();
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}

fn documented_codes() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnostics");
    let text: String = files(&folder, "rs").iter().map(|path| read(path)).collect();
    text.lines().filter_map(|line| line.trim().strip_prefix("/// `X")?.get(..3).map(|n| format!("X{n}"))).collect()
}

/// The fixtures, each with its files.
fn sets() -> Vec<Vec<PathBuf>> {
    let mut sets: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"), "xproto") {
        let folder = path.parent().unwrap().to_path_buf();
        let is_set = folder.extension().is_some_and(|extension| extension == "set");
        sets.entry(if is_set { folder } else { path.clone() }).or_default().push(path);
    }
    sets.into_values().collect()
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

fn check(set: &[PathBuf]) -> Vec<String> {
    let mut sources = Sources::new();
    let inputs: Vec<_> = set.iter().map(|path| input(path)).collect();
    let ids: Vec<_> = set
        .iter()
        .zip(&inputs)
        .map(|(path, (text, _))| sources.add(path.file_name().unwrap().to_string_lossy(), text.clone()))
        .collect();
    let compiled = compile(&sources);
    let mut wrong = Vec::new();
    for ((path, (text, expected)), id) in set.iter().zip(inputs).zip(ids) {
        let with_models = path.components().any(|part| part.as_os_str() == "models");
        let actual = comment(&sources, &compiled, id, with_models);
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(path, [text.as_slice(), MARK.as_bytes(), actual.as_bytes()].concat()).unwrap();
        } else {
            wrong.push(format!("{}\n--- expected\n{expected}--- actual\n{actual}", path.display()));
        }
    }
    wrong
}

/// What is compiled, and what is expected of it.
fn input(path: &Path) -> (Vec<u8>, String) {
    let bytes = fs::read(path).unwrap();
    let mark = MARK.as_bytes();
    match bytes.windows(mark.len()).position(|window| window == mark) {
        Some(at) => (bytes[..at].to_vec(), String::from_utf8_lossy(&bytes[at + mark.len()..]).into_owned()),
        None => (bytes, String::new()),
    }
}

fn comment(sources: &Sources, compiled: &Compiled, id: SourceId, with_models: bool) -> String {
    let mine = compiled.diagnostics.iter().filter(|diagnostic| diagnostic.primary.source == id);
    let mut parts: Vec<_> = mine.map(|diagnostic| render(diagnostic, sources, false)).collect();
    if parts.is_empty() {
        parts.push("no diagnostics".to_owned());
    }
    if with_models {
        parts.extend(compiled.models.iter().filter(|model| model.span.source == id).map(describe));
    }
    let lines = parts.iter().flat_map(|part| part.lines().chain([""]));
    lines.map(|line| format!("// {line}").trim_end().to_owned() + "\n").collect()
}

fn describe(model: &Model) -> String {
    let head = format!(
        "{}{} ({}) \"{}\" in {}{}: {}",
        if model.is_abstract { "abstract " } else { "" },
        model.name,
        model.plural,
        model.verbose_name,
        model.app_label,
        model.service_name.as_ref().map(|name| format!(" of {name}")).unwrap_or_default(),
        model.ancestry.join(" > "),
    );
    let policy = model.access_policy.as_ref().map(|policy| format!("  policy {policy}"));
    let doc = model.doc.as_ref().map(|doc| format!("  doc {doc:?}"));
    let inherited = model.fields.len() - model.own_fields().count();
    let inherited = (inherited > 0).then(|| format!("  {inherited} inherited fields"));
    let fields = model.own_fields().map(describe_field);
    [head].into_iter().chain(policy).chain(doc).chain(inherited).chain(fields).collect::<Vec<_>>().join("\n")
}

fn describe_field(field: &Field) -> String {
    let modifier = if field.required { "required" } else { "optional" };
    let mut words = vec![format!("  {modifier} {} {} = {}", field.ty.keyword(), field.name, field.number)];
    words.extend(field.null.then(|| "null".to_owned()));
    words.extend((field.state != FieldState::Declarative).then(|| format!("{:?}", field.state)));
    words.extend(field.content_type.map(|content_type| format!("{content_type:?}")));
    words.extend(field.default.as_ref().map(|default| format!("default {default:?}")));
    words.extend(field.max_length.map(|max| format!("length {max}")));
    words.extend(field.min_value.map(|min| format!("min {min}")));
    words.extend(field.max_value.map(|max| format!("max {max}")));
    words.extend(field.help_text.as_ref().map(|help| format!("help {help:?}")));
    words.join(", ")
}
