//! The command line: the same for the plain `xos` and for every synchronizer made with the library.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::admission::{self, AdmissionArgs};
use crate::commands::check::{self, CheckArgs};
use crate::commands::config::{self, ConfigArgs};
use crate::commands::crds::{self, CrdsArgs};
use crate::commands::events::{self, EventsArgs};
use crate::commands::explain::{self, ExplainArgs};
use crate::commands::loglevel::{self, LogLevelArgs};
use crate::commands::new::{self, NewArgs};
use crate::commands::proto::{self, ProtoArgs};
use crate::commands::pull::{self, PullArgs};
use crate::commands::rbac::{self, RbacArgs};
use crate::commands::run::{self, RunArgs};
use crate::commands::self_test::{self, SelfTestArgs};
use crate::commands::uninstall::{self, UninstallArgs};
use crate::commands::why::{self, WhyArgs};
use crate::commands::{Exit, Failure};
use crate::synchronizer::Synchronizer;

const AFTER_HELP: &str = "\
Without a cluster:
  xos new my-service                          write the crate of a new service
  xos check config/example/mymodel.xproto     find mistakes in models and configuration
  xos crds config/example/mymodel.xproto      print the custom resource definitions of the models

With a cluster (the one that kubectl uses, or the one that the program runs in):
  xos run --config config.yaml                apply the definitions and reconcile objects until stopped
  xos why mymodel ada                         explain why an object is not Ready, or is not deleted
  xos uninstall example                       list what a synchronizer has left in the cluster, and how to remove it";

/// Arguments of the program.
#[derive(Debug, Parser)]
#[command(
    version,
    about = "XOS synchronizers as Kubernetes controllers",
    long_about = None,
    after_help = AFTER_HELP,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the crate of a new service: a model, steps, a test, a configuration
    New(NewArgs),
    /// Run the synchronizer: apply the custom resource definitions of its models, then run its steps until stopped
    Run(RunArgs),
    /// Check models (.xproto) and configuration (.yaml) without a cluster
    Check(CheckArgs),
    /// Print the JSON schema of configuration files, for editors
    Config(ConfigArgs),
    /// Explain the code of an error or a warning, such as X012, with an example and the remedy
    Explain(ExplainArgs),
    /// Print the custom resource definitions of models as YAML
    Crds(CrdsArgs),
    /// List, replay or drop parked events, which a step could not handle in any attempt; send messages by hand
    Events(EventsArgs),
    /// Show or confirm deletions of pull steps that are held, because they are many
    Pull(PullArgs),
    /// Print the admission policy that puts finalizers on new objects as YAML
    Admission(AdmissionArgs),
    /// Print the rights that the synchronizer needs, and no more, as YAML
    Rbac(RbacArgs),
    /// Explain why an object is not Ready, or is not deleted
    Why(WhyArgs),
    /// Show or change the level of the log of a synchronizer that runs, without a restart
    #[command(name = "loglevel")]
    LogLevel(LogLevelArgs),
    /// List, and with --yes remove, what a synchronizer has left: policies, finalizers, bookkeeping
    Uninstall(UninstallArgs),
    /// Make an object, wait until it is Ready, delete it, and wait until it is gone
    SelfTest(SelfTestArgs),
    /// Print the gRPC API of models, as XOS's file xos.proto
    Proto(ProtoArgs),
}

impl Synchronizer {
    /// Reads the command line and does what it says: `run`, `check`, `crds`, `events` … For `main`.
    ///
    /// Returns the exit code: 0 for success, 1 for failure, 2 for wrong usage; `crds --diff` has codes of its own.
    pub fn run(self) -> ExitCode {
        let matches = Cli::command().name(self.name.clone()).get_matches();
        let outcome = match Cli::from_arg_matches(&matches) {
            Ok(cli) => dispatch(cli.command, self),
            Err(error) => Err(Failure::usage(&error)),
        };
        match outcome {
            Ok(exit) => exit.into(),
            Err(failure) => {
                // Ignored: with standard error closed there is nowhere to report to.
                let _ = writeln!(io::stderr(), "error: {}", failure.message);
                failure.exit.into()
            }
        }
    }
}

fn dispatch(command: Command, synchronizer: Synchronizer) -> Result<Exit, Failure> {
    // Not locked: the steps of a running synchronizer may print too.
    let mut out = io::stdout();
    match command {
        Command::Run(args) => Ok(run::run(synchronizer, &args)?),
        Command::Check(args) => Ok(check::run(&args, &mut out)?),
        Command::Config(args) => Ok(config::run(&args, &mut out)?),
        Command::Explain(args) => Ok(explain::run(&args, &mut out)?),
        Command::Crds(args) => Ok(crds::run(&synchronizer, &args, &mut out)?),
        Command::Events(args) => Ok(events::run(&args, &mut out)?),
        Command::Pull(args) => Ok(pull::run(&synchronizer, &args, &mut out)?),
        Command::Admission(args) => Ok(admission::run(&synchronizer, &args, &mut out)?),
        Command::Rbac(args) => Ok(rbac::run(&synchronizer, &args, &mut out)?),
        Command::Why(args) => Ok(why::run(&args, &mut out)?),
        Command::LogLevel(args) => Ok(loglevel::run(&args, &mut out)?),
        Command::Uninstall(args) => Ok(uninstall::run(&synchronizer, &args, &mut out)?),
        Command::SelfTest(args) => Ok(self_test::run(&args, &mut out)?),
        Command::New(args) => Ok(new::run(&args, &mut out)?),
        Command::Proto(args) => Ok(proto::run(&synchronizer, &args, &mut out)?),
    }
}

#[cfg(test)]
mod tests;
