//! The README's tour does what it says: every command runs, and prints what is shown.
//!
//! Its programs are those that are built, its cluster is one of its own, and its ports and files are the test's. What
//! differs from run to run (ages, times, counts of attempts) is compared by kind; see [`console`].

mod console;
mod shell;

use std::{fs, process::Command};

use xos_harness::{eventually, example::SOON, paths};

use console::{Step, read};
use shell::Shell;

/// The programs of the tour that go on running, each "in a terminal of its own".
const SERVERS: [&str; 2] = ["target/debug/example-directory", "target/debug/example-synchronizer run"];

// The shell and its children are on the leash of this thread.
#[tokio::test(flavor = "current_thread")]
async fn the_tour_of_the_readme_is_true() {
    let readme = fs::read_to_string(paths::repository().join("README.md")).unwrap();
    let steps = read(&readme, "## A tour in five minutes");
    assert!(steps.len() > 15, "{} commands are few for a tour", steps.len());
    let background = Background(tempfile::tempdir().unwrap());
    let mut shell = Shell::start(background.0.path()).await;
    for step in &steps {
        let step = shell.localized(step);
        if SERVERS.iter().any(|server| step.command.starts_with(server)) {
            serves(&mut shell, &step).await;
            continue;
        }
        let shown = console::plain(&step.shown.join("\n"));
        let mut run = async || compared(&step, &shown, &console::plain(&shell.run(&step.command).await));
        if only_reads(&step.command) {
            until(&step, run).await;
        } else {
            run().await.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn every_target_that_the_readme_names_is_one() {
    let root = paths::repository();
    let makefile = fs::read_to_string(root.join("Makefile")).unwrap();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let named = readme.split("make ").skip(1).filter(|rest| rest.starts_with(char::is_alphabetic));
    let end = |c: char| !c.is_ascii_lowercase() && c != '-';
    let targets: Vec<_> = named.filter_map(|rest| rest.split(end).next()).collect();
    assert!(targets.contains(&"demo") && targets.contains(&"cluster-down"), "{targets:?}");
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "the README names `make {target}`");
    }
}

/// Starts a program that goes on running, and waits until it has printed what is shown, in whatever order: it does
/// several things at once.
async fn serves(shell: &mut Shell, step: &Step) {
    let log = shell.serve(&step.command).await;
    let sorted = |lines: Vec<&str>| {
        let mut lines: Vec<_> = lines.into_iter().map(console::plain).collect();
        lines.sort();
        lines.join("\n")
    };
    let shown = sorted(step.shown.iter().map(String::as_str).collect());
    until(step, async || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        compared(step, &shown, &sorted(text.lines().take(step.shown.len()).collect()))
    })
    .await;
}

async fn until(step: &Step, look: impl AsyncFnMut() -> Result<(), String>) {
    let shown = eventually(SOON, format!("what line {} of the README shows", step.line), look).await;
    shown.unwrap_or_else(|error| panic!("{error}"));
}

/// A command that changes nothing is repeated until it shows what it should: a person types more slowly than this test.
fn only_reads(command: &str) -> bool {
    command.starts_with("kubectl get ") || (command.starts_with("curl ") && !command.contains(" -X "))
}

fn compared(step: &Step, shown: &str, printed: &str) -> Result<(), String> {
    if shown == printed {
        return Ok(());
    }
    Err(format!("README.md:{}: $ {}\n--- shown ---\n{shown}\n--- printed ---\n{printed}\n", step.line, step.command))
}

/// A folder for a cluster in the background, which is stopped in the end.
struct Background(tempfile::TempDir);

impl Drop for Background {
    fn drop(&mut self) {
        let mut down = Command::new(paths::program("xos-cluster").unwrap());
        // It is stopped already, unless the test failed.
        let _stopped = down.arg("down").env("XOS_CACHE_DIR", self.0.path()).output();
    }
}
