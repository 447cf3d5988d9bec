//! The examples of `docs/documents.md`.

use xos_documents::Documents;
use xos_steps::Steps;
use xos_xproto::{Sources, compile};

const PAGE: &str = include_str!("../../../../docs/documents.md");

/// Returns the blocks of the page in a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    PAGE.split(&start).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_documents_of_the_page_fit_its_models() {
    let mut sources = Sources::new();
    sources.add("page.xproto", blocks("proto")[0]);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let yaml = blocks("yaml");
    assert_eq!(yaml.len(), 9);
    // Each by itself: several are about one model.
    let compiled = |text: &&str| {
        Documents::of(&[("documents.md", *text)]).compile(&compiled.models).unwrap_or_else(|found| {
            panic!("{}", found.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n\n"))
        })
    };
    let mut steps = Steps::new();
    yaml.iter().map(compiled).for_each(|some| steps.append(some));
    let all = (steps.sync_steps.len(), steps.policies.len(), steps.pull_steps.len(), steps.event_steps.len());
    assert_eq!(all, (5, 1, 2, 1));
    assert_eq!(steps.uses.len(), 9);
}
