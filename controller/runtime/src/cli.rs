//! The command line: the same for the plain `xos` and for every synchronizer made with the library.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::check::{CheckOptions, Format};

const AFTER_HELP: &str = "\
A first look, with no cluster:
  xos check config/example/mymodel.xproto     find mistakes in models and configuration
  xos crds config/example/mymodel.xproto      see the custom resources they become

With a cluster (the one kubectl talks to, or the one it runs in):
  xos run --config config.yaml                apply the custom resources and keep objects in step";

/// Arguments of the program.
#[derive(Debug, Parser)]
#[command(version, about = "XOS synchronizers as Kubernetes controllers", long_about = None, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the synchronizer: apply the custom resources of its models, then run its steps until stopped
    Run(RunArgs),
    /// Check models (.xproto) and configuration (.yaml) without a cluster
    Check(CheckArgs),
    /// Explain the code of an error or a warning, such as X012, with an example and the remedy
    Explain(ExplainArgs),
    /// Print the CustomResourceDefinitions of models as YAML
    Crds(CrdsArgs),
    /// List or replay the events that no attempt of a step could handle
    Events(EventsArgs),
    /// Print the admission policies that put finalizers on new objects as YAML
    Admission(AdmissionArgs),
    /// Print the gRPC API of models as XOS's file xos.proto
    Proto(ProtoArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Which cluster: KUBECONFIG or ~/.kube/config, as kubectl; inside a pod its ServiceAccount.
Order of settings: the first file, overlays in the order given, then environment variables (XOS_NAME, XOS_SETTINGS__DIRECTORY_URL …).
It ends with exit code 0 on SIGTERM or Ctrl-C, after running steps have ended or their grace period is over.")]
pub(crate) struct RunArgs {
    /// Configuration file; give it again for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 no errors (warnings may have been shown), 1 errors, 2 wrong usage or unreadable files.
`xos explain X012` says what a code means. All .xproto files given, and those in folders given, are one set: they may refer to each other.")]
pub(crate) struct CheckArgs {
    /// An .xproto file, a folder of such files, or a configuration file (.yaml)
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Treat XOS's own rules on the options of fields and links as errors: X308, X402, X410, X419, X420
    #[arg(long)]
    pub(crate) strict: bool,
    /// How to print: text for people, json for editors and scripts
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

impl CheckArgs {
    pub(crate) fn options(&self) -> CheckOptions {
        CheckOptions { format: self.format, strict: self.strict }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Exit code: 0, or 2 if there is no such code.")]
pub(crate) struct ExplainArgs {
    /// The code, such as X012; without one all codes are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
`xos run` applies them itself: this is for reading them, for reviews, and for clusters where only administrators may apply them.
  xos crds models/ | kubectl apply --server-side -f -
--diff asks the cluster (the one that kubectl talks to) what `run` would change there. It writes nothing, and names the stored \
objects that a change would break: `run` refuses such a change.
Exit code: 0 printed, 1 errors in the models, 2 wrong usage or unreadable files.
With --diff: 0 no difference, 1 differences that `run` would apply, 2 any error, 3 differences that `run` would refuse.")]
pub(crate) struct CrdsArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own binary knows its models without
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write one file a definition into this folder, <plural>.<group>.yaml, instead of printing
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Show what `run` would change in the cluster, and whether it would refuse, instead of printing
    #[arg(long, conflicts_with = "output")]
    pub(crate) diff: bool,
    /// How to print the differences: text for people, json for scripts
    #[arg(long, value_enum, default_value_t, requires = "diff")]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    #[command(subcommand)]
    pub(crate) command: EventsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List the parked events that were not replayed, oldest first
    Parked(ParkedArgs),
    /// Send parked events again, oldest first, each to the step that had parked it
    Replay(ParkedArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
An event is sent to its own topic again, with a header that names the step; other synchronizers' steps leave it alone, and other programs \
that read the topic see it twice. How far parked events were replayed is kept by Kafka: consumer group <synchronizer>.parked.
Exit code: 0, or 1 if the event bus does not answer.")]
pub(crate) struct ParkedArgs {
    /// The synchronizer's configuration file; give it again for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Vec<PathBuf>,
    /// Only events of this topic
    #[arg(long, value_name = "TOPIC")]
    pub(crate) topic: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// How to print: text for people, json (one object a line) for scripts
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
#[command(after_help = "\
`run` makes them itself where it has the right to; this is for clusters where only administrators may, and for removing them:
  example-synchronizer admission --config config.yaml | kubectl apply --server-side -f -
  kubectl delete mutatingadmissionpolicybindings,mutatingadmissionpolicies -l xos.opencord.org/synchronizer=example
Without them a controller sets finalizers itself, with one more write for each object. Remove them together with the synchronizer: \
what they put on objects only the synchronizer takes off.")]
pub(crate) struct AdmissionArgs {
    /// Configuration file; give it again for overlays, whose values win
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) config: Vec<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A client compiles it together with common.proto and xosoptions.proto, which are the same for all models.
Give the core's models too where others refer to them: all files form one set.
  xos proto core.xproto models/ -o xos.proto")]
pub(crate) struct ProtoArgs {
    /// An .xproto file or a folder of such files; a synchronizer's own binary knows its models without
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Write into this file instead of printing
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn overlays_are_given_by_repeating_the_option() {
        let cli = Cli::try_parse_from(["xos", "run", "--config", "a", "--config", "b"]).unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert_eq!(run.config, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(Cli::try_parse_from(["xos", "run"]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn differences_are_printed_not_written() {
        assert!(Cli::try_parse_from(["xos", "crds", "--diff", "--format", "json", "m.xproto"]).is_ok());
        assert!(Cli::try_parse_from(["xos", "crds", "--diff", "--output", "folder"]).is_err());
        assert!(Cli::try_parse_from(["xos", "crds", "--format", "json"]).is_err());
    }
}
