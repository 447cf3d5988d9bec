//! Debian's packages: which one a file is of, fetching them, and what is in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use tar::EntryType;

use super::Error;
use crate::{command, layer::Layer};

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    file: String,
    control: String,
}

/// What is at a path of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    File { mode: u32, content: Vec<u8> },
    Link(PathBuf),
}

/// The files of a package, by their paths without the first `/`.
#[derive(Clone, Debug, Default)]
pub struct Content {
    name: String,
    entries: BTreeMap<String, Entry>,
}

/// Returns the package that the installed file `path` is of.
pub(super) fn owner(path: &Path) -> Result<String, Error> {
    for spelling in spellings(path) {
        if let Ok(printed) = command::printed(Command::new("dpkg-query").arg("--search").arg(&spelling))
            && let Some((name, _)) = printed.split_once(": ")
        {
            return Ok(name.split(':').next().unwrap_or(name).to_owned());
        }
    }
    // So a machine without dpkg is told what is missing.
    command::printed(Command::new("dpkg-query").arg("--version"))?;
    Err(Error::NoPackage { library: path.to_owned() })
}

/// `/lib` is `/usr/lib` today; packages may still use the old name.
fn spellings(path: &Path) -> [PathBuf; 2] {
    let other = match path.strip_prefix("/usr") {
        Ok(rest) => Path::new("/").join(rest),
        Err(_) => Path::new("/usr").join(path.strip_prefix("/").unwrap_or(path)),
    };
    [path.to_owned(), other]
}

/// Fetches the newest package that apt offers, unless `cache` has it.
pub(super) fn fetch(name: &str, cache: &Path) -> Result<Package, Error> {
    let failed = |source| Error::Read { folder: cache.to_owned(), source };
    fs::create_dir_all(cache).map_err(failed)?;
    let offered = command::printed(Command::new("apt-get").args(["download", "--print-uris", name]))
        .map_err(|error| not_offered(name, error))?;
    let (file, size) = offer(&offered).ok_or_else(|| Error::NotOffered { name: name.to_owned() })?;
    let path = cache.join(&file);
    let is_there = || fs::metadata(&path).is_ok_and(|there| there.len() == size);
    if !is_there() {
        // Others may want it at the same time.
        let lock = File::create(cache.join("lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        if !is_there() {
            let new = cache.join("new");
            fs::create_dir_all(&new).map_err(failed)?;
            let mut apt = Command::new("apt-get");
            apt.args(["--quiet", "download", name]).current_dir(&new);
            command::printed(&mut apt).map_err(|error| not_offered(name, error))?;
            fs::rename(new.join(&file), &path).map_err(failed)?;
        }
    }
    let control = command::printed(Command::new("dpkg-deb").arg("--field").arg(&path))?;
    let field = |key: &str| control.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
    let (version, architecture) = (field("Version:").to_owned(), field("Architecture:").to_owned());
    Ok(Package { name: name.to_owned(), version, architecture, file, control })
}

fn not_offered(name: &str, error: command::Error) -> Error {
    match error {
        command::Error::Failed { words, .. } if words.contains("Unable to locate") || words.contains("Can't find") => {
            Error::NotOffered { name: name.to_owned() }
        }
        other => other.into(),
    }
}

/// Reads `'http://…/libssl3_3.0.15-1_amd64.deb' libssl3_3.0.15-1_amd64.deb 2023456 SHA256:…`.
fn offer(printed: &str) -> Option<(String, u64)> {
    let mut words = printed.lines().find(|line| line.starts_with('\''))?.split_whitespace().skip(1);
    Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
}

impl Package {
    /// The package's description, for programs that look for what is installed.
    pub(super) fn control(&self) -> &str {
        &self.control
    }

    /// Returns the package's files.
    pub(super) fn content(&self, cache: &Path) -> Result<Content, Error> {
        let tar = command::output(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(cache.join(&self.file)))?;
        let entries = read(&tar).map_err(|source| Error::Read { folder: cache.to_owned(), source })?;
        Ok(Content { name: self.name.clone(), entries })
    }
}

fn read(tar: &[u8]) -> std::io::Result<BTreeMap<String, Entry>> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        let path = modern(&entry.path()?.to_string_lossy());
        let target = entry.link_name()?.map(std::borrow::Cow::into_owned);
        let read = match (entry.header().entry_type(), target) {
            (EntryType::Symlink, Some(target)) => Some(Entry::Link(target)),
            // Another name of a file that came before.
            (EntryType::Link, Some(target)) => entries.get(&modern(&target.to_string_lossy())).cloned(),
            (EntryType::Regular, _) => {
                let mode = entry.header().mode()?;
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Some(Entry::File { mode, content })
            }
            _ => None,
        };
        entries.extend(read.map(|read| (path, read)));
    }
    Ok(entries)
}

/// Returns the path without `./`, and where it is today: in `/usr`.
fn modern(path: &str) -> String {
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let is_old = ["lib/", "lib64/"].iter().any(|old| path.starts_with(old));
    if is_old { format!("usr/{path}") } else { path.to_owned() }
}

