//! `xos-demo-yaml`: shows a service that is not compiled. `make demo-yaml` builds all that it needs.
//!
//! Every result is checked.

#[path = "../check.rs"]
mod check;
#[path = "../narrate.rs"]
mod narrate;

use std::process::{ExitCode, Stdio};

use check::{Failure, expect, kubectl};
use clap::Parser;
use narrate::say;
use xos_harness::cli::exit_code;
use xos_harness::{Cluster, Directory, documents, eventually, example::SOON, paths};

/// Shows a service that is a folder of YAML files at work on its own control plane.
#[derive(Parser)]
#[command(version)]
struct Arguments {}

/// The namespace of the demo's people.
const NAMESPACE: &str = "default";
const SERVICE: &str = "config/people";

fn main() -> ExitCode {
    let Arguments {} = Arguments::parse();
    exit_code("xos-demo-yaml", check::run(show()))
}

async fn show() -> Result<(), Failure> {
    say(
        "A service is a folder: models, steps, policies. Nothing is compiled. This is how a person gets into the directory:",
    );
    shell("cat", &["config/people/steps/directory.yaml"]).await?;
    say("What is wrong with it is told without a cluster:");
    let checked = shell("xos", &["check", "config/people/config.yaml"]).await?;
    expect(checked.contains("no problems found"), "no problems", &checked)?;
    say("Start a control plane, the directory, and the stock program with this folder:");
    let cluster = Cluster::given_or_own().await?;
    let folder = cluster.folder("xos-demo-yaml-")?;
    let directory = Directory::start(folder.path(), &folder.path().join("directory.log")).await?;
    let log = folder.path().join("synchronizer.log");
    let launch = documents::people(&cluster, NAMESPACE, &directory, folder.path(), &log).await?;
    println!("$ xos run --config config/people/config.yaml");
    let mut synchronizer = launch.start()?;
    let served = async || match cluster.kubectl().run(&["get", "people"]).await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(output.all()),
        Err(error) => Err(error.to_string()),
    };
    eventually(SOON, "the kind Person to be served", served).await?;
    say("Create two people:");
    kubectl(&cluster, &["apply", "-f", "config/people/objects.yaml"]).await?;
    kubectl(&cluster, &["wait", "--for=condition=Ready", "person", "--all", "--timeout=60s"]).await?;
    say("A policy has made a team for Ada's department, and the directory has all of them:");
    kubectl(&cluster, &["get", "people,teams"]).await?;
    let people = directory.people_json().await?;
    println!("$ curl {}/people\n{people:#}", directory.url());
    expect(people["ada"]["team"] == "engines", "Ada in her team", &people.to_string())?;
    say("Delete everything:");
    kubectl(&cluster, &["delete", "person,team", "--all", "--timeout=60s"]).await?;
    let left = directory.people_json().await?;
    expect(left == serde_json::json!({}), "an empty directory", &left.to_string())?;
    let status = synchronizer.stop().await?;
    expect(
        status.is_some_and(|status| status.success()),
        "the program to end without an error",
        &format!("{status:?}"),
    )?;
    say("Everything is stopped, and its files are removed.");
    Ok(())
}

/// Runs a command in the repository's folder, and prints it with its output.
async fn shell(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    narrate::command(program, arguments);
    let path = if program == "xos" { paths::program(program)? } else { program.into() };
    let run = tokio::process::Command::new(path)
        .args(arguments)
        .current_dir(paths::repository())
        .stdin(Stdio::null())
        .output()
        .await?;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    narrate::output(&said);
    if run.status.success() { Ok(said) } else { Err(format!("{program} failed, the service is {SERVICE}").into()) }
}
