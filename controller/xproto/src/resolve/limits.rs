//! How much of a set is read: enough for any real one, and little enough that no text can exhaust the memory.

/// The most messages of a set; XOS's core has about 60.
pub(crate) const MAX_MESSAGES: usize = 4096;

/// The most models that one model may inherit from; real ones have at most 3.
pub(crate) const MAX_ANCESTORS: usize = 64;
