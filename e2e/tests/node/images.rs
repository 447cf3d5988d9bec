//! The images of this repository, made here, run as pods.

use std::{process::Command, sync::OnceLock};

use tokio::sync::OnceCell;
use xos_harness::{node, paths};
use xos_image::{
    Image,
    build::{Places, RECIPES, Recipe, image},
    origin::Origin,
};

use crate::{causes, on_the_node, pod, run};

#[tokio::test(flavor = "multi_thread")]
async fn the_program_runs_without_any_privilege_and_tells_its_version() {
    let image = imported("xos-controller").await;
    on_the_node("version", async |namespace| {
        run(namespace, &pod("xos", &image, &["--version"]), "Succeeded").await;
        let logs = namespace.kubectl(&["logs", "xos"]).await.unwrap();
        assert_eq!(logs.trim(), format!("xos {}", env!("CARGO_PKG_VERSION")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_programs_of_the_example_run_without_any_privilege() {
    let image = imported("xos-example").await;
    on_the_node("example", async |namespace| {
        run(namespace, &pod("example", &image, &["--version"]), "Succeeded").await;
        let mut directory = pod("directory", &image, &["--version"]);
        directory["spec"]["containers"][0]["command"] = serde_json::json!(["/usr/bin/example-directory"]);
        run(namespace, &directory, "Succeeded").await;
        let logs = namespace.kubectl(&["logs", "directory"]).await.unwrap();
        assert!(logs.trim().ends_with(env!("CARGO_PKG_VERSION")), "{logs}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_shell_in_an_image() {
    let image = imported("xos-controller").await;
    on_the_node("shell", async |namespace| {
        for shell in ["/bin/sh", "/usr/bin/bash", "/busybox/sh"] {
            let name = shell.trim_start_matches('/').replace('/', "-");
            let mut inside = pod(&name, &image, &[]);
            inside["spec"]["containers"][0]["command"] = serde_json::json!([shell]);
            run(namespace, &inside, "Failed").await;
            let message = namespace.kubectl(&["get", "pod", &name, "-o", "jsonpath={.status}"]).await.unwrap();
            assert!(message.contains("no such file"), "{message}");
        }
    })
    .await;
}

#[test]
fn an_image_is_the_same_each_time() {
    let (first, digest) = built("xos-example").0.archive().unwrap();
    let (second, again) = build(recipe("xos-example")).0.archive().unwrap();
    assert_eq!(digest, again);
    assert!(first == second);
}

#[test]
fn two_that_begin_with_an_empty_cache_at_the_same_time_make_the_same() {
    let cache = tempfile::tempdir().unwrap();
    let programs = [paths::program("xos").unwrap()];
    let make = || xos_image::debian::base(&programs, cache.path()).map(|base| base.packages);
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(make), scope.spawn(make));
        (one.join().unwrap(), other.join().unwrap())
    });
    let (one, other) = (one.unwrap_or_else(|error| panic!("{}", causes(&error))), other.unwrap());
    assert!(!one.is_empty() && one == other);
}

/// Imports an image into the shared node, once, and returns how pods name it.
pub(crate) async fn imported(name: &str) -> String {
    static DONE: OnceCell<()> = OnceCell::const_new();
    DONE.get_or_init(async || {
        let cluster = node::shared().await.unwrap_or_else(|error| panic!("{}", causes(&error)));
        let folder = tempfile::tempdir().unwrap();
        let archives = RECIPES.map(|recipe| {
            let path = folder.path().join(format!("{}.tar", recipe.name));
            built(recipe.name).0.write(&path).unwrap();
            path
        });
        cluster.import(&archives).await.unwrap_or_else(|error| panic!("{}", causes(&error)));
    })
    .await;
    format!("{name}:{}", env!("CARGO_PKG_VERSION"))
}

pub(crate) fn recipe(name: &str) -> &'static Recipe {
    RECIPES.iter().find(|recipe| recipe.name == name).unwrap()
}

/// Returns an image of the programs of this build, and the list of what is in it; made once.
pub(crate) fn built(name: &str) -> &'static (Image, String) {
    static MADE: [OnceLock<(Image, String)>; RECIPES.len()] = [const { OnceLock::new() }; RECIPES.len()];
    let index = RECIPES.iter().position(|recipe| recipe.name == name).unwrap();
    MADE[index].get_or_init(|| build(&RECIPES[index]))
}

/// Makes an image of the programs of this build, and the list of what is in it.
fn build(recipe: &Recipe) -> (Image, String) {
    let programs = tempfile::tempdir().unwrap();
    for program in recipe.programs {
        // Those of a build for tests have much in them that only a debugger reads.
        let stripped = programs.path().join(program);
        let strip = Command::new("strip").arg("-o").arg(&stripped).arg(paths::program(program).unwrap()).status();
        assert!(strip.unwrap().success());
    }
    let cache = paths::cache().unwrap().join("packages");
    let repository = paths::repository();
    let places = Places { repository: repository.to_owned(), programs: programs.path().to_owned(), cache };
    let origin = Origin::of(repository).unwrap_or_else(|error| panic!("{}", causes(&error)));
    image(recipe, &places, &origin).unwrap_or_else(|error| panic!("{}", causes(&error)))
}
