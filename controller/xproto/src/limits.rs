//! How much of a set is read: enough for any real one, and little enough that no text can exhaust memory or stack.

/// The most messages of a set; XOS's core has about 60.
pub(crate) const MAX_MESSAGES: usize = 16_384;

/// The most models that one model may inherit from; real ones have at most 3.
pub(crate) const MAX_ANCESTORS: usize = 64;

/// The most fields and links that one message may declare; they are numbered from 1 to 99.
pub(crate) const MAX_MEMBERS: usize = 200;

/// The most fields and links that all models of a set have together, inherited ones counted for each model that has
/// them.
pub(crate) const MAX_INHERITED: usize = 4_000_000;

/// How deep a policy or a list of choices may nest; real ones do 4 times.
pub(crate) const MAX_DEPTH: usize = 64;

/// How much work may go into checking the paths of policies against the models that use them, in names looked up; a
/// name costs more in a large model.
pub(crate) const MAX_CHECKED: usize = 20_000_000;

/// The most names in a list such as `unique_with`.
pub(crate) const MAX_NAMES: usize = 100;
