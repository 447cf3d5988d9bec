//! The cgroup that has all pods of a node in it, in every hierarchy.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::files::{FileError, at};

/// The controllers that kubelet needs, where there is one hierarchy only.
const CONTROLLERS: [&str; 6] = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"];

/// Makes the cgroup `name` in all hierarchies.
pub(super) fn make(name: &str) -> Result<(), FileError> {
    for root in hierarchies()? {
        make_in(&root, name)?;
    }
    Ok(())
}

/// Removes the cgroup `name` from all hierarchies, with all that are in it. They must have no processes.
pub(super) fn remove(name: &str) -> Result<(), FileError> {
    for root in hierarchies()? {
        let path = root.join(name);
        remove_tree(&path).map_err(at(&path))?;
    }
    Ok(())
}

fn make_in(root: &Path, name: &str) -> Result<(), FileError> {
    let path = root.join(name);
    fs::create_dir_all(&path).map_err(at(&path))?;
    let delegated = root.join("cgroup.subtree_control");
    if delegated.is_file() {
        for controller in CONTROLLERS {
            // One that is not there, or belongs to an older hierarchy, is refused.
            let _there = fs::write(&delegated, format!("+{controller}"));
        }
    }
    // A new cgroup of this hierarchy may use no processor and no memory.
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let (from, to) = (root.join(file), path.join(file));
        if from.is_file() && fs::read_to_string(&to).is_ok_and(|text| text.trim().is_empty()) {
            let text = fs::read_to_string(&from).map_err(at(&from))?;
            fs::write(&to, text.trim()).map_err(at(&to))?;
        }
    }
    Ok(())
}

fn remove_tree(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the roots of all hierarchies.
fn hierarchies() -> Result<Vec<PathBuf>, FileError> {
    let mounts = Path::new("/proc/self/mounts");
    Ok(roots(&fs::read_to_string(mounts).map_err(at(mounts))?))
}

/// Reads the table of mounts: device, place, file system …
fn roots(mounts: &str) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind) = (words.next()?, words.next()?);
            (matches!(kind, "cgroup" | "cgroup2") && place.starts_with("/sys/fs/cgroup")).then(|| place.into())
        })
        .collect();
    roots.sort();
    roots.dedup();
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hierarchies_of_both_kinds_are_found() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
                      cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n\
                      cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n\
                      cgroup2 /elsewhere cgroup2 rw 0 0\n";
        let expected = ["/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified"].map(PathBuf::from);
        assert_eq!(roots(mounts), expected);
        assert_eq!(roots("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"), [PathBuf::from("/sys/fs/cgroup")]);
    }

    #[test]
    fn a_tree_is_removed_from_its_leaves_on() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("node/kubepods/pod")).unwrap();
        remove_tree(&root.path().join("node")).unwrap();
        assert!(!root.path().join("node").exists());
        remove_tree(&root.path().join("node")).unwrap();
    }

    #[test]
    fn a_new_cgroup_may_use_the_processors_of_its_parent() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("node")).unwrap();
        for (file, text) in [("cpuset.cpus", "0-1\n"), ("node/cpuset.cpus", "\n")] {
            fs::write(root.path().join(file), text).unwrap();
        }
        make_in(root.path(), "node").unwrap();
        assert_eq!(fs::read_to_string(root.path().join("node/cpuset.cpus")).unwrap(), "0-1");
    }
}
