//! The shell that the tour is typed into.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdin, ChildStdout},
};
use xos_harness::{paths, process::Child, tools::Tools};

use super::console::Step;

/// Ends the output of each command.
const END: &str = "--- end of output ---";
/// What differs from a terminal: the programs are built already (`make cluster` would build them), the cluster is not
/// the one that the user has in the background, and curl would print its progress into a pipe.
const PREAMBLE: &str = r#"
cargo() { [ "$*" = "build --bins" ]; }
make() {
    case "$*" in
        "-s cluster") XOS_CACHE_DIR=$PWD KUBEBUILDER_ASSETS=$CONTROL_PLANE target/debug/xos-cluster up ;;
        cluster-down) XOS_CACHE_DIR=$PWD target/debug/xos-cluster down ;;
        *) echo "make $*: not known to this test" ;;
    esac
}
curl() { command curl --silent --show-error "$@"; }
"#;

/// Bash in a folder that looks like the repository. What it starts ends with it, but for the cluster.
pub(super) struct Shell {
    folder: PathBuf,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    servers: usize,
    /// The ports that the README names, and the test's own.
    ports: Vec<(&'static str, String)>,
    _bash: Child,
}

impl Shell {
    pub(super) async fn start(folder: &Path) -> Self {
        let programs = paths::program("xos-cluster").unwrap().parent().unwrap().to_owned();
        fs::create_dir(folder.join("target")).unwrap();
        symlink(programs, folder.join("target/debug")).unwrap();
        symlink(paths::repository().join("config"), folder.join("config")).unwrap();
        let assets = Tools::ready().unwrap().bin_dir();
        // Held together, so that they differ.
        let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [directory, bus] = free.map(|port| port.local_addr().unwrap().to_string());
        let mut bash = Child::start("bash", &folder.join("bash.log"), Path::new("/bin/bash"), |command| {
            command.args(["--noprofile", "--norc"]).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.env("CONTROL_PLANE", assets).env("KUBECACHEDIR", folder.join("kubectl"));
            command.env_remove("KUBECONFIG").env_remove("RUST_LOG").env_remove("XOS_CACHE_DIR");
            command.env("XOS_SETTINGS__DIRECTORY_URL", format!("http://{directory}"));
            // Nobody is there, as in the README.
            command.env("XOS_EVENT_BUS__ENDPOINT", &bus);
        })
        .unwrap();
        let input = bash.take_stdin().unwrap();
        let output = BufReader::new(bash.take_stdout().unwrap()).lines();
        let ports = vec![("127.0.0.1:8080", directory), ("127.0.0.1:9092", bus)];
        let mut shell = Self { folder: folder.to_owned(), input, output, servers: 0, ports, _bash: bash };
        assert_eq!(shell.run(PREAMBLE).await, "");
        shell
    }

    /// Returns a step with the test's own ports and files.
    pub(super) fn localized(&self, step: &Step) -> Step {
        let folder = format!("{}/", self.folder.display());
        let own = |text: &str| {
            let text = text.replace("/tmp/", &folder);
            self.ports.iter().fold(text, |text, (shown, own)| text.replace(shown, own))
        };
        Step { command: own(&step.command), shown: step.shown.iter().map(|line| own(line)).collect(), ..step.clone() }
    }

    /// Runs a command to its end, and returns what it prints.
    pub(super) async fn run(&mut self, command: &str) -> String {
        let line = format!("{{ {command}\n}} 2>&1 < /dev/null; echo; echo '{END}'\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
        let mut printed = vec![];
        loop {
            let line = self.output.next_line().await.unwrap().expect("bash ended");
            if line == END {
                return printed.join("\n").trim_end().to_owned();
            }
            printed.push(line);
        }
    }

    /// Starts a command that goes on running until the shell ends; returns the file with what it prints.
    pub(super) async fn serve(&mut self, command: &str) -> PathBuf {
        self.servers += 1;
        let log = self.folder.join(format!("server-{}.log", self.servers));
        let line = format!("target/debug/xos-cluster exec --parent $$ -- {command} > '{}' 2>&1 &", log.display());
        assert_eq!(self.run(&line).await, "");
        log
    }
}
