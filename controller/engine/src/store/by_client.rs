//! What synchronizers that work through XOS's API save of the objects of models that they look after.

use xos_model::save::Changes;
use xos_model::{Fields, Object, client};
use xos_steps::Saver;

use super::LiveStore;
use crate::registry::Entry;
use crate::writer::WriteError;

/// Returns the bookkeeping in what is saved, and the rest. Nobody but a client saves bookkeeping.
pub(super) fn parts(by: &Saver, changed: &Fields) -> (Fields, Fields) {
    let mut rest = changed.clone();
    if !by.is_client() {
        return (Fields::new(), rest);
    }
    let bookkeeping = client::WRITTEN.into_iter().filter_map(|name| Some((name, rest.remove(name)?)));
    (bookkeeping.collect(), rest)
}

impl LiveStore {
    /// The same for one who works through XOS's API, and looks after the model.
    pub(super) async fn save_of_client(
        &self,
        entry: &Entry,
        by: &Saver,
        current: &Object,
        changes: Changes,
        bookkeeping: &Fields,
        touch: bool,
    ) -> Result<Option<Object>, WriteError> {
        let Changes { spec, status: mut changed } = changes;
        let is_deleting = current.meta.deleting.is_some();
        let news = bookkeeping.iter().filter(|(name, value)| is_deleting || current.fields[name.as_ref()] != **value);
        changed.extend(news.map(|(name, value)| (name.clone(), value.clone())));
        let in_spec = Changes { spec, status: Fields::new() };
        let mut saved = self.save_once(entry, by, current, in_spec, touch).await?;
        if changed.is_empty() {
            return Ok(saved);
        }
        let mut before = saved.take().unwrap_or_else(|| current.clone());
        let finalizers = client::finalizers(&before, &changed);
        // It is held before anything is begun, and let go when all is said.
        if finalizers.len() > before.meta.finalizers.len() {
            before = self.writer.set_finalizers(entry, &before, &finalizers).await?;
        }
        let after = client::saved(&before, &changed, (&by.step, by.pass), self.clock.now());
        let mut written = self.writer.write_status(entry, &before, &after).await?;
        // Another save may have let it go meanwhile, too.
        let finalizers = client::finalizers(&written, &changed);
        if finalizers.len() < written.meta.finalizers.len() {
            written = match self.writer.set_finalizers(entry, &written, &finalizers).await {
                Err(WriteError::Gone) => written,
                written => written?,
            };
            if finalizers.is_empty() {
                self.forget(&written);
            }
        }
        Ok(Some(written))
    }
}
