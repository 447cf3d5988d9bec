//! Running kubectl.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::paths;

/// kubectl failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started, or did not take its input.
    #[error("cannot run kubectl")]
    Run(#[from] io::Error),
    /// It refused.
    #[error("`{command}` failed ({}): {}", output.status, output.all())]
    Failed {
        /// The command.
        command: String,
        /// Its output.
        output: Box<Output>,
    },
}

/// The output of kubectl.
#[derive(Clone, Debug)]
pub struct Output {
    /// The exit status.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Returns both outputs, as a terminal would show them.
    #[must_use]
    pub fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr).trim_end().to_owned()
    }
}

/// kubectl for one cluster, as one user.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
    /// Where plugins are looked for first.
    plugins: Option<PathBuf>,
}

impl Kubectl {
    /// Returns kubectl with a program, a kubeconfig, and a folder for its cache.
    #[must_use]
    pub fn new(program: PathBuf, kubeconfig: &Path, cache: PathBuf) -> Self {
        Self { program, kubeconfig: kubeconfig.to_owned(), cache, plugins: None }
    }

    /// Returns kubectl that finds the plugins of a folder.
    #[must_use]
    pub fn with_plugins(&self, folder: &Path) -> Self {
        Self { plugins: Some(folder.to_owned()), ..self.clone() }
    }

    /// Returns kubectl for another user.
    #[must_use]
    pub fn with_kubeconfig(&self, kubeconfig: &Path) -> Self {
        Self { kubeconfig: kubeconfig.to_owned(), ..self.clone() }
    }

    /// Runs kubectl, and returns its output, also when it refuses.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output, Error> {
        self.feed(arguments, "").await
    }

    /// Runs kubectl with `input` on standard input (`-f -`), and returns its output, also when it refuses.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn feed<S: AsRef<OsStr>>(&self, arguments: &[S], input: &str) -> Result<Output, Error> {
        let mut child = self.command(arguments).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // It may have answered without reading its input.
            stdin.write_all(input.as_bytes()).await.or_else(closed)?;
        }
        let output = child.wait_with_output().await?;
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs kubectl, and returns its output; a refusal is an error.
    ///
    /// # Errors
    /// When it cannot be started, or refuses.
    pub async fn ok<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<String, Error> {
        checked(arguments, self.run(arguments).await?)
    }

    /// Runs `kubectl <options> apply -f -`.
    ///
    /// # Errors
    /// When it cannot be started, or the API server refuses.
    pub async fn apply(&self, options: &[&str], manifest: &str) -> Result<String, Error> {
        let arguments = [options, &["apply", "-f", "-"]].concat();
        checked(&arguments, self.feed(&arguments, manifest).await?)
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(&self.program);
        // Paths in arguments are relative to the repository.
        command.args(arguments).current_dir(paths::repository());
        command.env("KUBECONFIG", &self.kubeconfig).env("KUBECACHEDIR", &self.cache);
        if let Some(plugins) = &self.plugins {
            let others = env::var_os("PATH").unwrap_or_default();
            let all = [plugins.clone()].into_iter().chain(env::split_paths(&others));
            command.env("PATH", env::join_paths(all).unwrap_or(others));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

fn checked<S: AsRef<OsStr>>(arguments: &[S], output: Output) -> Result<String, Error> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words: Vec<_> = arguments.iter().map(|word| word.as_ref().to_string_lossy()).collect();
    Err(Error::Failed { command: format!("kubectl {}", words.join(" ")), output: Box::new(output) })
}

fn closed(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}
