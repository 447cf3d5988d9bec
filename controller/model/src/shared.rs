//! Texts that many objects have: names of models, of fields, of namespaces.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// The texts that are shared, and how many there may be before those that nobody has any more are dropped.
struct Texts {
    all: HashSet<Arc<str>>,
    tidy_at: usize,
}

const FIRST_TIDY: usize = 4096;

static TEXTS: LazyLock<RwLock<Texts>> =
    LazyLock::new(|| RwLock::new(Texts { all: HashSet::new(), tidy_at: FIRST_TIDY }));

/// Returns a text of which there is one copy in memory, whoever asks for it.
pub fn shared(text: &str) -> Arc<str> {
    // The set is whole whatever panics: each operation on it is a single one.
    if let Some(there) = TEXTS.read().unwrap_or_else(PoisonError::into_inner).all.get(text) {
        return Arc::clone(there);
    }
    let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = texts.all.get(text) {
        return Arc::clone(there);
    }
    if texts.all.len() >= texts.tidy_at {
        texts.all.retain(|text| Arc::strong_count(text) > 1);
        texts.tidy_at = FIRST_TIDY.max(texts.all.len() * 2);
    }
    let new: Arc<str> = text.into();
    texts.all.insert(Arc::clone(&new));
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_of_each_text() {
        assert!(Arc::ptr_eq(&shared("a text"), &shared("a text")));
        assert_ne!(shared("a text"), shared("another text"));
    }

    #[test]
    fn what_nobody_has_is_dropped() {
        let kept = shared("kept");
        for n in 0..3 * FIRST_TIDY {
            shared(&format!("dropped {n}"));
        }
        let texts = TEXTS.read().unwrap();
        assert!(texts.all.len() <= 2 * FIRST_TIDY, "{}", texts.all.len());
        assert!(Arc::ptr_eq(texts.all.get("kept").unwrap(), &kept));
    }
}
