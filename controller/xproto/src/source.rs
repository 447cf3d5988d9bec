//! Source texts and places in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

/// The most bytes that one source may have; the largest real one, the core's, has about 60 kB.
pub const MAX_SOURCE_BYTES: usize = 4 << 20;

/// The name under which the built-in `XOSBase` appears in messages.
pub const BUILT_IN_PATH: &str = "<built-in>/base.xproto";

const BUILT_IN: &str = include_str!("base.xproto");

/// The name under which the models of XOS's core appear in messages, where a set takes them from the compiler.
pub const CORE_PATH: &str = "<built-in>/core.xproto";

/// `config/core.xproto`.
pub(crate) const CORE: &str = include_str!("core.xproto");

static CORE_SOURCE: LazyLock<Source> =
    LazyLock::new(|| Source::new(SourceId::CORE, CORE_PATH.to_owned(), CORE.as_bytes().to_vec()));

/// Names one source of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub(crate) u32);

impl SourceId {
    /// The built-in source that declares `XOSBase`.
    pub const BUILT_IN: Self = Self(0);
    /// The built-in source that declares the models of XOS's core.
    pub const CORE: Self = Self(u32::MAX);

    /// Returns whether the source comes with the compiler.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        matches!(self, Self::BUILT_IN | Self::CORE)
    }
}

/// A range of bytes in one source. `{:+?}` leaves it out, so that it writes what stands in different places alike.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The source that the bytes are in.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.sign_plus() {
            return f.write_str("Span");
        }
        let Self { source, start, end } = self;
        f.debug_struct("Span").field("source", source).field("start", start).field("end", end).finish()
    }
}

impl Span {
    /// Returns the span from the start of this one to the end of `other`, in the same source.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { end: other.end.max(self.start), ..self }
    }

    /// Returns the empty span right after this one.
    #[must_use]
    pub fn after(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// Returns the bytes as a range.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One file of a model set.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: String,
    lines: Vec<u32>,
    /// The number of characters before each block of the text, so that a column in a long line costs no more than one
    /// in a short line.
    blocks: Vec<u32>,
    invalid_utf8: Vec<Span>,
    oversize: Option<usize>,
}

impl Source {
    fn new(id: SourceId, path: String, bytes: Vec<u8>) -> Self {
        if bytes.len() > MAX_SOURCE_BYTES {
            let oversize = Some(bytes.len());
            let (lines, blocks) = (vec![0], vec![0]);
            return Self { path, text: String::new(), lines, blocks, invalid_utf8: Vec::new(), oversize };
        }
        let (text, invalid_utf8) = decode(id, without_mark(bytes));
        let lines = line_starts(&text);
        let blocks = characters_before(&text);
        Self { path, text, lines, blocks, invalid_utf8, oversize: None }
    }

    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the text; bytes that are not UTF-8 are replaced by U+FFFD.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns line and column of a byte, both counted from 1, the column in characters.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        let start = self.line_start(line);
        let end = (offset as usize).min(self.text.len());
        (line, self.characters(end).saturating_sub(self.characters(start)) + 1)
    }

    /// Returns the number of characters that begin before a byte.
    fn characters(&self, byte: usize) -> usize {
        let block = (byte / BLOCK).min(self.blocks.len().saturating_sub(1));
        let before = self.blocks.get(block).map_or(0, |&count| count as usize);
        let rest = self.text.as_bytes().get(block * BLOCK..byte).unwrap_or_default();
        before + rest.iter().filter(|byte| begins_character(**byte)).count()
    }

    /// Returns the byte at which a line, counted from 1, starts; the end of the text for a line after the last one.
    pub(crate) fn line_start(&self, line: usize) -> usize {
        self.lines.get(line.saturating_sub(1)).map_or(self.text.len(), |&start| start as usize)
    }

    /// Returns where bytes were replaced because they are not UTF-8.
    pub(crate) fn invalid_utf8(&self) -> &[Span] {
        &self.invalid_utf8
    }

    /// Returns the size of a source that was too large to be kept.
    pub(crate) fn oversize(&self) -> Option<usize> {
        self.oversize
    }
}

/// Removes a byte order mark, which some editors write.
fn without_mark(mut bytes: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
    bytes
}

/// Replaces what is not UTF-8 and says where.
fn decode(source: SourceId, bytes: Vec<u8>) -> (String, Vec<Span>) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, Vec::new()),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut invalid = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            let start = offset(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
            invalid.push(Span { source, start, end: offset(text.len()) });
        }
    }
    (text, invalid)
}

/// The size of the blocks of a text, in bytes, at whose start the number of characters is known.
const BLOCK: usize = 1 << 10;

/// Returns the number of characters before each block of a text.
fn characters_before(text: &str) -> Vec<u32> {
    let mut before = 0;
    let count = |block: &[u8]| {
        let begin = before;
        before += offset(block.iter().filter(|byte| begins_character(**byte)).count());
        begin
    };
    let mut blocks: Vec<_> = text.as_bytes().chunks(BLOCK).map(count).collect();
    // The end of the text may be the start of a block.
    blocks.push(before);
    blocks.truncate(text.len() / BLOCK + 1);
    blocks
}

