//! The command line: the same for the plain `xos` and for every synchronizer made with the library.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::admission::{self, AdmissionArgs};
use crate::commands::check::{self, CheckArgs};
use crate::commands::completion::{self, CompletionArgs};
use crate::commands::config::{self, ConfigArgs};
use crate::commands::crds::{self, CrdsArgs};
use crate::commands::events::{self, EventsArgs};
use crate::commands::explain::{self, ExplainArgs};
use crate::commands::generate::{self, GenerateArgs};
use crate::commands::graph::{self, GraphArgs};
use crate::commands::hash_password::{self, HashPasswordArgs};
use crate::commands::loglevel::{self, LogLevelArgs};
use crate::commands::new::{self, NewArgs};
use crate::commands::pause::{self, PauseArgs, ResumeArgs};
use crate::commands::plan::{self, PlanArgs};
use crate::commands::proto::{self, ProtoArgs};
use crate::commands::pull::{self, PullArgs};
use crate::commands::rbac::{self, RbacArgs};
use crate::commands::resync::{self, ResyncArgs};
use crate::commands::retry::{self, RetryArgs};
use crate::commands::run::{self, RunArgs};
use crate::commands::self_test::{self, SelfTestArgs};
use crate::commands::test::{self, TestArgs};
use crate::commands::tree::{self, TreeArgs};
use crate::commands::uninstall::{self, UninstallArgs};
use crate::commands::validate::{self, ValidateArgs};
use crate::commands::why::{self, WhyArgs};
use crate::commands::{Exit, Failure};
use crate::program::{PLUGIN, Program};
use crate::synchronizer::Synchronizer;

const AFTER_HELP: &str = "\
Without a cluster:
  xos new my-service                          write the crate of a new service
  xos check config/example/mymodel.xproto     find mistakes in models and configuration
  xos validate config/people/objects.yaml     find mistakes in objects
  xos test config/people                      run the test cases of a service of documents
  xos crds config/example/mymodel.xproto      print the custom resource definitions of the models

With a cluster (the one that kubectl uses, or the one that the program runs in):
  xos run --config config.yaml                apply the definitions and reconcile objects until stopped
  xos plan objects.yaml                       tell what `kubectl apply -f objects.yaml` would do
  xos why mymodel/ada                         explain why an object is not Ready, or is not deleted
  xos tree mymodel/ada                        show what an object leads to, and what it waits for
  xos uninstall example                       list what a synchronizer has left in the cluster, and how to remove it";

const AFTER_PLUGIN_HELP: &str = "\
  kubectl xos why mymodel/ada -n people         explain why an object is not Ready, or is not deleted
  kubectl xos tree mymodel/ada                  show what an object leads to, and what it waits for
  kubectl xos pause mymodel/ada                 hold it back, until `kubectl xos resume mymodel/ada`
  kubectl xos retry mymodel --all               try again at once what waits for its next attempt";

/// What `kubectl xos` is not for. It can be called all the same.
const NOT_FOR_OPERATORS: [&str; 15] = [
    "new",
    "run",
    "check",
    "validate",
    "test",
    "plan",
    "config",
    "explain",
    "generate",
    "graph",
    "hash-password",
    "crds",
    "pull",
    "admission",
    "proto",
];

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
    /// Write a new service: a crate with a model, steps, a test, a configuration; or a folder of documents
    New(NewArgs),
    /// Run the synchronizer: apply the custom resource definitions of its models, then run its steps until stopped
    Run(RunArgs),
    /// Check models (.xproto) and configuration (.yaml) without a cluster
    Check(CheckArgs),
    /// Check objects (.yaml) against models without a cluster
    Validate(ValidateArgs),
    /// Run the test cases of a service of documents, without a cluster and without its backends
    Test(TestArgs),
    /// Tell what an apply would do: objects, policies, steps in their order, deletions, brakes
    Plan(PlanArgs),
    /// Print the JSON schema of configuration files, for editors
    Config(ConfigArgs),
    /// Explain the code of an error or a warning, such as X012, with an example and the remedy
    Explain(ExplainArgs),
    /// Print a sample object of a model as YAML, with its optional fields as comments
    Generate(GenerateArgs),
    /// Print models and their links as a graph, for Graphviz or Mermaid
    Graph(GraphArgs),
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
    /// Show what an object leads to, or what leads to it, and who waits for whom
    Tree(TreeArgs),
    /// Try objects at once that wait for their next attempt
    Retry(RetryArgs),
    /// Hold objects back: no step and no policy runs for them
    Pause(PauseArgs),
    /// Let objects go that are held back
    Resume(ResumeArgs),
    /// Synchronize objects again that have not changed, now or from time to time
    Resync(ResyncArgs),
    /// List, and with --yes remove, what a synchronizer has left: policies, finalizers, bookkeeping
    Uninstall(UninstallArgs),
    /// Make an object, wait until it is Ready, delete it, and wait until it is gone
    SelfTest(SelfTestArgs),
    /// Print the gRPC API of models, as XOS's file xos.proto
    Proto(ProtoArgs),
    /// Print the line of a user of XOS's gRPC API, with the hash of a password
    HashPassword(HashPasswordArgs),
    /// Print the script that completes the command line in a shell
    Completion(CompletionArgs),
}

