//! Runs a command with a limit of memory. A process can set it only for itself, before it becomes the command: so this
//! program is called again, by a word that no user types.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The word.
const WORD: &str = "__limited";
/// What a shell ends with when it cannot run a command.
const NOT_RUN: u8 = 126;

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Becomes the command that the arguments name, if this program was called for that: `__limited BYTES PROGRAM ARGUMENT…`.
/// Returns only if it was not, or if the command cannot be run. From then on commands are run by this program.
pub fn become_command() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next().is_none_or(|word| word != WORD) {
        if let Ok(program) = env::current_exe() {
            // It is set already if a program asks twice.
            let _ = PROGRAM.set(program);
        }
        return None;
    }
    let memory = arguments.next();
    let program = arguments.next();
    eprintln!("{}", exec(memory, program, arguments));
    Some(ExitCode::from(NOT_RUN))
}

/// Returns why the command cannot be run.
fn exec(memory: Option<OsString>, program: Option<OsString>, arguments: impl Iterator<Item = OsString>) -> String {
    let Some(bytes) = memory.and_then(|memory| memory.to_str()?.parse().ok()) else {
        return "no limit of memory is given".to_owned();
    };
    let Some(program) = program else { return "no command is given".to_owned() };
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    if let Err(error) = setrlimit(Resource::As, limit) {
        return format!("cannot limit the memory: {error}");
    }
    let error = Command::new(&program).args(arguments).exec();
    format!("cannot run {}: {error}", Path::new(&program).display())
}

/// Returns the program and the first arguments by which a command is run with this limit; nothing where this program
/// cannot do that, as in a test.
pub(crate) fn begin(memory: u64) -> Option<(PathBuf, [OsString; 2])> {
    PROGRAM.get().map(|program| (program.clone(), [WORD.into(), memory.to_string().into()]))
}
