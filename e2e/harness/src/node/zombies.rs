//! Orphans: processes whose parents have ended, and that the first process of their namespace has to wait for.

use std::fs;

use rustix::process::{Pid, WaitOptions, waitpid};

/// Takes the exit statuses of all children of this process that have ended, but for those in `own`, which others wait for.
pub(super) fn reap(own: &[u32]) {
    let myself = std::process::id();
    for id in ended_children(myself).into_iter().filter(|id| !own.contains(id)) {
        if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            // Nobody else waits for it; if it is gone all the same, that is what was wanted.
            let _status = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

/// Returns the processes that have ended, that nobody has waited for, and whose parent is `parent`.
fn ended_children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| is_ended_child(&stat, parent))
    })
    .collect()
}

/// Reads `pid (name) state parent …`; the name may contain anything.
fn is_ended_child(stat: &str, parent: u32) -> bool {
    let mut words = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    words.next() == Some("Z") && words.next().and_then(|word| word.parse().ok()) == Some(parent)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_state_comes_after_the_name_whatever_that_is() {
        assert!(is_ended_child("12 (a) S 9) Z 1 12 12 0", 1));
        assert!(!is_ended_child("12 (a) Z 1) S 1 12 12 0", 1));
        assert!(!is_ended_child("12 (shim) Z 7 12 12 0", 1));
    }

    #[test]
    fn an_ended_child_is_taken_unless_others_wait_for_it() {
        let mut child = Command::new("true").spawn().unwrap();
        let myself = std::process::id();
        while !ended_children(myself).contains(&child.id()) {
            std::thread::yield_now();
        }
        assert!(ended_children(myself).contains(&child.id()));
        child.wait().unwrap();
        assert!(!ended_children(myself).contains(&child.id()));
    }
}