/// Returns the command line as it is for a program that is called so, of a synchronizer of this name.
fn command(program: Program, name: &str) -> clap::Command {
    let command = Cli::command().name(name.to_owned());
    if program == Program::Own {
        return command;
    }
    let command = command.name("xos").bin_name("kubectl xos").about("Operate the objects of XOS's models");
    let command = command.after_help(AFTER_PLUGIN_HELP);
    NOT_FOR_OPERATORS.iter().fold(command, |command, hidden| command.mut_subcommand(hidden, |one| one.hide(true)))
}

impl Synchronizer {
    /// Reads the command line and does what it says: `run`, `check`, `crds`, `events` … For `main`.
    ///
    /// Returns the exit code: 0 for success, 1 for failure, 2 for wrong usage; `crds --diff` has codes of its own.
    pub fn run(self) -> ExitCode {
        if let Some(failed) = xos_documents::limited::become_command() {
            return failed;
        }
        let program = Program::of_this_process();
        if program == Program::Completer {
            let words: Vec<_> = std::env::args().skip(1).collect();
            // Ignored: with standard output closed there is nobody to tell.
            let _ = write!(io::stdout(), "{}", completion::complete(&command(program, &self.name), &words));
            return ExitCode::SUCCESS;
        }
        let matches = command(program, &self.name).get_matches();
        let outcome = match Cli::from_arg_matches(&matches) {
            // Not locked: the steps of a running synchronizer may print too.
            Ok(cli) => dispatch(cli.command, &self, program, &mut io::stdout()),
            Err(error) => Err(Failure::usage(&error)),
        };
        match outcome {
            Ok(exit) => exit.into(),
            Err(failure) => {
                // Ignored: with standard error closed there is nowhere to report to.
                let _ = writeln!(io::stderr(), "error: {}", program.in_its_words(&failure.message));
                failure.exit.into()
            }
        }
    }
}

fn dispatch(
    chosen: Command,
    synchronizer: &Synchronizer,
    program: Program,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    match chosen {
        Command::Run(args) => Ok(run::run(synchronizer, &args)?),
        Command::Check(args) => Ok(check::run(&args, out)?),
        Command::Validate(args) => Ok(validate::run(synchronizer, &args, out)?),
        Command::Test(args) => Ok(test::run(synchronizer, &args, out)?),
        Command::Plan(args) => Ok(plan::run(synchronizer, &args, out)?),
        Command::Config(args) => Ok(config::run(&args, out)?),
        Command::Explain(args) => Ok(explain::run(&args, out)?),
        Command::Generate(args) => Ok(generate::run(synchronizer, &args, out)?),
        Command::Graph(args) => Ok(graph::run(synchronizer, &args, out)?),
        Command::Crds(args) => Ok(crds::run(synchronizer, &args, out)?),
        Command::Events(args) => Ok(events::run(&args, out)?),
        Command::Pull(args) => Ok(pull::run(synchronizer, &args, out)?),
        Command::Admission(args) => Ok(admission::run(synchronizer, &args, out)?),
        Command::Rbac(args) => Ok(rbac::run(synchronizer, &args, out)?),
        Command::LogLevel(args) => Ok(loglevel::run(&args, out)?),
        Command::Uninstall(args) => Ok(uninstall::run(synchronizer, &args, out)?),
        Command::SelfTest(args) => Ok(self_test::run(&args, out)?),
        Command::Why(args) => Ok(why::run(&args, program, out)?),
        Command::Tree(args) => Ok(tree::run(&args, out)?),
        Command::Retry(args) => Ok(retry::run(&args, out)?),
        Command::Pause(args) => Ok(pause::pause(&args, out)?),
        Command::Resume(args) => Ok(pause::resume(&args, out)?),
        Command::Resync(args) => Ok(resync::run(&args, out)?),
        Command::Completion(args) => {
            let name = if program == Program::Own { synchronizer.name.clone() } else { PLUGIN.to_owned() };
            Ok(completion::run(&args, command(program, &name), &name, out)?)
        }
        Command::New(args) => Ok(new::run(&args, out)?),
        Command::HashPassword(args) => Ok(hash_password::run(&args, out)?),
        Command::Proto(args) => Ok(proto::run(synchronizer, &args, out)?),
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tools_page;
