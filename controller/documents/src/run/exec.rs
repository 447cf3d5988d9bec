//! Commands.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use xos_expressions::Values;
use xos_model::Object;
use xos_steps::{OutsideCommand, OutsideResult, StepContext, StepError};

use crate::compile::{CompiledCommand, Target};
use crate::limited;
use crate::run::set_all;

/// The longest output that is read, in bytes.
const LONGEST: u64 = 32 << 20;
/// How much of what a command says of its failure a message tells, in characters.
const TOLD: usize = 500;
/// What a command ends with that could not do it now (`EX_TEMPFAIL` of sysexits.h).
const NOT_NOW: i32 = 75;
/// Where the exit status stands in what `wait` returns.
const EXIT_STATUS: u32 = 8;

/// A command that makes something agree with an object.
#[derive(Clone, Debug)]
pub(crate) struct ExecDocument {
    pub(crate) command: CompiledCommand,
    pub(crate) fields: Vec<Target>,
    pub(crate) delete: Option<CompiledCommand>,
}

/// Why a command did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExecError {
    /// It is no command.
    #[error("`command` is empty")]
    Empty,
    /// It cannot be run.
    #[error("cannot run {program}: {source}")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("{program} ended with {how}{told}")]
    Failed { program: String, how: String, told: String },
    /// It took too long.
    #[error("{program} was killed: it took longer than {limit:?}")]
    TimedOut { program: String, limit: std::time::Duration },
}

/// The group of processes of a command: it is killed when it is dropped before it has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // It may be gone.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

impl ExecDocument {
    pub(crate) async fn sync(&self, ctx: &StepContext, object: &mut Object, values: Values) -> Result<(), StepError> {
        let result = self.command.run(ctx, &values).await?;
        Ok(set_all(&self.fields, object, &values.with("result", &result))?)
    }

    pub(crate) async fn delete(&self, ctx: &StepContext, values: Values) -> Result<(), StepError> {
        match &self.delete {
            Some(command) => command.run(ctx, &values).await.map(drop),
            None => Ok(()),
        }
    }
}

impl CompiledCommand {
    /// Runs the command. Returns what it wrote: `value`, if that is JSON, and `text`.
    pub(crate) async fn run(&self, ctx: &StepContext, values: &Values) -> Result<Json, StepError> {
        let words = self.words.iter().map(|word| word.text(values)).collect::<Result<Vec<_>, _>>()?;
        let [program, arguments @ ..] = words.as_slice() else { return Err(ExecError::Empty.into()) };
        let input = self.input.as_ref().map(|input| input.value(values)).transpose()?;
        let env = self.env.iter().map(|(name, value)| Ok((name.clone(), value.text(values)?)));
        let env = env.collect::<Result<Vec<_>, xos_expressions::EvaluationError>>()?;
        let ran = match ctx.outside() {
            Some(outside) => {
                let asked = OutsideCommand { words: words.clone(), environment: env, input };
                let OutsideResult { status, output, error } = outside.command(asked)?;
                Ran { status: ExitStatus::from_raw(i32::from(status) << EXIT_STATUS), out: output, told: error }
            }
            None => {
                let (timeout, memory) = (self.timeout, self.memory);
                Limited { program, arguments, env, folder: None, input, timeout, memory }.run().await?
            }
        };
        if ran.status.success() {
            let text = String::from_utf8_lossy(&ran.out);
            let value: Json = serde_json::from_slice(&ran.out).unwrap_or_default();
            return Ok(json!({"value": value, "text": text}));
        }
        let (program, how) = (program.clone(), ran.status.to_string());
        let error = ExecError::Failed { program, how, told: end_of(&ran.told) };
        match ran.status.code() {
            Some(NOT_NOW) => Err(StepError::deferred(error.to_string())),
            _ => Err(error.into()),
        }
    }
}

/// A program that is run with limits of time and memory, and no environment but its own.
pub(super) struct Limited<'c> {
    pub(super) program: &'c str,
    pub(super) arguments: &'c [String],
    pub(super) env: Vec<(String, String)>,
    pub(super) folder: Option<PathBuf>,
    /// What it reads, as JSON.
    pub(super) input: Option<Json>,
    pub(super) timeout: Duration,
    /// In bytes.
    pub(super) memory: u64,
}

/// How a program ended, and what it wrote: its output, and what it says of itself.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) out: Vec<u8>,
    pub(super) told: Vec<u8>,
}

impl Limited<'_> {
    /// Runs the program to its end.
    pub(super) async fn run(self) -> Result<Ran, ExecError> {
        let mut command = match limited::begin(self.memory) {
            Some((this, first)) => {
                let mut command = Command::new(this);
                command.args(first).arg(self.program);
                command
            }
            None => Command::new(self.program),
        };
        command.args(self.arguments).env_clear().process_group(0).kill_on_drop(true);
        command.envs(self.env);
        if let Some(folder) = self.folder {
            command.current_dir(folder);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (program, limit) = (self.program, self.timeout);
        let ran = tokio::time::timeout(limit, ran(command, self.input)).await;
        let failed = |source| ExecError::Start { program: program.to_owned(), source };
        ran.map_err(|_| ExecError::TimedOut { program: program.to_owned(), limit })?.map_err(failed)
    }
}

async fn ran(mut command: Command, input: Option<Json>) -> io::Result<Ran> {
    let mut child = command.spawn()?;
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let mut group = Group(pid);
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let write = async move {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A command need not read it.
            let _ = stdin.write_all(input.to_string().as_bytes()).await;
        }
    };
    let read = async |pipe: Option<Box<dyn tokio::io::AsyncRead + Send + Unpin>>| -> io::Result<Vec<u8>> {
        let mut all = vec![];
        if let Some(pipe) = pipe {
            pipe.take(LONGEST).read_to_end(&mut all).await?;
        }
        Ok(all)
    };
    let ((), out, told) =
        tokio::join!(write, read(stdout.map(|pipe| Box::new(pipe) as _)), read(stderr.map(|pipe| Box::new(pipe) as _)));
    let status = child.wait().await?;
    // Its number may soon be that of another process.
    group.0 = None;
    Ok(Ran { status, out: out?, told: told? })
}

/// Returns the end of what a command says.
pub(super) fn end_of(told: &[u8]) -> String {
    let text = String::from_utf8_lossy(told);
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(TOLD);
    let end: String = text.chars().skip(skipped).collect();
    match (end.is_empty(), skipped) {
        (true, _) => String::new(),
        (false, 0) => format!(": {end}"),
        (false, _) => format!(": …{end}"),
    }
}
