//! Every file under `tests/fixtures` is compiled, and what comes out is compared with the comment at its end.
//!
//! A folder `*.set` is one set of several files. Below `models/` the comment shows the models too.
//! `UPDATE_EXPECT=1 cargo test -p xos-xproto` rewrites the comments.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use xos_xproto::diagnostics::explanations;
use xos_xproto::{
    Choice, Compiled, Field, FieldState, Link, Member, Model, Reverse, ReverseLink, SourceId, Sources, compile, render,
};

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

#[test]
fn every_code_has_a_fixture() {
    // Limits, which the unit tests reach.
    const WITHOUT: [&str; 8] = ["X002", "X016", "X211", "X212", "X214", "X215", "X428", "X614"];
    let found: BTreeSet<String> =
        sets().iter().flat_map(|set| compiled(set).1.diagnostics).map(|one| one.code().to_string()).collect();
    let mut missing: Vec<_> = explanations().iter().map(|one| one.code.as_str()).collect();
    missing.retain(|code| !WITHOUT.contains(code) && !found.contains(*code));
    assert!(missing.is_empty(), "no fixture shows {missing:?}");
}

/// Returns the fixtures, each with its files.
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

/// Compiles the files of a set, without what is expected of them.
fn compiled(set: &[PathBuf]) -> (Sources, Compiled) {
    let mut sources = Sources::new();
    for path in set {
        sources.add(path.file_name().unwrap().to_string_lossy(), input(path).0);
    }
    let compiled = compile(&sources);
    (sources, compiled)
}

fn check(set: &[PathBuf]) -> Vec<String> {
    let (sources, compiled) = compiled(set);
    let mut wrong = Vec::new();
    let ids: Vec<_> = sources.iter().map(|(id, _)| id).filter(|id| *id != SourceId::BUILT_IN).collect();
    for (path, id) in set.iter().zip(ids) {
        let (text, expected) = input(path);
        let with_models = path.components().any(|part| part.as_os_str() == "models");
        let actual = comment(&sources, &compiled, id, with_models);
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            replace(path, &[text.as_slice(), MARK.as_bytes(), actual.as_bytes()].concat());
        } else {
            wrong.push(format!("{}\n--- expected\n{expected}--- actual\n{actual}", path.display()));
        }
    }
    wrong
}

/// Writes a file as a whole: another test may read it at any time.
fn replace(path: &Path, bytes: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, bytes).unwrap();
    fs::rename(&new, path).unwrap();
}

/// Returns what is compiled, and what is expected of it.
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
    let inherited_links = model.links.len() - model.own_links().count();
    let inherited_links = (inherited_links > 0).then(|| format!("  {inherited_links} inherited links"));
    let validators = model.validators.iter().map(|one| format!("  validator {}: {:?}", one.policy, one.message));
    let owner = model.owner_class_name.as_ref().map(|owner| format!("  owner {owner}"));
    let silent = (model.no_sync || model.no_policy)
        .then(|| format!("  no_sync {}, no_policy {}", model.no_sync, model.no_policy));
    let members = model.members().filter(|member| member.declared_in() == model.name).map(|member| match member {
        Member::Field(field) => describe_field(field),
        Member::Link(link) => describe_link(link),
    });
    let ports = model.reverse_links.iter().map(|port| describe_port(port));
    let lines = [head].into_iter().chain(policy).chain(validators).chain(owner).chain(silent).chain(doc);
    lines.chain(inherited).chain(inherited_links).chain(members).chain(ports).collect::<Vec<_>>().join("\n")
}

fn describe_link(link: &Link) -> String {
    let modifier = if link.required { "required" } else { "optional" };
    let mut words = vec![format!("  {modifier} {} {} -> {}", link.kind.keyword(), link.name, link.peer)];
    words[0] += &link.through.as_ref().map(|through| format!(" through {through}")).unwrap_or_default();
    words[0] += &format!(" = {}", link.number);
    words.push(match &link.reverse {
        Reverse::LeftOut => "no port".to_owned(),
        Reverse::Suppressed(port) => format!("port suppressed by {port}"),
        Reverse::Port { name, number: Some(number) } => format!("port {name} = {number}"),
        Reverse::Port { name, number: None } => format!("port {name}"),
    });
    words.extend(link.null.then(|| "null".to_owned()));
    words.extend((link.state != FieldState::Declarative).then(|| format!("{:?}", link.state)));
    words.extend(link.default.as_ref().map(|default| format!("default {default:?}")));
    words.extend((!link.unique_with.is_empty()).then(|| format!("unique with {}", link.unique_with.join(" "))));
    words.extend(link.tosca_key.then(|| "tosca key".to_owned()));
    words.extend((!link.tosca_key_one_of.is_empty()).then(|| format!("or key {}", link.tosca_key_one_of.join(" "))));
    words.extend(link.policy.as_ref().map(|policy| format!("policy {policy}")));
    words.extend(link.help_text.as_ref().map(|help| format!("help {help:?}")));
    words.join(", ")
}

fn describe_port(port: &ReverseLink) -> String {
    let number = port.number.map(|number| format!(" = {number}")).unwrap_or_default();
    format!("  port {}{number}, from {}.{}", port.name, port.model, port.link.name)
}

fn describe_choices(choices: &[Choice]) -> String {
    let choices = choices.iter().map(|choice| format!("{:?} {:?}", choice.value, choice.label));
    choices.collect::<Vec<_>>().join(" | ")
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
    words.extend(field.choices.as_ref().map(|choices| format!("choices {}", describe_choices(choices))));
    words.extend(field.text.then(|| "text".to_owned()));
    words.extend(field.auto_now_add.then(|| "auto_now_add".to_owned()));
    words.extend(field.unique.then(|| "unique".to_owned()));
    words.extend((!field.unique_with.is_empty()).then(|| format!("unique with {}", field.unique_with.join(" "))));
    words.extend(field.tosca_key.then(|| "tosca key".to_owned()));
    words.extend(field.gui_hidden.then(|| "hidden".to_owned()));
    words.extend(field.policy.as_ref().map(|policy| format!("policy {policy}")));
    words.extend(field.help_text.as_ref().map(|help| format!("help {help:?}")));
    words.join(", ")
}
