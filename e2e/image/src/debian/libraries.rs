//! The shared libraries of programs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use super::Error;
use crate::command;

/// Returns the shared libraries that `programs` need, with those that these need, and the loader.
///
/// # Errors
/// When one is not installed.
pub fn needed(programs: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Error> {
    let mut all = BTreeSet::new();
    for program in programs {
        let printed = command::printed(Command::new("ldd").arg(program))?;
        all.extend(read(program, &printed)?);
    }
    Ok(all)
}

/// Reads lines such as `libssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f…)`.
fn read(program: &Path, printed: &str) -> Result<Vec<PathBuf>, Error> {
    let mut libraries = Vec::new();
    for line in printed.lines().map(str::trim) {
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        if place.starts_with("not found") {
            return Err(Error::NoLibrary { program: program.to_owned(), library: name.to_owned() });
        }
        // The kernel's own library has no file.
        let place = place.split(" (").next().unwrap_or_default();
        if place.starts_with('/') {
            libraries.push(PathBuf::from(place));
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                           \tlibssl.so.3 => /lib/x86_64-linux-gnu/libssl.so.3 (0x00007f12)\n\
                           \t/lib64/ld-linux-x86-64.so.2 (0x00007f13)\n";

    #[test]
    fn libraries_and_the_loader_are_read() {
        let read = read(Path::new("xos"), PRINTED).unwrap();
        assert_eq!(read, ["/lib/x86_64-linux-gnu/libssl.so.3", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
    }

    #[test]
    fn a_missing_library_is_named() {
        let error = read(Path::new("xos"), "\tlibssl.so.3 => not found\n").unwrap_err().to_string();
        assert!(error.contains("xos needs libssl.so.3"), "{error}");
    }

    #[test]
    fn a_static_program_needs_none() {
        assert!(read(Path::new("xos"), "\tstatically linked\n").unwrap().is_empty());
    }
}
