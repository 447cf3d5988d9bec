//! The crate's modules depend on each other one way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules of the crate that each module uses by `crate::…`. A module is a file or folder in `src`.
fn edges() -> BTreeMap<String, BTreeSet<String>> {
    let mut edges = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut uses = BTreeSet::new();
        collect(&path, &mut uses);
        uses.remove(&module);
        if module != "tests" {
            edges.insert(module, uses);
        }
    }
    edges
}

fn collect(path: &Path, uses: &mut BTreeSet<String>) {
    if path.is_dir() {
        // Those are files of other crates.
        if path.file_name().is_some_and(|name| name == "templates") {
            return;
        }
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), uses);
        }
        return;
    }
    // Templates of new services are not modules of this crate.
    if path.extension().is_none_or(|extension| extension != "rs") {
        return;
    }
    let text = fs::read_to_string(path).unwrap();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        assert!(!rest.starts_with('{'), "{}: one `use` for each module, so that this test sees it", path.display());
        uses.insert(rest[..end].to_owned());
    }
}

#[test]
fn no_module_depends_on_itself_through_others() {
    let mut edges = edges();
    assert!(edges["cli"].contains("commands") && edges["commands"].contains("config"), "{edges:?}");
    // A module whose dependencies are all gone is no part of a circle.
    while let Some(done) = edges.iter().find(|(_, uses)| uses.is_empty()).map(|(module, _)| module.clone()) {
        edges.remove(&done);
        for uses in edges.values_mut() {
            uses.remove(&done);
        }
    }
    assert!(edges.is_empty(), "these depend on each other, or on such: {edges:#?}");
}

#[test]
fn only_the_command_line_uses_commands_and_nothing_uses_the_command_line() {
    for (module, uses) in edges() {
        assert!(module == "cli" || !uses.contains("commands"), "{module} uses commands");
        assert!(!uses.contains("cli"), "{module} uses cli");
    }
}
