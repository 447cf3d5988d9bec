//! The examples of `docs/documents.md`, and those of `docs/step-servers.md`, which are about the same models.

use xos_documents::Documents;
use xos_steps::Steps;
use xos_xproto::{Sources, compile};

const PAGE: &str = include_str!("../../../../docs/documents.md");
const STEP_SERVERS: &str = include_str!("../../../../docs/step-servers.md");

/// Returns the blocks of a page in a language.
fn blocks(page: &'static str, language: &str) -> Vec<&'static str> {
    let start = format!("```{language}\n");
    page.split(&start).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_documents_of_the_page_fit_its_models() {
    assert_eq!(steps(PAGE, 9), (5, 1, 2, 1));
    assert_eq!(steps(STEP_SERVERS, 2), (1, 1, 1, 1));
}

/// Returns how many sync steps, policies, pull steps and event steps the blocks of a page have.
fn steps(page: &'static str, count: usize) -> (usize, usize, usize, usize) {
    let mut sources = Sources::new();
    sources.add("page.xproto", blocks(PAGE, "proto")[0]);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    let yaml = blocks(page, "yaml");
    assert_eq!(yaml.len(), count);
    // Each by itself: several are about one model.
    let compiled = |text: &&str| {
        Documents::of(&[("page.md", *text)]).compile(&compiled.models).unwrap_or_else(|found| {
            panic!("{}", found.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n\n"))
        })
    };
    let mut steps = Steps::new();
    yaml.iter().map(compiled).for_each(|some| steps.append(some));
    (steps.sync_steps.len(), steps.policies.len(), steps.pull_steps.len(), steps.event_steps.len())
}
