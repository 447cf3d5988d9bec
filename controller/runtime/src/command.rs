//! Carries out the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use xos_crds::change::Verdict;

use crate::admission_command;
use crate::check::{ExitStatus, check};
use crate::cli::{Cli, Command};
use crate::crds_command;
use crate::diff_command;
use crate::events_command;
use crate::explain::{ExplainError, explain};
use crate::proto_command;
use crate::serve::serve;
use crate::synchronizer::Synchronizer;

const FAILED: u8 = 1;
const USAGE: u8 = 2;
const REFUSED: u8 = 3;

/// Reads the arguments, does what they say, and gives the exit code: 0, 1 for failure, 2 for wrong usage; `crds --diff` has its own.
pub(crate) fn run(synchronizer: Synchronizer) -> ExitCode {
    let matches = Cli::command().name(synchronizer.name.clone()).get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return complain(&error, USAGE),
    };
    let mut out = io::stdout().lock();
    match cli.command {
        Command::Run(args) => finish(serve(synchronizer, &args.config), |_| FAILED),
        Command::Crds(args) if args.diff => match diff_command::run(&synchronizer, &args, &mut out) {
            Ok(Verdict::Unchanged) => ExitCode::SUCCESS,
            Ok(Verdict::Apply) => ExitCode::from(FAILED),
            Ok(Verdict::Refuse) => ExitCode::from(REFUSED),
            Err(error) => complain(&error, USAGE),
        },
        Command::Crds(args) => {
            let code = |error: &crds_command::CrdsError| if error.is_usage() { USAGE } else { FAILED };
            finish(crds_command::run(&synchronizer, &args, &mut out), code)
        }
        Command::Events(args) => finish(events_command::run(&args, &mut out), |_| FAILED),
        Command::Admission(args) => finish(admission_command::run(synchronizer, &args.config, &mut out), |_| FAILED),
        Command::Proto(args) => {
            let code = |error: &proto_command::ProtoError| if error.is_usage() { USAGE } else { FAILED };
            finish(proto_command::run(&synchronizer, &args, &mut out), code)
        }
        Command::Explain(args) => {
            let code = |error: &ExplainError| if error.is_usage() { USAGE } else { FAILED };
            finish(explain(args.code.as_deref(), &mut out), code)
        }
        Command::Check(args) => match check(&args.paths, args.options(), &mut out) {
            Ok(ExitStatus::Clean) => ExitCode::SUCCESS,
            Ok(ExitStatus::Diagnostics) => ExitCode::from(FAILED),
            Err(error) => complain(&error, USAGE),
        },
    }
}

fn finish<E: std::fmt::Display>(result: Result<(), E>, code: impl Fn(&E) -> u8) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error, code(&error)),
    }
}

fn complain(error: &impl std::fmt::Display, code: u8) -> ExitCode {
    // Nobody is left to be told if standard error is closed.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(code)
}
