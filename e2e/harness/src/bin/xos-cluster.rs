//! `xos-cluster`: a Kubernetes control plane on this machine, for tests and for trying things out.

use std::{
    error::Error,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use xos_harness::{
    cli::{block_on, exit_code},
    control::{
        Ready,
        detached::{self, Kind},
        serve::{self, RunOptions},
    },
    node, process,
    serving::announced,
    tools::{
        Tool, Tools,
        node::{NodeTool, NodeTools},
    },
};

/// A Kubernetes control plane on this machine: etcd, API server and controllers; with a node, if that is wanted.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the control plane's programs, if they are not in the cache, and print their paths.
    Tools {
        /// Those of a node, too.
        #[arg(long)]
        node: bool,
    },
    /// Build helm, if it is not in the cache, and print its path.
    Helm,
    /// Start a cluster in the background, and print its environment variables: `eval "$(xos-cluster up)"`.
    Up {
        /// With a node, on which pods run. This needs root, and is apart from the cluster without a node.
        #[arg(long)]
        node: bool,
        /// Images for the node: OCI archives. The option may be repeated; files that are not there are left out.
        #[arg(long, value_name = "FILE", requires = "node")]
        import: Vec<PathBuf>,
        /// Record every request that may change something.
        #[arg(long)]
        audit: bool,
    },
    /// Stop the cluster in the background.
    Down {
        /// The one with a node.
        #[arg(long)]
        node: bool,
    },
    /// Import images into the node of the cluster in the background.
    Import {
        /// OCI archives.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run a cluster until standard input ends or SIGTERM comes; prints one line of JSON when the cluster is ready.
    Serve {
        /// Record every request that may change something, in audit.log beside the kubeconfig.
        #[arg(long)]
        audit: bool,
        /// Give the API server this flag, too; repeat the option for more.
        #[arg(long = "api-server-flag", value_name = "FLAG", allow_hyphen_values = true)]
        api_server_flags: Vec<String>,
        /// With a node, on which pods run. This needs root.
        #[arg(long)]
        node: bool,
        /// Write the description of the cluster to this folder, and hold its lock.
        #[arg(long, hide = true)]
        state: Option<PathBuf>,
    },
    /// Be the first process of a node's namespaces.
    #[command(hide = true)]
    Node,
    /// Become another program that is killed when its parent ends.
    #[command(hide = true)]
    Exec {
        /// The parent.
        #[arg(long)]
        parent: u32,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    exit_code("xos-cluster", run(Arguments::parse().command))
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Exec { parent, command } => Err(process::exec_on_leash(parent, &command).into()),
        Command::Node => block_on(async { Ok(node::init::run().await?) }),
        Command::Tools { node } => tools(node),
        Command::Helm => {
            println!("{}", xos_harness::tools::helm()?.display());
            Ok(())
        }
        Command::Up { node, import, audit } => up(kind(node), &import, audit),
        Command::Down { node } => down(kind(node)),
        Command::Import { files } => import(&files),
        Command::Serve { audit, api_server_flags, node, state } => {
            serve(&RunOptions { audit, api_server_flags, node }, state.as_deref())
        }
    }
}

const fn kind(node: bool) -> Kind {
    if node { Kind::WithNode } else { Kind::ControlPlane }
}

fn tools(node: bool) -> Result<(), Box<dyn Error>> {
    let tools = Tools::ready()?;
    for tool in Tool::ALL {
        println!("{}", tools.path(tool).display());
    }
    if node {
        let tools = NodeTools::ready()?;
        for tool in NodeTool::ALL {
            println!("{}", tools.path(tool).display());
        }
    }
    Ok(())
}

fn up(kind: Kind, images: &[PathBuf], audit: bool) -> Result<(), Box<dyn Error>> {
    let images: Vec<PathBuf> = images.iter().filter(|path| path.is_file()).cloned().collect();
    let (ready, started) = block_on(async {
        let (ready, started) = detached::up(kind, audit).await?;
        if let Some(node) = &ready.node {
            node.import(&images).await?;
        }
        Ok((ready, started))
    })?;
    if started {
        let option = if kind == Kind::WithNode { " --node" } else { "" };
        eprintln!("a cluster runs in the background; `xos-cluster down{option}` stops it");
    }
    println!("export KUBECONFIG={}", ready.kubeconfig.display());
    println!("export PATH={}:\"$PATH\"", ready.bin_dir.display());
    Ok(())
}

fn import(files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    block_on(async {
        let running = detached::running(Kind::WithNode).await?;
        let node = running.and_then(|ready| ready.node).ok_or(node::images::Error::NoNode)?;
        Ok(node.import(files).await?)
    })
}

fn down(kind: Kind) -> Result<(), Box<dyn Error>> {
    let was_running = block_on(async { Ok(detached::down(kind).await?) })?;
    println!("{}", if was_running { "the cluster is stopped" } else { "no cluster was running" });
    Ok(())
}

fn serve(options: &RunOptions, state: Option<&Path>) -> Result<(), Box<dyn Error>> {
    announced(|ready| {
        let claim = state.map(detached::Claim::take).transpose()?;
        block_on(async {
            let described = |cluster: Ready| {
                if let Some(claim) = &claim {
                    claim.describe(&cluster).map_err(io::Error::other)?;
                }
                ready(cluster)
            };
            Ok(serve::run(options, described).await?)
        })
    })
}