impl Content {
    /// Returns the libraries with these names, and which of the names were found. A name may be a link: what it leads to
    /// comes along.
    pub(super) fn libraries(&self, names: &BTreeSet<&str>) -> (Layer, Vec<String>) {
        let mut layer = Layer::default();
        let mut found = Vec::new();
        for path in self.entries.keys() {
            let name = path.rsplit('/').next().unwrap_or(path);
            if path.starts_with("usr/lib") && names.contains(name) {
                layer = self.with(layer, path);
                found.push(name.to_owned());
            }
        }
        (layer, found)
    }

    /// Returns all below a folder that `wanted` accepts.
    pub(super) fn below(&self, folder: &str, wanted: impl Fn(&str) -> bool) -> Layer {
        let paths = self.entries.keys().filter(|path| path.starts_with(folder) && wanted(path));
        paths.fold(Layer::default(), |layer, path| self.put(layer, path))
    }

    /// Returns the files below a folder, by their paths.
    pub(super) fn files_below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.entries.iter().filter_map(move |(path, entry)| match entry {
            Entry::File { content, .. } if path.starts_with(folder) => Some((path.as_str(), content.as_slice())),
            _ => None,
        })
    }

    /// The package's licence.
    pub(super) fn licence(&self) -> Layer {
        let folder = self.documents();
        let copyright = format!("{folder}/copyright");
        [folder, copyright].iter().fold(Layer::default(), |layer, path| self.put(layer, path))
    }

    /// The package whose documents are this one's, too.
    pub(super) fn documents_of(&self) -> Option<String> {
        match self.entries.get(&self.documents())? {
            Entry::Link(target) => Some(target.file_name()?.to_str()?.to_owned()),
            Entry::File { .. } => None,
        }
    }

    fn documents(&self) -> String {
        format!("usr/share/doc/{}", self.name)
    }

    fn with(&self, layer: Layer, path: &str) -> Layer {
        let layer = self.put(layer, path);
        match self.entries.get(path) {
            Some(Entry::Link(target)) => {
                let target = Path::new("/").join(path).parent().unwrap_or(Path::new("/")).join(target);
                let target = modern(&target.to_string_lossy());
                if target == path { layer } else { self.with(layer, &target) }
            }
            _ => layer,
        }
    }

    fn put(&self, layer: Layer, path: &str) -> Layer {
        match self.entries.get(path) {
            Some(Entry::File { mode, content }) => layer.file(path, *mode, content.clone()),
            Some(Entry::Link(target)) => layer.link(path, target),
            None => layer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(entries: &[(&str, Entry)]) -> Content {
        let entries = entries.iter().map(|(path, entry)| ((*path).to_owned(), entry.clone())).collect();
        Content { name: "libz1".into(), entries }
    }

    fn file(content: &str) -> Entry {
        Entry::File { mode: 0o644, content: content.into() }
    }

    #[test]
    fn a_library_comes_with_what_its_name_leads_to_and_nothing_else() {
        let content = content(&[
            ("usr/lib/x/libz.so.1", Entry::Link("libz.so.1.2".into())),
            ("usr/lib/x/libz.so.1.2", file("library")),
            ("usr/lib/x/libother.so.1", file("other")),
            ("usr/share/man/man3/z.3", file("manual")),
        ]);
        let (layer, found) = content.libraries(&BTreeSet::from(["libz.so.1", "libssl.so.3"]));
        assert_eq!(found, ["libz.so.1"]);
        assert_eq!(layer.content("usr/lib/x/libz.so.1.2"), Some(&b"library"[..]));
        assert!(!layer.paths().any(|path| path.ends_with("libother.so.1") || path.starts_with("usr/share")));
    }

    #[test]
    fn shared_documents_lead_to_the_package_that_has_them() {
        let shared = content(&[("usr/share/doc/libz1", Entry::Link("zlib-base".into()))]);
        assert_eq!(shared.documents_of().as_deref(), Some("zlib-base"));
        let own = content(&[("usr/share/doc/libz1/copyright", file("licence"))]);
        assert_eq!(own.documents_of(), None);
        assert!(own.licence().content("usr/share/doc/libz1/copyright").is_some());
    }

    #[test]
    fn old_paths_are_moved() {
        assert_eq!(modern("./lib/x86_64-linux-gnu/libc.so.6"), "usr/lib/x86_64-linux-gnu/libc.so.6");
        assert_eq!(modern("/lib64/ld-linux-x86-64.so.2"), "usr/lib64/ld-linux-x86-64.so.2");
        assert_eq!(modern("./usr/share/doc"), "usr/share/doc");
        assert_eq!(spellings(Path::new("/lib/libc.so.6"))[1], Path::new("/usr/lib/libc.so.6"));
        assert_eq!(spellings(Path::new("/usr/lib/libc.so.6"))[1], Path::new("/lib/libc.so.6"));
    }

    #[test]
    fn an_offer_of_apt_is_read() {
        let printed = "'http://deb.debian.org/x/libssl3_3.0_amd64.deb' libssl3_3.0_amd64.deb 2020 SHA256:ab\n";
        assert_eq!(offer(printed), Some(("libssl3_3.0_amd64.deb".to_owned(), 2020)));
        assert_eq!(offer(""), None);
    }
}
