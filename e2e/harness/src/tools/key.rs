//! Names of cache folders. Everything that a result depends on is part of the hash in the name.

use std::{fs, io, path::Path};

use sha2::{Digest as _, Sha256};

/// How many bytes of the hash are in the name.
const BYTES: usize = 8;

/// Returns the key for what this version of Go builds of these modules with these flags.
pub(crate) fn of(modules: &Path, flags: &[String], go: &str) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        hash.update(fs::read(modules.join(file))?);
        hash.update([0]);
    }
    for word in flags.iter().map(String::as_str).chain([go]) {
        hash.update(word);
        hash.update([0]);
    }
    Ok(name(hash))
}

/// Returns the key for what depends on these texts only.
pub(crate) fn of_texts(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
        hash.update([0]);
    }
    name(hash)
}

fn name(hash: Sha256) -> String {
    hash.finalize().iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), "module m").unwrap();
        fs::write(folder.path().join("go.sum"), "").unwrap();
        let key = |flag: &str, go: &str| of(folder.path(), &[flag.to_owned()], go).unwrap();
        let first = key("-trimpath", "go1.26.0");
        assert_eq!(first.len(), 16);
        assert_eq!(first, key("-trimpath", "go1.26.0"));
        assert_ne!(first, key("-race", "go1.26.0"));
        assert_ne!(first, key("-trimpath", "go1.26.1"));
        fs::write(folder.path().join("go.sum"), "x").unwrap();
        assert_ne!(first, key("-trimpath", "go1.26.0"));
    }
}
