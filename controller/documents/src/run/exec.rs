//! Commands.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};

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
enum ExecError {
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
        let mut environment = vec![];
        for (name, value) in &self.env {
            environment.push((name.clone(), value.text(values)?));
        }
        let (status, out, told) = match ctx.outside() {
            Some(outside) => {
                let asked = OutsideCommand { words: words.clone(), environment, input };
                let OutsideResult { status, output, error } = outside.command(asked)?;
                (ExitStatus::from_raw(i32::from(status) << EXIT_STATUS), output, error)
            }
            None => self.really_run((program, arguments), environment, input).await?,
        };
        if status.success() {
            let text = String::from_utf8_lossy(&out);
            let value: Json = serde_json::from_slice(&out).unwrap_or_default();
            return Ok(json!({"value": value, "text": text}));
        }
        let error = ExecError::Failed { program: program.clone(), how: status.to_string(), told: end_of(&told) };
        match status.code() {
            Some(NOT_NOW) => Err(StepError::deferred(error.to_string())),
            _ => Err(error.into()),
        }
    }

    async fn really_run(
        &self,
        (program, arguments): (&String, &[String]),
        environment: Vec<(String, String)>,
        input: Option<Json>,
    ) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), ExecError> {
        let mut command = match limited::begin(self.memory) {
            Some((this, first)) => {
                let mut command = Command::new(this);
                command.args(first).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.args(arguments).env_clear().envs(environment).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let limit = self.timeout;
        let ran = tokio::time::timeout(limit, self.run_command(command, input)).await;
        let failed = |source| ExecError::Start { program: program.clone(), source };
        let timed_out = |_| ExecError::TimedOut { program: program.clone(), limit };
        ran.map_err(timed_out)?.map_err(failed)
    }

    async fn run_command(
        &self,
        mut command: Command,
        input: Option<Json>,
    ) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
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
        let ((), out, told) = tokio::join!(
            write,
            read(stdout.map(|pipe| Box::new(pipe) as _)),
            read(stderr.map(|pipe| Box::new(pipe) as _))
        );
        let status = child.wait().await?;
        // Its number may soon be that of another process.
        group.0 = None;
        Ok((status, out?, told?))
    }
}

/// Returns the end of what a command says.
fn end_of(told: &[u8]) -> String {
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
