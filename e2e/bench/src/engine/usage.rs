//! Memory and processor time of a process.

use std::{fs, io, path::Path, time::Duration};

use serde::Serialize;

/// Memory and processor time of a process so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// The most resident memory so far, in KiB.
    pub peak_kib: u64,
    /// The resident memory, in KiB.
    pub resident_kib: u64,
    /// Processor time of all threads.
    pub cpu: Duration,
}

impl Usage {
    /// Reads the usage of a process.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(process: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let ticks = cpu_ticks(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let cpu = Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second().max(1));
        let kib = |name| kib(&status, name).ok_or(io::ErrorKind::InvalidData);
        Ok(Self { peak_kib: kib("VmHWM:")?, resident_kib: kib("VmRSS:")?, cpu })
    }
}

/// Returns the processes of a control plane: those that have its folder on their command line.
pub(super) fn of_control_plane(folder: &Path) -> Vec<u32> {
    const PROGRAMS: [&str; 2] = ["etcd", "kube-apiserver"];
    let folder = folder.to_string_lossy();
    let told = |entry: fs::DirEntry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line);
        let program = Path::new(line.split('\0').next()?).file_name()?.to_str()?;
        (PROGRAMS.contains(&program) && line.contains(&*folder)).then_some(process)
    };
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(told).collect()
}

fn kib(status: &str, name: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse().ok())
}

/// Returns the time in user and system mode.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The line is "pid (name) state …", and the name may contain anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_kib > 0 && usage.peak_kib >= usage.resident_kib, "{usage:?}");
    }

    #[test]
    fn times_stand_after_the_name() {
        assert_eq!(cpu_ticks("1 (a) b) S 2 3 4 5 6 7 8 9 10 11 120 30 14 15"), Some(150));
    }
}
