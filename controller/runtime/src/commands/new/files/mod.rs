//! The files of a new crate, made of templates.

use xos_xproto::{ModelSet, Sources, compile, render};

use super::Base;
use super::framework::Framework;
use super::name::Name;
use crate::rights::{Account, Extent, Rights, manifest};

/// The models do not compile: a model of that name is the core's, or the name means something else.
#[derive(Debug, thiserror::Error)]
#[error("the model cannot be called `{model}`; take another name:\n{text}")]
pub(crate) struct ModelError {
    model: String,
    text: String,
}

/// A file: its path in the crate, and its text.
pub(crate) type File = (String, String);

/// The templates, by the path that each file gets.
const TEMPLATES: [(&str, &str); 14] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml.template")),
    (".gitignore", include_str!("../templates/gitignore.template")),
    ("README.md", include_str!("../templates/README.md.template")),
    ("build.rs", include_str!("../templates/build.rs.template")),
    ("config.yaml", include_str!("../templates/config.yaml.template")),
    ("objects.yaml", include_str!("../templates/objects.yaml.template")),
    ("rustfmt.toml", include_str!("../templates/rustfmt.toml.template")),
    ("src/backend.rs", include_str!("../templates/backend.rs.template")),
    ("src/lib.rs", include_str!("../templates/lib.rs.template")),
    ("src/main.rs", include_str!("../templates/main.rs.template")),
    ("src/models.rs", include_str!("../templates/models.rs.template")),
    ("src/policies.rs", include_str!("../templates/policies.rs.template")),
    ("src/steps.rs", include_str!("../templates/steps.rs.template")),
    ("tests/steps.rs", include_str!("../templates/tests.rs.template")),
];
const MODELS: &str = include_str!("../templates/models.xproto.template");

/// The files of a new service of documents, by their paths, in which `NAME` stands for the name.
const DOCUMENTS: [(&str, &str); 5] = [
    ("README.md", include_str!("../templates/yaml/README.md.template")),
    ("config.yaml", include_str!("../templates/yaml/config.yaml.template")),
    ("objects.yaml", include_str!("../templates/objects.yaml.template")),
    ("steps/NAME.yaml", include_str!("../templates/yaml/step.yaml.template")),
    ("tests/NAME.test.yaml", include_str!("../templates/yaml/test.yaml.template")),
];
const MODELS_OF_DOCUMENTS: &str = include_str!("../templates/yaml/models.xproto.template");

/// Returns the files of a new crate.
pub(crate) fn of(name: &Name, base: Base, framework: &Framework) -> Result<Vec<File>, ModelError> {
    let mut words = words(name, base);
    words.push(("controller", framework.keys()));
    let path = format!("{}.xproto", name.module());
    let text = fill(MODELS, &words);
    let models = compiled(name, &path, &text)?;
    words.extend(names(name, &models));
    let files = TEMPLATES.iter().map(|(path, template)| ((*path).to_owned(), fill(template, &words)));
    Ok(files.chain([("rbac.yaml".to_owned(), rbac(name, &models)), (path, text)]).collect())
}

/// Returns the files of a new service of documents.
pub(crate) fn of_documents(name: &Name, base: Base) -> Result<Vec<File>, ModelError> {
    let mut words = words(name, base);
    let path = format!("models/{}.xproto", name.as_str());
    let text = fill(MODELS_OF_DOCUMENTS, &words);
    words.extend(names(name, &compiled(name, &path, &text)?));
    let path_of = |path: &str| path.replace("NAME", name.as_str());
    let files = DOCUMENTS.iter().map(|(path, template)| (path_of(path), fill(template, &words)));
    Ok(files.chain([(path, text)]).collect())
}

/// Returns what follows from the models.
fn names(name: &Name, models: &ModelSet) -> [(&'static str, String); 2] {
    let names = models.get(&name.model()).map(xos_crds::names::Names::of);
    let (group, resource) = names.map(|names| (names.group, names.singular)).unwrap_or_default();
    [("group", group), ("resource", resource)]
}

/// Returns what `rbac` prints with the configuration of the crate.
fn rbac(name: &Name, models: &ModelSet) -> String {
    let extent = Extent { finalizers_at_creation: true, elects: true, ..Extent::default() };
    let rights = Rights::of(name.as_str(), models, &extent);
    let namespace = "default".to_owned();
    let account = Account { name: name.as_str().to_owned(), namespace: namespace.clone() };
    let text = manifest(&format!("xos-{}", name.as_str()), &rights, &account, &[namespace], false);
    format!(
        "# What the synchronizer may do, and no more. After a change of the models or of config.yaml:\n\
         # cargo run -- rbac --config config.yaml > rbac.yaml\n{text}"
    )
}

fn compiled(name: &Name, path: &str, text: &str) -> Result<ModelSet, ModelError> {
    let mut sources = Sources::new();
    sources.add(path, text);
    let compiled = compile(&sources);
    if compiled.diagnostics.is_empty() {
        return Ok(compiled.models);
    }
    let all: Vec<_> = compiled.diagnostics.iter().map(|one| render(one, &sources, false)).collect();
    Err(ModelError { model: name.model(), text: all.join("\n") })
}

/// What stands for what in the templates, as far as it does not follow from the models.
fn words(name: &Name, base: Base) -> Vec<(&'static str, String)> {
    let module = name.module();
    let model = name.model();
    let parts = base.parts();
    let mut uses: Vec<_> = [model.clone(), format!("New{model}")].into();
    uses.extend(parts.uses.iter().map(|&model| model.to_owned()));
    uses.sort();
    let of_name = |text: &str| text.replace("{{name}}", name.as_str());
    vec![
        ("name", name.as_str().to_owned()),
        ("model_uses", uses.join(", ")),
        ("Model", model),
        ("label", module.clone()),
        ("module", module),
        ("base", base.model().to_owned()),
        ("rust_version", env!("CARGO_PKG_RUST_VERSION").to_owned()),
        ("base_comment", parts.comment.to_owned()),
        ("base_uses", parts.core.to_owned()),
        ("test_uses", parts.test_uses.to_owned()),
        ("test_owner", of_name(parts.test_owner)),
        ("required", of_name(parts.required)),
        ("owner_object", of_name(parts.owner_object)),
        ("spec", of_name(parts.spec)),
    ]
}

/// Puts words into a template, each for its name in double braces.
fn fill(template: &str, words: &[(&str, String)]) -> String {
    words.iter().fold(template.to_owned(), |text, (name, word)| text.replace(&format!("{{{{{name}}}}}"), word))
}

#[cfg(test)]
mod tests;