/// Returns whether a byte of UTF-8 is the first one of a character.
fn begins_character(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

fn line_starts(text: &str) -> Vec<u32> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| offset(at + 1))).collect()
}

/// Converts a position to a byte offset; sources are far smaller than 4 GiB (see [`MAX_SOURCE_BYTES`]; a replacement
/// takes three bytes).
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The files of one model set.
///
/// The built-in source that declares `XOSBase` is always the first one; it is left out when a file declares `XOSBase`
/// itself. The models of XOS's core come with the compiler too: see [`SourceId::CORE`].
#[derive(Debug)]
pub struct Sources {
    sources: Vec<Source>,
    /// The names of properties that are declared elsewhere, by model.
    properties: BTreeMap<String, BTreeSet<String>>,
    uses: BTreeSet<String>,
}

impl Default for Sources {
    fn default() -> Self {
        Self::new()
    }
}

impl Sources {
    /// Makes a set with no file but the built-in one.
    #[must_use]
    pub fn new() -> Self {
        let built_in = Source::new(SourceId::BUILT_IN, BUILT_IN_PATH.to_owned(), BUILT_IN.as_bytes().to_vec());
        Self { sources: vec![built_in], properties: BTreeMap::new(), uses: BTreeSet::new() }
    }

    /// Lets the files know that a model has a property, which is declared elsewhere: the option `columns` may name it.
    pub fn announce_property(&mut self, model: &str, property: &str) {
        self.properties.entry(model.to_owned()).or_default().insert(property.to_owned());
    }

    /// Returns the names of the properties that are announced for a model.
    pub(crate) fn properties_of(&self, model: &str) -> impl Iterator<Item = &str> {
        self.properties.get(model).into_iter().flatten().map(String::as_str)
    }

    /// Adds a file. The path is only used in messages.
    pub fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> SourceId {
        let id = SourceId(offset(self.sources.len()));
        self.sources.push(Source::new(id, path.into(), bytes.into()));
        id
    }

    /// Adds names of the core's models that the set uses beside those that its files name; `core` stands for all of
    /// them. Other names mean nothing here.
    pub fn add_uses(&mut self, names: impl IntoIterator<Item = impl Into<String>>) {
        self.uses.extend(names.into_iter().map(Into::into));
    }

    /// Returns the names that were added by [`add_uses`](Self::add_uses).
    pub(crate) fn uses(&self) -> impl Iterator<Item = &str> {
        self.uses.iter().map(String::as_str)
    }

    /// Returns a file of the set, or a built-in one.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        if id == SourceId::CORE {
            return Some(&CORE_SOURCE);
        }
        self.sources.get(id.0 as usize)
    }

    /// Returns all files with the built-in one, which is the first.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        (0..).map(SourceId).zip(&self.sources)
    }

    /// Returns the number of files that were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len().saturating_sub(1)
    }

    /// Returns whether no file was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters_from_one() {
        let source = Source::new(SourceId(1), "a".into(), "ä\nöx\r\n".as_bytes().to_vec());
        assert_eq!(source.line_column(0), (1, 1));
        assert_eq!(source.line_column(5), (2, 2));
        assert_eq!(source.line_column(8), (3, 1));
        assert_eq!(source.line_column(999), (3, 1));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let source = Source::new(SourceId(1), "a".into(), "\u{feff}option".as_bytes().to_vec());
        assert_eq!((source.text(), source.line_column(3)), ("option", (1, 4)));
    }

    #[test]
    fn columns_of_long_lines_are_those_that_are_counted() {
        for (text, step) in [("aé\u{1f600}".repeat(2000), 7), ("x".repeat(4096), 1024), ("ab\n".repeat(3000), 3)] {
            let source = Source::new(SourceId(1), "a".into(), text.clone().into_bytes());
            for at in (0..=text.len()).step_by(step) {
                let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
                let column = text[start..at].chars().count() + 1;
                assert_eq!(source.line_column(offset(at)).1, column, "{at}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced_and_located() {
        let source = Source::new(SourceId(1), "a".into(), b"a\xffb\xc3".to_vec());
        assert_eq!(source.text(), "a\u{fffd}b\u{fffd}");
        let places: Vec<_> = source.invalid_utf8().iter().map(|span| span.range()).collect();
        assert_eq!(places, [1..4, 5..8]);
    }

    #[test]
    fn a_source_that_is_too_large_is_not_kept() {
        let source = Source::new(SourceId(1), "a".into(), vec![b' '; MAX_SOURCE_BYTES + 1]);
        assert_eq!(source.oversize(), Some(MAX_SOURCE_BYTES + 1));
        assert!(source.text().is_empty());
    }

    #[test]
    fn the_built_in_source_is_not_counted() {
        let mut sources = Sources::new();
        assert!(sources.is_empty());
        let id = sources.add("a.xproto", "");
        assert_eq!((sources.len(), sources.get(id).map(Source::path)), (1, Some("a.xproto")));
    }
}
