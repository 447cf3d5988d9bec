//! Where a process runs, and whether one that ran at the same place still does.

use std::fs;

use super::roll::Process;

/// Returns where this process runs; nothing if the system does not say.
pub(super) fn place() -> Option<String> {
    let (machine, started) = (machine()?, started(std::process::id())?);
    Some(format!("{machine}/{started}"))
}

/// Returns whether a process is certainly gone: it ran here, and there is none of its number, or another one.
pub(super) fn is_gone(process: &Process) -> bool {
    let Some((place, then)) = process.place.as_deref().and_then(|place| place.rsplit_once('/')) else { return false };
    machine().is_some_and(|here| here == place) && started(process.pid).is_none_or(|now| now != then)
}

/// Returns what is the same for all processes that see each other's numbers: the machine since its start, and the
/// namespace of numbers.
fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let numbers = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), numbers.display()))
}

/// Returns when a process was started, in words of the system; nothing if it is not there, or has ended.
fn started(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // `pid (name) state …`, and the name may contain anything. The time is the 22nd field.
    let fields: Vec<_> = stat.rsplit(") ").next()?.split(' ').collect();
    let has_ended = matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| !has_ended).map(|time| (*time).to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use jiff::Timestamp;

    use super::*;
    use crate::presence::Role;

    #[test]
    fn only_one_that_ran_here_is_certainly_gone() {
        let me = || Process {
            place: place(),
            ..Process::new("here", std::process::id(), Timestamp::UNIX_EPOCH, Role::Works)
        };
        assert!(!is_gone(&me()), "this process");
        let mut child = Command::new("true").spawn().unwrap();
        let other = Process { pid: child.id(), ..me() };
        child.wait().unwrap();
        assert!(is_gone(&other));
        let reused = Process { place: me().place.map(|place| format!("{place}1")), ..me() };
        assert!(is_gone(&reused), "another process has its number");
        assert!(!is_gone(&Process { place: Some("another/machine/1".to_owned()), ..other.clone() }));
        assert!(!is_gone(&Process { place: None, ..other }), "an earlier version");
    }
}
