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
        Ready, detached,
        serve::{self, RunOptions},
    },
    process,
    serving::announced,
    tools::{Tool, Tools},
};

/// A Kubernetes control plane on this machine: etcd, API server and controllers, without nodes.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the control plane's programs, if they are not in the cache, and print their paths.
    Tools,
    /// Build helm, if it is not in the cache, and print its path.
    Helm,
    /// Start a cluster in the background, and print its environment variables: `eval "$(xos-cluster up)"`.
    Up {
        /// Record every request that may change something.
        #[arg(long)]
        audit: bool,
    },
    /// Stop the cluster in the background.
    Down,
    /// Run a cluster until standard input ends or SIGTERM comes; prints one line of JSON when the cluster is ready.
    Serve {
        /// Record every request that may change something, in audit.log beside the kubeconfig.
        #[arg(long)]
        audit: bool,
        /// Give the API server this flag, too; repeat the option for more.
        #[arg(long = "api-server-flag", value_name = "FLAG", allow_hyphen_values = true)]
        api_server_flags: Vec<String>,
        /// Write the description of the cluster to this folder, and hold its lock.
        #[arg(long, hide = true)]
        state: Option<PathBuf>,
    },
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
        Command::Tools => tools(),
        Command::Helm => {
            println!("{}", xos_harness::tools::helm()?.display());
            Ok(())
        }
        Command::Up { audit } => up(audit),
        Command::Down => down(),
        Command::Serve { audit, api_server_flags, state } => {
            serve(&RunOptions { audit, api_server_flags }, state.as_deref())
        }
    }
}

fn tools() -> Result<(), Box<dyn Error>> {
    let tools = Tools::ready()?;
    for tool in Tool::ALL {
        println!("{}", tools.path(tool).display());
    }
    Ok(())
}

fn up(audit: bool) -> Result<(), Box<dyn Error>> {
    let (ready, started) = block_on(async { Ok(detached::up(audit).await?) })?;
    if started {
        eprintln!("a cluster runs in the background; `xos-cluster down` stops it");
    }
    println!("export KUBECONFIG={}", ready.kubeconfig.display());
    println!("export PATH={}:\"$PATH\"", ready.bin_dir.display());
    Ok(())
}

fn down() -> Result<(), Box<dyn Error>> {
    let was_running = block_on(async { Ok(detached::down().await?) })?;
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
