//! The namespaces of a node, from within: mounts, network, limits of the kernel. All is undone by the end of the
//! namespaces.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{NAME, commands::Plan};
use crate::files::{FileError, at};

/// What kubelet wants of the kernel, and would set for the whole machine. It gets to see these values instead.
const WANTED: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];
/// Folders of the machine into which the node's programs write. What they write goes into the node's folder.
const COVERED: [&str; 2] = ["/var/lib", "/var/log"];
/// Folders that need a file system which can hold the files of containers.
const BIG: [&str; 2] = ["/var/lib/containerd", "/var/lib/kubelet"];

/// The node's surroundings could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command failed.
    #[error("`{command}` failed: {words}")]
    Command {
        /// The command.
        command: String,
        /// What it said.
        words: String,
    },
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Sets up the mounts and the network of the namespaces in which this process is the first one.
pub(super) fn furnish(plan: &Plan) -> Result<(), Error> {
    set(Path::new("/proc/sys/kernel/hostname"), NAME)?;
    mounts(&plan.folder)?;
    run("ip", &["link", "set", "lo", "up"])?;
    run("ip", &["address", "add", &plan.address, "dev", "eth0"])?;
    run("ip", &["link", "set", "eth0", "up"])?;
    run("ip", &["route", "add", "default", "via", &plan.host])?;
    set(Path::new("/proc/sys/net/ipv4/ip_forward"), "1")
}

fn mounts(folder: &Path) -> Result<(), Error> {
    // Containers may see what is mounted later; this machine does not.
    run("mount", &["--make-rshared", "/"])?;
    run("mount", &["-t", "tmpfs", "-o", "mode=755", "run", "/run"])?;
    for (index, place) in COVERED.into_iter().enumerate() {
        let [upper, work] = ["upper", "work"].map(|part| folder.join(format!("over-{index}-{part}")));
        for path in [&upper, &work] {
            make(path)?;
        }
        let options = format!("lowerdir={place},upperdir={},workdir={}", upper.display(), work.display());
        run("mount", &["-t", "overlay", "-o", &options, "overlay", place])?;
    }
    for (index, place) in BIG.into_iter().enumerate() {
        let real = folder.join(format!("big-{index}"));
        make(&real)?;
        make(Path::new(place))?;
        run("mount", &["--bind", &real.display().to_string(), place])?;
    }
    let shown = folder.join("kernel");
    make(&shown)?;
    for (name, value) in WANTED {
        let file = shown.join(name.replace('/', "."));
        set(&file, value)?;
        run("mount", &["--bind", &file.display().to_string(), &format!("/proc/sys/{name}")])?;
    }
    Ok(())
}

/// Runs a command to its end.
pub(super) fn run(program: &str, arguments: &[&str]) -> Result<(), Error> {
    let failed = |words: String| Error::Command { command: format!("{program} {}", arguments.join(" ")), words };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(format!("{} ({})", String::from_utf8_lossy(&output.stderr).trim(), output.status)))
}

fn make(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(at(path))
}

fn set(path: &Path, value: &str) -> Result<(), Error> {
    Ok(fs::write(path, value).map_err(at(path))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_named_with_its_words() {
        let error = run("ls", &["/no/such/folder"]).unwrap_err().to_string();
        assert!(error.contains("`ls /no/such/folder`") && error.contains("No such file"), "{error}");
        let error = run("xos-no-such-program", &[]).unwrap_err().to_string();
        assert!(error.contains("xos-no-such-program"), "{error}");
    }
}
