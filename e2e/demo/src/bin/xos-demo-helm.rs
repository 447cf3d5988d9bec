//! `xos-demo-helm`: shows the Helm chart on a node of its own. `make demo-helm` builds it and all it needs.

use std::{
    error::Error,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use xos_harness::{
    Cluster,
    cli::{block_on, exit_code, stop_signal},
    control::ServeOptions,
    helm::Helm,
};

/// The object of the demo.
const PERSON: &str = "config/example/people.yaml";
/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Installs the chart on a node of its own, makes objects, and uninstalls it. Needs root.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// An OCI archive with an image for the node; repeat the option for several.
    #[arg(long = "image", value_name = "FILE", required = true)]
    images: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    exit_code(
        "xos-demo-helm",
        block_on(async {
            let stop = stop_signal()?;
            tokio::select! {
                shown = tokio::time::timeout(PATIENCE, show(&arguments)) => shown?,
                () = stop => Err("stopped before its end".into()),
            }
        }),
    )
}

async fn show(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let begin = Instant::now();
    let cluster = Cluster::start(ServeOptions::with_node()).await?;
    cluster.import(&arguments.images).await?;
    said("a node with the images", begin);
    let home = cluster.folder("xos-demo-")?;
    let helm = Helm::of(&cluster, home.path()).await?;
    let install = Instant::now();
    shown("helm install demo charts/xos-controller --wait");
    helm.ok(&["install", "demo", "charts/xos-controller", "--wait"]).await?;
    said("installed", install);
    for command in [
        vec!["apply", "-f", PERSON],
        vec!["wait", "--for=condition=Ready", "mymodel", "--all", "--timeout=60s"],
        vec!["get", "mymodels,teams"],
        vec!["get", "pods"],
    ] {
        shown(&format!("kubectl {}", command.join(" ")));
        println!("{}", cluster.kubectl().ok(&command).await?.trim_end());
    }
    said("from helm install to Ready objects", install);
    let test = Instant::now();
    shown("helm test demo --logs");
    let tested = helm.ok(&["test", "demo", "--logs"]).await?;
    for line in tested.lines().filter(|line| line.contains("Phase:") || line.contains("MyModel")) {
        println!("{line}");
    }
    said("tested", test);
    let end = Instant::now();
    shown("helm uninstall demo");
    helm.ok(&["uninstall", "demo"]).await?;
    said("uninstalled: the objects are there, and free", end);
    for command in [vec!["get", "mymodels"], vec!["delete", "mymodels,teams", "--all"]] {
        shown(&format!("kubectl {}", command.join(" ")));
        println!("{}", cluster.kubectl().ok(&command).await?.trim_end());
    }
    said("all", begin);
    Ok(())
}

fn shown(command: &str) {
    println!("\n$ {command}");
}

fn said(what: &str, since: Instant) {
    println!("({what}: {:.1} s)", since.elapsed().as_secs_f64());
}
