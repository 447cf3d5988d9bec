//! A layer of an image: files, in an order and with dates that depend on nothing but the files.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Folder { mode: u32 },
    File { mode: u32, content: Vec<u8> },
    Link { to: PathBuf },
}

/// The files of a layer. All of them belong to root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layer {
    entries: BTreeMap<PathBuf, Entry>,
}

/// A layer as bytes.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The tar archive.
    pub tar: Vec<u8>,
    /// The same, compressed by gzip.
    pub gzip: Vec<u8>,
}

impl Layer {
    /// Adds a folder. Those above it come by themselves.
    #[must_use]
    pub fn folder(mut self, path: impl AsRef<Path>, mode: u32) -> Self {
        self.put(path.as_ref(), Entry::Folder { mode });
        self
    }

    /// Adds a file.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        self.put(path.as_ref(), Entry::File { mode, content: content.into() });
        self
    }

    /// Adds a symbolic link.
    #[must_use]
    pub fn link(mut self, path: impl AsRef<Path>, to: impl Into<PathBuf>) -> Self {
        self.put(path.as_ref(), Entry::Link { to: to.into() });
        self
    }

    /// Adds all that another layer has.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// Returns the content of a file.
    #[must_use]
    pub fn content(&self, path: impl AsRef<Path>) -> Option<&[u8]> {
        match self.entries.get(&inside(path.as_ref()))? {
            Entry::File { content, .. } => Some(content),
            Entry::Folder { .. } | Entry::Link { .. } => None,
        }
    }

    /// The paths of all that is in the layer, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.entries.keys().map(PathBuf::as_path)
    }

    /// Packs the files. All of them get the time `changed`, in seconds since 1970.
    ///
    /// # Errors
    /// When a path or a link is too long for the format.
    pub fn pack(&self, changed: u64) -> io::Result<Packed> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let mut header = Header::new_gnu();
            header.set_mtime(changed);
            header.set_uid(0);
            header.set_gid(0);
            match entry {
                Entry::Folder { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(*mode);
                    header.set_size(0);
                    builder.append_data(&mut header, path, io::empty())?;
                }
                Entry::File { mode, content } => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_mode(*mode);
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, path, content.as_slice())?;
                }
                Entry::Link { to } => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    header.set_size(0);
                    builder.append_link(&mut header, path, to)?;
                }
            }
        }
        let tar = builder.into_inner()?;
        // Without name and time in the header of gzip, which would differ each time.
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
        gzip.write_all(&tar)?;
        Ok(Packed { tar, gzip: gzip.finish()? })
    }

    fn put(&mut self, path: &Path, entry: Entry) {
        let path = inside(path);
        for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            self.entries.entry(above.to_owned()).or_insert(Entry::Folder { mode: 0o755 });
        }
        self.entries.insert(path, entry);
    }
}

/// Returns the path relative to the image's root.
fn inside(path: &Path) -> PathBuf {
    path.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Layer {
        Layer::default().file("/usr/bin/a", 0o755, "program").link("/bin", "usr/bin").folder("/tmp", 0o1777)
    }

    #[test]
    fn the_order_of_the_calls_does_not_matter() {
        let other = Layer::default().folder("tmp", 0o1777).link("bin", "usr/bin").file("usr/bin/a", 0o755, "program");
        assert_eq!(sample().pack(7).unwrap().gzip, other.pack(7).unwrap().gzip);
        assert_ne!(sample().pack(7).unwrap().tar, sample().pack(8).unwrap().tar);
    }

    #[test]
    fn folders_above_come_first_and_all_belongs_to_root() {
        let packed = sample().pack(7).unwrap();
        let mut archive = tar::Archive::new(packed.tar.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 7));
            seen.push((entry.path().unwrap().display().to_string(), header.mode().unwrap()));
        }
        let expected = [("bin", 0o777), ("tmp", 0o1777), ("usr", 0o755), ("usr/bin", 0o755), ("usr/bin/a", 0o755)];
        assert_eq!(seen, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn gzip_holds_the_archive() {
        let packed = sample().pack(0).unwrap();
        let mut read = Vec::new();
        io::copy(&mut flate2::read::GzDecoder::new(packed.gzip.as_slice()), &mut read).unwrap();
        assert_eq!(read, packed.tar);
    }
}
